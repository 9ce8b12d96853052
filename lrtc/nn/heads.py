"""The last layer: float parameters in training, small integers on one common step after `discretize`."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrtc.nn.distribution import Gaussian, Moments, as_gaussian, as_moments, full_precision, sample_normal
from lrtc.nn.sampling import VARIANCE_EPS

EXACT_LIMIT = 2**24  # below it float32 holds every integer


def check_exact(values: Tensor, layer: str, of: Tensor | None = None) -> Tensor:
    """Return `values`, or raise ValueError if one is too large to be an exact integer in float32.

    of: what they were made from; real numbers (a network that is not quantised yet) make no integers to keep.
    """
    large = values.numel() and float(values.detach().abs().max()) >= EXACT_LIMIT
    if large and (of is None or bool((of == of.round()).all())):
        raise ValueError(
            f"{layer}: a logit reaches ±2^24; float32 is exact below it; "
            "use fewer bits, a smaller bias, or fewer inputs"
        )
    return values


def common_step(values: Tensor, bias: Tensor, bits: int) -> float:
    """Return the quantisation step that all classes share: the largest magnitude maps to 2^(bits−1) − 1."""
    top = 2 ** (bits - 1) - 1
    largest = float(values.detach().abs().max()) or float(bias.detach().abs().max())
    return largest / top or 1.0


def rounded(values: Tensor, step: float) -> Tensor:
    return torch.round(values.detach().to(torch.float64) / step)


class LRTScale(nn.Module):
    """Return class scores [N, O] from the pre-activations of a discrete linear layer.

    Training: z = scale·y + bias per class; from a Gaussian N(m·scale + bias, s²·scale²), sampled in training, its mean
    in eval mode. After `discretize`: acc·multiplier + offset, integers in float32, with
        multiplier = round(scale / step) (`bits` signed bits, sign kept), offset = round(bias / step), int32.
    One step for all classes, so the largest score stays the largest up to rounding. ValueError if one reaches 2^24.
    """

    variance_floor = VARIANCE_EPS  # eps in every sqrt(s² + eps); training only, so no part of a saved network

    def __init__(self, num_classes: int, bits: int = 8):
        super().__init__()
        if not 2 <= bits <= 16:
            raise ValueError(f"bits={bits} is not supported; 2 to 16 are")
        self.num_classes, self.bits = num_classes, bits
        self.scale = nn.Parameter(torch.ones(num_classes))
        self.bias = nn.Parameter(torch.zeros(num_classes))
        self.register_buffer("multiplier", torch.zeros(num_classes, dtype=torch.int32))
        self.register_buffer("offset", torch.zeros(num_classes, dtype=torch.int32))
        self.register_buffer("is_discrete", torch.tensor(False))

    def forward(self, x: Tensor | Gaussian | Moments) -> Tensor:
        x = as_gaussian(x)
        if isinstance(x, Gaussian):
            scores = Gaussian(x.mean * self.scale + self.bias, x.var * self.scale.square())
            return sample_normal(scores, self.variance_floor) if self.training else scores.mean
        if not self.is_discrete:
            return x * self.scale + self.bias
        product = check_exact(x * self.multiplier.to(x.dtype), "LRTScale", x)
        return check_exact(product + self.offset.to(x.dtype), "LRTScale", x)

    @torch.no_grad()
    def discretize_(self) -> None:
        """Round scale and bias to integers on their common step."""
        step = common_step(self.scale, self.bias, self.bits)
        self.multiplier.copy_(rounded(self.scale, step))
        self.offset.copy_(check_exact(rounded(self.bias, step), "LRTScale"))
        self.is_discrete.fill_(True)

    def extra_repr(self) -> str:
        return f"{self.num_classes}, bits={self.bits}"


class IntegerWeights(nn.Module):
    """A linear map with a bias, in training of full precision, after `discretize` of integers on one step of the layer.

    weight: signed −(2^(bits−1) − 1)…2^(bits−1) − 1, unsigned 0…2^bits − 1, where a negative weight counts as 0 from the
    start. From Moments the Gaussian N(A·E[h] + b, A²·Var[h]); after `discretize` map(x, round(A / step)) +
    round(b / step), integers in float32. ValueError if a sum reaches 2^24.
    """

    def __init__(self, shape: tuple[int, ...], bits: int, signed: bool):
        super().__init__()
        if not 2 <= bits <= 8:
            raise ValueError(f"bits={bits} is not supported; 2 to 8 are")
        self.bits, self.signed = bits, signed
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(shape[0]))
        nn.init.xavier_uniform_(self.weight)
        if not signed:
            self.weight.detach().abs_()
        held = torch.int8 if signed else torch.uint8
        self.register_buffer("discrete_weight", torch.zeros(shape, dtype=held))
        self.register_buffer("offset", torch.zeros(shape[0], dtype=torch.int32))
        self.register_buffer("is_discrete", torch.tensor(False))

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        raise NotImplementedError

    def _per_output(self, v: Tensor) -> Tensor:
        return v

    def _latent(self) -> Tensor:
        return self.weight if self.signed else self.weight.clamp_min(0)

    def forward(self, x: Tensor | Moments | Gaussian) -> Tensor | Gaussian:
        x = as_moments(x)
        if isinstance(x, Moments):
            weight = self._latent()
            with full_precision(x.mean):
                first, var = x.mean.to(weight.dtype), x.var.to(weight.dtype)
                mean = self._map(first, weight) + self._per_output(self.bias)
                return Gaussian(mean, self._map(var, weight.square()))
        if not self.is_discrete:
            return self._map(x, self._latent()) + self._per_output(self.bias)
        with full_precision(x):  # half precision rounds sums of integers
            return self._discrete(x if x.dtype == torch.float64 else x.float())

    def _discrete(self, x: Tensor) -> Tensor:
        exact = torch.float64 if x.is_cuda else x.dtype
        acc = self._map(x.to(exact), self.discrete_weight.to(exact)).to(x.dtype)
        return check_exact(acc + self._per_output(self.offset.to(x.dtype)), type(self).__name__, x)

    @torch.no_grad()
    def discretize_(self) -> None:
        """Round weights and bias to integers on their common step; ValueError if ±1 inputs could reach 2^24."""
        step = common_step(self._latent(), self.bias, self.bits if self.signed else self.bits + 1)
        weight, offset = rounded(self._latent(), step), rounded(self.bias, step)
        check_exact(weight.abs().flatten(1).sum(1) + offset.abs(), type(self).__name__)
        self.discrete_weight.copy_(weight)
        self.offset.copy_(offset)
        self.is_discrete.fill_(True)

    def _bits_repr(self) -> str:
        return f"bits={self.bits}" + ("" if self.signed else ", signed=False")


class QuantLinear(IntegerWeights):
    """Return class scores [N, O] of a linear layer with integer weights on activations [N, I]; see IntegerWeights.

    From Moments they are sampled in training, their mean in eval mode.
    """

    variance_floor = VARIANCE_EPS  # eps in every sqrt(s² + eps); training only, so no part of a saved network

    def __init__(self, in_features: int, out_features: int, bits: int = 8, signed: bool = True):
        super().__init__((out_features, in_features), bits, signed)
        self.in_features, self.out_features = in_features, out_features

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.linear(x, weight)

    def forward(self, x: Tensor | Moments | Gaussian) -> Tensor:
        scores = super().forward(x)
        if not isinstance(scores, Gaussian):
            return scores
        return sample_normal(scores, self.variance_floor) if self.training else scores.mean

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, {self._bits_repr()}"
