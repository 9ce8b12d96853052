"""Integers of a few bits: weights of a first convolution, and activations between layers."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrtc.nn.distribution import Gaussian, Moments, as_gaussian, sample_normal
from lrtc.nn.heads import IntegerWeights
from lrtc.nn.layers import check_groups, pair, sides
from lrtc.nn.sampling import VARIANCE_EPS


class QuantConv2d(IntegerWeights):
    """Return a convolution with integer weights of 2 to 8 bits, [N, I, H, W] → [N, O, Ho, Wo]: a first layer.

    The batchnorm after it absorbs the step of its integers (re-estimate its statistics); see IntegerWeights.
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
        signed: bool = True,
    ):
        kernel_size = pair(kernel_size)
        groups = check_groups(groups, in_channels, out_channels)
        super().__init__((out_channels, in_channels // groups, *kernel_size), bits, signed)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = kernel_size, pair(stride), pair(dilation)
        self.padding = sides(padding)

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        if len(self.padding) == 2:
            return F.conv2d(x, weight, None, self.stride, self.padding, self.dilation, self.groups)
        top, bottom, left, right = self.padding
        return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, None, self.stride, 0, self.dilation, self.groups)

    def _per_output(self, v: Tensor) -> Tensor:
        return v[:, None, None]

    def extra_repr(self) -> str:
        return _conv_repr(self, (1, 1))


class QuantConv1d(IntegerWeights):
    """Return the same along a signal, [N, I, L] → [N, O, Lo]; padding: the same on both ends."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bits: int = 8,
        groups: int = 1,
        dilation: int = 1,
        signed: bool = True,
    ):
        groups = check_groups(groups, in_channels, out_channels)
        super().__init__((out_channels, in_channels // groups, kernel_size), bits, signed)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.conv1d(x, weight, None, self.stride, self.padding, self.dilation, self.groups)

    def _per_output(self, v: Tensor) -> Tensor:
        return v[:, None]

    def extra_repr(self) -> str:
        return _conv_repr(self, 1)


def _conv_repr(m: QuantConv2d | QuantConv1d, one: int | tuple[int, int]) -> str:
    extra = f", groups={m.groups}" if m.groups != 1 else ""
    extra += f", dilation={m.dilation}" if m.dilation != one else ""
    return (
        f"{m.in_channels}, {m.out_channels}, kernel_size={m.kernel_size}, stride={m.stride}, "
        f"padding={m.padding}, {m._bits_repr()}{extra}"
    )


class LRTReLU(nn.Module):
    """Return max(y, 0); of a Gaussian, that of a sample, fresh for every element (Shayer 2018, section 3.2).

    Real activations: such a network is trained as it is, and quantised by a calibration set (`lrtc quantize`).
    """

    variance_floor = VARIANCE_EPS  # eps in every sqrt(s² + eps); training only, so no part of a saved network

    def forward(self, x: Tensor | Gaussian | Moments) -> Tensor:
        x = as_gaussian(x)
        return F.relu(sample_normal(x, self.variance_floor) if isinstance(x, Gaussian) else x)


class QuantActivation(nn.Module):
    """Return the integer code clip(round(y / scale), low, high) of 2 to 8 bits, as float32; round half to even.

    unsigned 0..2^bits − 1, signed −2^(bits−1)..2^(bits−1) − 1. It is the code itself, not code·scale: the layer
    after it is linear, so the batchnorm behind that layer absorbs the scale. In training the gradient is that of
    clip(y / scale, low, high); a Gaussian is sampled first. scale is rounded to float32.
    """

    variance_floor = VARIANCE_EPS  # eps in every sqrt(s² + eps); training only, so no part of a saved network

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

    def forward(self, x: Tensor | Gaussian | Moments) -> Tensor:
        x = as_gaussian(x)
        x = sample_normal(x, self.variance_floor) if isinstance(x, Gaussian) else x
        ratio = x / torch.full((), self.scale, dtype=x.dtype, device=x.device)  # a number might become a product
        code = torch.round(ratio.detach()).clamp(self.low, self.high)
        if self.training and x.requires_grad:
            carrier = ratio.clamp(self.low, self.high)
            return code + (carrier - carrier.detach())
        return code

    def extra_repr(self) -> str:
        return f"bits={self.bits}, signed={self.signed}, scale={self.scale:g}"
