"""The baseline: the same network trained by the straight-through estimator (Courbariaux 2016, Hubara 2016)."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from lrtc.nn.alphabet import nearest, step_of
from lrtc.nn.discrete import HEADS, RANDOM
from lrtc.nn.norm import LRTBatchNorm


class _Rounded(torch.autograd.Function):
    """The discrete weight of a latent one: the nearest of `values`; the gradient passes between the outermost ones."""

    @staticmethod
    def forward(ctx, v: Tensor, values: tuple[int, ...]) -> Tensor:
        ctx.save_for_backward(v)
        ctx.ends = values[0], values[-1]
        if values == (-1, 1):
            return torch.where(v >= 0, 1.0, -1.0).to(v.dtype)
        return torch.round(v.clamp(-1, 1)) if values == (-1, 0, 1) else nearest(v, values)

    @staticmethod
    def backward(ctx, grad: Tensor):
        (v,) = ctx.saved_tensors
        return grad * ((v >= ctx.ends[0]) & (v <= ctx.ends[1])), None


class StraightThrough(nn.Module):
    """Return the pre-activations of an LRT layer's geometry with the discrete values of latent weights.

    forward  w = sign(v) (bipolar), round(clip(v, −1, 1)) (ternary), or the nearest value of the set; backward
    dL/dv = dL/dw where v lies within it.
    """

    def __init__(self, layer: nn.Module):
        super().__init__()
        self.layer = layer
        self.latent = nn.Parameter(torch.empty(layer.discrete_weight.shape, device=layer.discrete_weight.device))
        for p in layer.logits():
            p.requires_grad_(False)
        self.init_from_float_(torch.randn_like(self.latent))

    @torch.no_grad()
    def init_from_float_(self, weight: Tensor) -> None:
        """Set the latent weights to W / std(W), or W / step, within the set: what the logits would follow."""
        values = self.layer.values
        step = weight.std(unbiased=False).clamp_min(1e-12) if self.layer.theta is None else step_of(weight, values)
        self.latent.copy_((weight / step).clamp(values[0], values[-1]))

    def weight(self) -> Tensor:
        """Return the discrete weights, with the straight-through gradient."""
        return _Rounded.apply(self.latent, self.layer.values)

    def forward(self, x: Tensor) -> Tensor:
        y = self.layer._map(x, self.weight())
        return y if self.layer.bias is None else y + self.layer._per_output(self.layer.bias)


def straight_through(model: nn.Module, float_twin: nn.Module | None = None) -> nn.Module:
    """Return a copy of an LRT network in which every random layer is a `StraightThrough` of the same geometry.

    Latent weights follow those of a trained `float_twin(model)`, or are random.
    """
    twin = copy.deepcopy(model)
    for path, m in model.named_modules():
        if isinstance(m, RANDOM):
            parent, _, name = path.rpartition(".")
            layer = StraightThrough(copy.deepcopy(m))
            if float_twin is not None:
                layer.init_from_float_(float_twin.get_submodule(path).weight)
            if not path:
                return layer
            setattr(twin.get_submodule(parent), name, layer)
    return twin


@torch.no_grad()
def discrete_from_straight_through(model: nn.Module, trained: nn.Module) -> nn.Module:
    """Return `model`, its weights fixed to those of `straight_through(model)` after training, in place.

    Batchnorms and heads are copied as they are; heads are rounded by `discretize`.
    """
    for path, m in model.named_modules():
        source = trained.get_submodule(path)
        if isinstance(m, RANDOM):
            m.discrete_weight.copy_(source.weight())
            m.is_discrete.fill_(True)
            if m.bias is not None:
                m.bias.copy_(source.layer.bias)
        elif isinstance(m, (LRTBatchNorm, *HEADS)):
            m.load_state_dict(source.state_dict())
    return model


@torch.no_grad()
def clip_latents(model: nn.Module) -> None:
    """Clip every latent weight to its set, ±1, in place: beyond it no gradient would bring it back."""
    for m in model.modules():
        if isinstance(m, StraightThrough):
            m.latent.clamp_(m.layer.values[0], m.layer.values[-1])
