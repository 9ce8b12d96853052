"""The full-precision network that gives the logits their initial values (Shayer 2018, section 3.3)."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrtc.nn.discrete import RANDOM
from lrtc.nn.heads import IntegerWeights, LRTScale, QuantLinear
from lrtc.nn.layers import InputQuantize, LRTConv1d, LRTConv2d, LRTLinear
from lrtc.nn.norm import LRTBatchNorm, LRTGain
from lrtc.nn.quantized import QuantActivation, QuantConv1d, QuantConv2d
from lrtc.nn.sampling import Normalize, process
from lrtc.nn.sign import LRTSign, LRTTernarySign

DECISIONS = (LRTSign, LRTTernarySign, QuantActivation)


class _UnitInput(nn.Module):
    """Return the quantised input divided by 255: a float network trains badly on 0..255."""

    def __init__(self, quantize: InputQuantize):
        super().__init__()
        self.quantize = quantize

    def forward(self, x: Tensor) -> Tensor:
        return self.quantize(x) / 255


class _AbsBatchNorm(nn.modules.batchnorm._BatchNorm):
    """Return batch normalisation with |gamma|, [N, C] or [N, C, H, W], as `LRTBatchNorm` does."""

    def _check_input_dim(self, x: Tensor) -> None:
        pass

    def forward(self, x: Tensor) -> Tensor:
        if self.training and process()[1] > 1:
            return self._of_all_processes(x)
        return F.batch_norm(
            x, self.running_mean, self.running_var, self.weight.abs(), self.bias, self.training, self.momentum, self.eps
        )

    def _of_all_processes(self, x: Tensor) -> Tensor:
        y, _, mean, var = Normalize.apply(x, torch.zeros_like(self.bias), self.weight, self.bias, self.eps)
        with torch.no_grad():
            self.running_mean.lerp_(mean, self.momentum)
            n = x.numel() // x.shape[1] * process()[1]
            self.running_var.lerp_(var * n / max(n - 1, 1), self.momentum)  # unbiased, as F.batch_norm keeps it
        return y


class _ClassBias(nn.Module):
    """Return x + bias per class: with the linear layer before it, a plain linear head."""

    def __init__(self, num_classes: int):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(num_classes))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.bias


class _SidedConv2d(nn.Conv2d):
    """Return the convolution of the input padded by (left, right, top, bottom), which plain ones cannot tell apart."""

    sides = (0, 0, 0, 0)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(F.pad(x, self.sides))


def _float_conv(m: LRTConv1d | LRTConv2d | QuantConv1d | QuantConv2d) -> nn.Module:
    options = {"stride": m.stride, "dilation": m.dilation, "groups": m.groups, "bias": m.bias is not None}
    channels = (m.in_channels, m.out_channels, m.kernel_size)
    if isinstance(m, (LRTConv1d, QuantConv1d)):
        return nn.Conv1d(*channels, padding=m.padding, **options)
    if len(m.padding) == 2:
        return nn.Conv2d(*channels, padding=m.padding, **options)
    conv = _SidedConv2d(*channels, **options)
    conv.sides = (*m.padding[2:], *m.padding[:2])
    return conv


def _float_layer(m: nn.Module) -> nn.Module | None:
    """Return the full-precision layer that stands for `m`, or None if `m` stays."""
    if isinstance(m, InputQuantize):
        return _UnitInput(copy.deepcopy(m))
    if isinstance(m, (LRTConv1d, LRTConv2d, QuantConv1d, QuantConv2d)):
        return _float_conv(m)
    if isinstance(m, LRTLinear):
        return nn.Linear(m.in_features, m.out_features, bias=m.bias is not None)
    if isinstance(m, LRTBatchNorm):
        return _AbsBatchNorm(m.num_features)
    if isinstance(m, (LRTSign, LRTTernarySign)):
        return nn.Tanh()
    if isinstance(m, LRTScale):
        return _ClassBias(m.num_classes)
    if isinstance(m, QuantLinear):
        return nn.Linear(m.in_features, m.out_features)
    return None


def float_twin(model: nn.Module) -> nn.Module:
    """Return a full-precision network of the same topology, freshly initialised: tanh for sign, a plain linear head.

    Module names are kept, so that `init_from_float` finds each layer's twin by its path. A sign before the first
    layer with weights stays: it cuts the data, and no gradient has to pass it.
    """
    whole = _float_layer(model)
    if whole is not None:
        return whole
    twin = copy.deepcopy(model)
    weighted = False
    for path, m in model.named_modules():
        weighted = weighted or isinstance(m, (*RANDOM, IntegerWeights))
        layer = _float_layer(m)
        if isinstance(m, (LRTSign, LRTTernarySign)) and not weighted:
            continue
        if layer is not None:
            parent, _, name = path.rpartition(".")
            setattr(twin.get_submodule(parent), name, layer)
    return twin.train()


@torch.no_grad()
def init_from_float(model: nn.Module, twin: nn.Module) -> nn.Module:
    """Return `model` with logits, batchnorm gains and heads set from a trained `float_twin(model)`, in place.

    Logits by `logits_from_float`, which divides each weight tensor by its standard deviation, or by the step that
    suits a set of more values. Biases of layers and of gains are divided by the same number (and by 1/255 behind the
    input), and an LRTScale starts at that number of the LRT layer registered before it, so values and scores keep their
    meaning. Running statistics are left alone: they belong to the other scale, and training collects them within
    some tens of steps.
    """
    base = grown = 1.0  # how many times the twin's a value is: the input of a layer with weights, and its output
    for path, m in model.named_modules():
        source = twin.get_submodule(path) if not isinstance(m, InputQuantize) else None
        if source is None:
            base = grown = 255.0
        elif isinstance(m, RANDOM):
            grown = base / m.init_from_float_(source.weight)
            if m.bias is not None:
                m.bias.copy_(source.bias * grown)
        elif isinstance(m, LRTBatchNorm):
            m.weight.copy_(source.weight.abs())
            m.bias.copy_(source.bias)
            base = grown = 1.0
        elif isinstance(m, LRTGain):
            m.gain.copy_(source.gain)
            m.bias.copy_(source.bias * grown)
        elif isinstance(m, LRTScale):
            m.scale.fill_(1 / grown)
            m.bias.copy_(source.bias)
        elif isinstance(m, IntegerWeights):
            m.weight.copy_(source.weight)
            m.bias.copy_(source.bias * base)
        elif isinstance(m, DECISIONS):
            base = grown = 1.0
    return model
