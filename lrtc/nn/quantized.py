"""Integers of a few bits: weights of a first convolution, and activations between layers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrtc.nn.distribution import Gaussian, Moments, sample_normal
from lrtc.nn.heads import check_exact, common_step, rounded
from lrtc.nn.layers import check_groups, pair, sides


class QuantConv2d(nn.Module):
    """Return a convolution with integer weights of 2 to 8 bits, [N, I, H, W] → [N, O, Ho, Wo]: a first layer.

    In training full precision; from Moments the Gaussian N(A·E[h] + b, A²·Var[h]). After `discretize`:
    conv(x, round(A / step)) + round(b / step), integers in float32, on the one step of the layer, which the
    batchnorm after it absorbs (re-estimate its statistics). ValueError if a sum reaches 2^24.
    padding: a number, (height, width), or (top, bottom, left, right).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, ...] = 0,
        bits: int = 8,
        groups: int = 1,
        dilation: int | tuple[int, int] = 1,
    ):
        super().__init__()
        if not 2 <= bits <= 8:
            raise ValueError(f"bits={bits} is not supported; 2 to 8 are")
        self.in_channels, self.out_channels, self.bits = in_channels, out_channels, bits
        self.groups = check_groups(groups, in_channels, out_channels)
        self.kernel_size, self.stride, self.dilation = pair(kernel_size), pair(stride), pair(dilation)
        self.padding = sides(padding)
        shape = (out_channels, in_channels // groups, *self.kernel_size)
        self.weight = nn.Parameter(torch.empty(shape))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        nn.init.xavier_uniform_(self.weight)
        self.register_buffer("discrete_weight", torch.zeros(shape, dtype=torch.int8))
        self.register_buffer("offset", torch.zeros(out_channels, dtype=torch.int32))
        self.register_buffer("is_discrete", torch.tensor(False))

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        if len(self.padding) == 2:
            return F.conv2d(x, weight, None, self.stride, self.padding, self.dilation, self.groups)
        top, bottom, left, right = self.padding
        return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, None, self.stride, 0, self.dilation, self.groups)

    def forward(self, x: Tensor | Moments) -> Tensor | Gaussian:
        if isinstance(x, Moments):
            spread = (x.second - x.mean.square()).clamp_min(0)
            mean = self._map(x.mean, self.weight) + self.bias[:, None, None]
            return Gaussian(mean, self._map(spread, self.weight.square()))
        if not self.is_discrete:
            return self._map(x, self.weight) + self.bias[:, None, None]
        exact = torch.float64 if x.is_cuda else x.dtype
        acc = self._map(x.to(exact), self.discrete_weight.to(exact)).to(x.dtype)
        return check_exact(acc + self.offset.to(x.dtype)[:, None, None], "QuantConv2d", x)

    @torch.no_grad()
    def discretize_(self) -> None:
        """Round weights and bias to integers on their common step; ValueError if ±1 inputs could reach 2^24."""
        step = common_step(self.weight, self.bias, self.bits)
        weight, offset = rounded(self.weight, step), rounded(self.bias, step)
        check_exact(weight.abs().flatten(1).sum(1) + offset.abs(), "QuantConv2d")
        self.discrete_weight.copy_(weight)
        self.offset.copy_(offset)
        self.is_discrete.fill_(True)

    def extra_repr(self) -> str:
        extra = "".join(
            f", {n}={getattr(self, n)}" for n in ("groups", "dilation") if getattr(self, n) not in (1, (1, 1))
        )
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}, bits={self.bits}{extra}"
        )


class LRTReLU(nn.Module):
    """Return max(y, 0); of a Gaussian, that of a sample, fresh for every element (Shayer 2018, section 3.2).

    Real activations: such a network is trained as it is, and quantised by a calibration set (`lrtc quantize`).
    """

    def forward(self, x: Tensor | Gaussian) -> Tensor:
        return F.relu(sample_normal(x) if isinstance(x, Gaussian) else x)


class QuantActivation(nn.Module):
    """Return the integer code clip(round(y / scale), low, high) of 2 to 8 bits, as float32; round half to even.

    unsigned 0..2^bits − 1, signed −2^(bits−1)..2^(bits−1) − 1. It is the code itself, not code·scale: the layer
    after it is linear, so the batchnorm behind that layer absorbs the scale. In training the gradient is that of
    clip(y / scale, low, high); a Gaussian is sampled first. scale is rounded to float32.
    """

    def __init__(self, bits: int = 2, signed: bool = False, scale: float = 1.0):
        super().__init__()
        if not 2 <= bits <= 8:
            raise ValueError(f"bits={bits} is not supported; 2 to 8 are")
        if not scale > 0:
            raise ValueError(f"scale={scale} is not supported; it must be above 0")
        self.bits, self.signed, self.scale = bits, signed, float(torch.tensor(scale, dtype=torch.float32))

    @property
    def low(self) -> int:
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def high(self) -> int:
        return self.low + (1 << self.bits) - 1

    def forward(self, x: Tensor | Gaussian) -> Tensor:
        x = sample_normal(x) if isinstance(x, Gaussian) else x
        ratio = x / torch.full((), self.scale, dtype=x.dtype, device=x.device)  # a number might become a product
        code = torch.round(ratio.detach()).clamp(self.low, self.high)
        if self.training and x.requires_grad:
            carrier = ratio.clamp(self.low, self.high)
            return code + (carrier - carrier.detach())
        return code

    def extra_repr(self) -> str:
        return f"bits={self.bits}, signed={self.signed}, scale={self.scale:g}"
