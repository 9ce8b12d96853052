"""The layers with discrete weights, and the integer input in front of them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrtc.nn import weights as W
from lrtc.nn.distribution import Gaussian, Moments


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


class InputQuantize(nn.Module):
    """Return the input as integers 0..255 in float32: the first layer of every network that is to be compiled.

    uint8 [N, *shape] keeps its values; a float tensor becomes clamp(round(x / scale), 0, 255), round half to even.
    """

    def __init__(self, shape: tuple[int, ...], scale: float = 1.0):
        super().__init__()
        if not scale > 0:
            raise ValueError(f"scale={scale} is not supported; it must be above 0")
        self.shape = tuple(int(n) for n in shape)
        self.scale = float(scale)

    def forward(self, x: Tensor) -> Tensor:
        if tuple(x.shape[1:]) != self.shape:
            raise ValueError(f"input {tuple(x.shape)} does not fit; expected (N, {', '.join(map(str, self.shape))})")
        if x.dtype == torch.uint8:
            return x.to(torch.float32)
        return torch.clamp(torch.round(x / self.scale), 0, 255).to(torch.float32)

    def extra_repr(self) -> str:
        return f"shape={self.shape}, scale={self.scale:g}"


class _LRTLayer(nn.Module):
    """A linear map whose weights are random with trained logits, or fixed discrete values after `discretize`."""

    def __init__(self, weight_shape: tuple[int, ...], bias: bool, weights: str):
        super().__init__()
        self.weights = W.check_kind(weights)
        if weights == "ternary":
            self.alpha = nn.Parameter(torch.empty(weight_shape))
        else:
            self.register_parameter("alpha", None)
        self.beta = nn.Parameter(torch.empty(weight_shape))
        self.bias = nn.Parameter(torch.zeros(weight_shape[0])) if bias else None
        self.register_buffer("discrete_weight", torch.zeros(weight_shape, dtype=torch.int8))
        self.register_buffer("is_discrete", torch.tensor(False))
        self.init_from_float_(torch.randn(weight_shape))

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        raise NotImplementedError

    def forward(self, x: Tensor | Moments) -> Tensor | Gaussian:
        if self.is_discrete:
            return self._discrete(x)
        mean, second = W.moments(self.alpha, self.beta)
        if isinstance(x, Moments):
            m = self._map(x.mean, mean)
            var = self._map(x.second, second) - self._map(x.mean.square(), mean.square())
        else:
            m = self._map(x, mean)
            spread = second - mean.square()
            if bool((x.detach().abs() == 1).all()):
                # h² = 1: the variance is the same for every sample, and padded taps still add nothing to it
                var = self._map(torch.ones_like(x[:1]), spread)
            else:
                var = self._map(x.square(), spread)
        if self.bias is not None:
            m = m + self._per_output(self.bias)
        return Gaussian(m, var.clamp_min(0))

    def _discrete(self, x: Tensor) -> Tensor:
        # The bias stays out of the accumulator, which is an exact integer for integer inputs. In float64 on CUDA:
        # there a float32 convolution may go through a transform that does not keep integers.
        exact = torch.float64 if x.is_cuda else x.dtype
        acc = self._map(x.to(exact), self.discrete_weight.to(exact)).to(x.dtype)
        return acc if self.bias is None else acc + self._per_output(self.bias)

    def _per_output(self, v: Tensor) -> Tensor:
        return v

    @torch.no_grad()
    def discretize_(self, generator: torch.Generator | None = None) -> None:
        """Fix the weights: the most probable values, or one draw when a generator is given."""
        if generator is None:
            fixed = W.most_probable(self.alpha, self.beta)
        else:
            fixed = W.draw(self.alpha, self.beta, generator)
        self.discrete_weight.copy_(fixed)
        self.is_discrete.fill_(True)

    @torch.no_grad()
    def init_from_float_(self, weight: Tensor) -> None:
        """Set the logits from a full-precision weight of the same shape (Shayer 2018, section 3.3)."""
        alpha, beta = W.logits_from_float(weight, self.weights)
        if alpha is not None:
            self.alpha.copy_(alpha)
        self.beta.copy_(beta)


class LRTConv2d(_LRTLayer):
    """Return the pre-activations of a convolution with ternary or bipolar weights, zero padded.

    Random weights (training): Gaussian [N, O, Ho, Wo] by the central limit theorem (Shayer 2018, section 3.2),
        m = conv(h, E[w]) + bias      s² = conv(h², Var[w])
        from Moments: s² = conv(E[h²], E[w²]) − conv(E[h]², E[w]²)
    Discrete weights: tensor [N, O, Ho, Wo] = conv(h, w) + bias, the accumulator an exact integer before the bias.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, int] = 0,
        bias: bool = False,
        weights: str = "ternary",
    ):
        kernel_size = _pair(kernel_size)
        super().__init__((out_channels, in_channels, *kernel_size), bias, weights)
        self.in_channels, self.out_channels = in_channels, out_channels
        self.kernel_size, self.stride, self.padding = kernel_size, _pair(stride), _pair(padding)

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.conv2d(x, weight, None, self.stride, self.padding)

    def _per_output(self, v: Tensor) -> Tensor:
        return v[:, None, None]

    def extra_repr(self) -> str:
        return (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}, "
            f"padding={self.padding}, bias={self.bias is not None}, weights={self.weights!r}"
        )


class LRTLinear(_LRTLayer):
    """Return the pre-activations of a linear layer with ternary or bipolar weights: as `LRTConv2d`, [N, I] → [N, O]."""

    def __init__(self, in_features: int, out_features: int, bias: bool = False, weights: str = "ternary"):
        super().__init__((out_features, in_features), bias, weights)
        self.in_features, self.out_features = in_features, out_features

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.linear(x, weight)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}, weights={self.weights!r}"
