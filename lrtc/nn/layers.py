"""The layers with discrete weights, and the integer input in front of them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrtc.nn import alphabet as A
from lrtc.nn import weights as W
from lrtc.nn.distribution import Gaussian, Moments, as_moments, full_precision


def pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (int(value[0]), int(value[1]))


class InputQuantize(nn.Module):
    """Return the input as integers in float32: the first layer of every network that is to be compiled.

    shape: (F,), (C, L) of a signal, or (C, H, W) of an image. uint8 [N, *shape] keeps its values q; a float tensor
    becomes q = clamp(round(x / scale) + zero_point, 0, 255), round half to even. The network works on q − zero_point.
    A signal may also come as N×C×1×L, and an image of one row as N×C×L.
    """

    def __init__(self, shape: tuple[int, ...], scale: float = 1.0, zero_point: int = 0):
        super().__init__()
        if not scale > 0:
            raise ValueError(f"scale={scale} is not supported; it must be above 0")
        if not 0 <= zero_point <= 255:
            raise ValueError(f"zero_point={zero_point} is not supported; 0 to 255 are")
        self.shape = tuple(int(n) for n in shape)
        self.scale, self.zero_point = float(scale), int(zero_point)

    def forward(self, x: Tensor) -> Tensor:
        if tuple(x.shape[1:]) != self.shape:
            one_row = self._one_row(tuple(x.shape[1:])) == self._one_row(self.shape)
            if not one_row:
                want = ", ".join(map(str, self.shape))
                raise ValueError(f"input {tuple(x.shape)} does not fit; expected (N, {want})")
            x = x.reshape(len(x), *self.shape)
        q = x if x.dtype == torch.uint8 else torch.clamp(torch.round(x / self.scale) + self.zero_point, 0, 255)
        q = q.to(torch.float32)
        return q - self.zero_point if self.zero_point else q

    @staticmethod
    def _one_row(shape: tuple[int, ...]) -> tuple[int, ...]:
        return (shape[0], 1, shape[1]) if len(shape) == 2 else shape

    def extra_repr(self) -> str:
        zero_point = f", zero_point={self.zero_point}" if self.zero_point else ""
        return f"shape={self.shape}, scale={self.scale:g}{zero_point}"


class _LRTLayer(nn.Module):
    """A linear map whose weights are random with trained logits, or fixed discrete values after `discretize`.

    weights: "ternary" (logits alpha, beta), "bipolar" (beta), or integers in ascending order (theta, one a value).
    settled: the forward pass takes the most probable weights, as the fixed layer will; backward, the gradient of E[w]
    goes to the logits (straight-through). Set by who trains; no part of a saved network.
    """

    settled = False

    def __init__(self, weight_shape: tuple[int, ...], bias: bool, weights: str | Sequence[int]):
        super().__init__()
        self.weights = A.canonical(weights)
        self.values = A.values_of(self.weights)
        shapes = {"alpha": None, "beta": None, "theta": None}
        if self.weights not in A.SETS:
            shapes["theta"] = (len(self.values), *weight_shape)
        else:
            shapes["beta"] = weight_shape
            shapes["alpha"] = weight_shape if self.weights == "ternary" else None
        for name, shape in shapes.items():
            self.register_parameter(name, None if shape is None else nn.Parameter(torch.empty(shape)))
        self.bias = nn.Parameter(torch.zeros(weight_shape[0])) if bias else None
        self.register_buffer("discrete_weight", torch.zeros(weight_shape, dtype=torch.int8))
        self.register_buffer("is_discrete", torch.tensor(False))
        self.init_from_float_(torch.randn(weight_shape))

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        raise NotImplementedError

    def logits(self) -> list[nn.Parameter]:
        """Return the trained logits."""
        return [p for p in (self.alpha, self.beta, self.theta) if p is not None]

    def probabilities(self) -> Tensor:
        """Return the probability of each of `values`, float64 on a new last axis, with its gradient."""
        if self.theta is not None:
            return torch.softmax(self.theta.double(), 0).movedim(0, -1)
        q = torch.sigmoid(self.beta.double())
        if self.alpha is None:
            return torch.stack([1 - q, q], -1)
        p0 = torch.sigmoid(self.alpha.double())
        return torch.stack([(1 - p0) * (1 - q), p0, (1 - p0) * q], -1)

    def _moments(self) -> tuple[Tensor, Tensor]:
        if self.theta is not None:
            return A.moments(self.theta, self.values)
        return W.moments(self.alpha, self.beta)

    def _mean_variance(self) -> tuple[Tensor, Tensor]:
        if self.theta is not None:
            return A.mean_variance(self.theta, self.values)
        return W.MeanVariance.apply(self.alpha, self.beta)

    def most_probable(self) -> Tensor:
        """Return the likeliest value of every weight, int8."""
        if self.theta is not None:
            return A.most_probable(self.theta, self.values)
        return W.most_probable(self.alpha, self.beta)

    def draw(self, generator: torch.Generator) -> Tensor:
        """Return one draw of all weights, int8."""
        if self.theta is not None:
            return A.draw(self.theta, self.values, generator)
        return W.draw(self.alpha, self.beta, generator)

    def forward(self, x: Tensor | Moments | Gaussian) -> Tensor | Gaussian:
        x = as_moments(x)
        # Half precision holds ±1 and rounds their sums; integers up to 255, squares and variances need all of float32.
        if self.is_discrete:
            with full_precision(x):
                return self._discrete(x if x.dtype == torch.float64 else x.float())
        if self.settled and not isinstance(x, Moments):
            with full_precision(x):
                return self._settled(x if x.dtype == torch.float64 else x.float())
        if isinstance(x, Moments):
            with full_precision(x.mean):
                m, var = self._of_moments(x, *self._moments())
        else:
            m, var = self._of_values(x, *self._mean_variance())
        if self.bias is not None:
            m = m + self._per_output(self.bias)
        return Gaussian(m, var)

    def _of_moments(self, x: Moments, mean: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
        first, second_moment = x.mean.to(mean.dtype), x.second.to(mean.dtype)
        var = self._map(second_moment, second) - self._map(first.square(), mean.square())
        return self._map(first, mean), var.clamp_min(0)

    def _of_values(self, x: Tensor, mean: Tensor, spread: Tensor) -> tuple[Tensor, Tensor]:
        if all_signs(x):
            m = self._map(x, mean).to(mean.dtype)
            with full_precision(x):
                return m, self._variance_of_signs(x.to(mean.dtype), spread)
        with full_precision(x):
            x = x.to(mean.dtype)
            return self._map(x, mean), self._map(x.square(), spread)

    def _variance_of_signs(self, x: Tensor, spread: Tensor) -> Tensor:
        """Return s² [1, O, …] for h² = 1: the same for every sample, and without padding for every position."""
        if self._padded():
            return self._map(torch.ones_like(x[:1]), spread)  # padded taps add nothing
        return self._per_output(spread.flatten(1).sum(1))[None]

    def _discrete(self, x: Tensor) -> Tensor:
        # The bias stays out of the accumulator, which is an exact integer for integer inputs. In float64 on CUDA:
        # there a float32 convolution may go through a transform that does not keep integers.
        exact = torch.float64 if x.is_cuda else x.dtype
        acc = self._map(x.to(exact), self.discrete_weight.to(exact)).to(x.dtype)
        return acc if self.bias is None else acc + self._per_output(self.bias)

    def _settled(self, x: Tensor) -> Tensor:
        mean = self._moments()[0].to(x.dtype)
        weight = self.most_probable().to(x.dtype)
        acc = self._map(x, weight + (mean - mean.detach()))  # mean − mean is 0 exactly
        return acc if self.bias is None else acc + self._per_output(self.bias)

    def _per_output(self, v: Tensor) -> Tensor:
        return v

    def _padded(self) -> bool:
        return False

    @torch.no_grad()
    def discretize_(self, generator: torch.Generator | None = None) -> None:
        """Fix the weights: the most probable values, or one draw when a generator is given."""
        self.discrete_weight.copy_(self.most_probable() if generator is None else self.draw(generator))
        self.is_discrete.fill_(True)

    @torch.no_grad()
    def init_from_float_(self, weight: Tensor) -> Tensor | float:
        """Set the logits from a full-precision weight of the same shape; return what it was divided by."""
        if self.theta is not None:
            self.theta.copy_(A.logits_from_float(weight, self.values))
            return A.step_of(weight, self.values)
        alpha, beta = W.logits_from_float(weight, self.weights)
        if alpha is not None:
            self.alpha.copy_(alpha)
        self.beta.copy_(beta)
        return weight.std(unbiased=False).clamp_min(1e-12)


def all_signs(x: Tensor) -> bool:
    """Return whether every element is −1 or +1. In two quick passes; a comparison and `all` take six times as long."""
    if not x.numel():
        return False
    least, most = torch.aminmax(x.detach().abs())
    return bool((least == 1) & (most == 1))


def sides(value: int | tuple[int, ...]) -> tuple[int, ...]:
    """Return (height, width), or (top, bottom, left, right) where opposite sides differ."""
    value = tuple(int(n) for n in ((value, value) if isinstance(value, int) else value))
    if len(value) not in (2, 4):
        raise ValueError(f"padding={value} is not supported; give a number, (height, width) or four sides")
    if len(value) == 4 and value[::2] == value[1::2]:
        return value[::2]
    return value


def check_groups(groups: int, in_channels: int, out_channels: int) -> int:
    if groups < 1 or in_channels % groups or out_channels % groups:
        raise ValueError(f"groups={groups} is not supported; it must divide {in_channels} and {out_channels} channels")
    return groups


class LRTConv2d(_LRTLayer):
    """Return the pre-activations of a convolution with ternary or bipolar weights, zero padded.

    Random weights (training): Gaussian [N, O, Ho, Wo] by the central limit theorem (Shayer 2018, section 3.2),
        m = conv(h, E[w]) + bias      s² = conv(h², Var[w])
        from Moments: s² = conv(E[h²], E[w²]) − conv(E[h]², E[w]²)
    Discrete weights: tensor [N, O, Ho, Wo] = conv(h, w) + bias, the accumulator an exact integer before the bias.
    padding: a number, (height, width), or (top, bottom, left, right).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | tuple[int, int],
        stride: int | tuple[int, int] = 1,
        padding: int | tuple[int, ...] = 0,
        bias: bool = False,
        weights: str | Sequence[int] = "ternary",
        groups: int = 1,
        dilation: int | tuple[int, int] = 1,
    ):
        kernel_size = pair(kernel_size)
        groups = check_groups(groups, in_channels, out_channels)
        super().__init__((out_channels, in_channels // groups, *kernel_size), bias, weights)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.dilation = kernel_size, pair(stride), pair(dilation)
        self.padding = sides(padding)

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        if len(self.padding) == 2:
            return F.conv2d(x, weight, None, self.stride, self.padding, self.dilation, self.groups)
        top, bottom, left, right = self.padding
        x = F.pad(x, (left, right, top, bottom))
        return F.conv2d(x, weight, None, self.stride, 0, self.dilation, self.groups)

    def _per_output(self, v: Tensor) -> Tensor:
        return v[:, None, None]

    def _padded(self) -> bool:
        return any(self.padding)

    def extra_repr(self) -> str:
        return _conv_repr(self)


class LRTConv1d(_LRTLayer):
    """Return the pre-activations of a convolution along a signal, [N, C, L] → [N, O, Lo]: as `LRTConv2d`."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        bias: bool = False,
        weights: str | Sequence[int] = "ternary",
        groups: int = 1,
        dilation: int = 1,
    ):
        groups = check_groups(groups, in_channels, out_channels)
        super().__init__((out_channels, in_channels // groups, kernel_size), bias, weights)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size, self.stride, self.padding, self.dilation = kernel_size, stride, padding, dilation

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.conv1d(x, weight, None, self.stride, self.padding, self.dilation, self.groups)

    def _per_output(self, v: Tensor) -> Tensor:
        return v[:, None]

    def _padded(self) -> bool:
        return bool(self.padding)

    def extra_repr(self) -> str:
        return _conv_repr(self)


def _conv_repr(m: LRTConv1d | LRTConv2d) -> str:
    extra = "".join(
        f", {name}={getattr(m, name)}" for name in ("groups", "dilation") if getattr(m, name) not in (1, (1, 1))
    )
    return (
        f"{m.in_channels}, {m.out_channels}, kernel_size={m.kernel_size}, stride={m.stride}, "
        f"padding={m.padding}, bias={m.bias is not None}, weights={m.weights!r}{extra}"
    )


class LRTLinear(_LRTLayer):
    """Return the pre-activations of a linear layer with discrete weights: as `LRTConv2d`, [N, I] → [N, O]."""

    def __init__(
        self, in_features: int, out_features: int, bias: bool = False, weights: str | Sequence[int] = "ternary"
    ):
        super().__init__((out_features, in_features), bias, weights)
        self.in_features, self.out_features = in_features, out_features

    def _map(self, x: Tensor, weight: Tensor) -> Tensor:
        return F.linear(x, weight)

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}, bias={self.bias is not None}, weights={self.weights!r}"
