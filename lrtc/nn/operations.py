"""What torch's own functions mean for distributions: pools, sums, concatenations, moves; the rest refused by name.

Torch hands a call here as soon as one argument is a Gaussian or Moments, so that `torch.nn.AvgPool2d`, `x + y` or
`torch.cat` in a network that is trained are what they are in the discrete network.

Elements count as independent. Those of one channel share their weights, so behind a convolution an average varies
more than this says; the method's own code assumes the same (Berger 2023). Between two branches: their weights
are independent, and what they both read is given wherever signs are sampled.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from lrtc.nn.distribution import Gaussian, Moments, full

Spread = Gaussian | Moments
KINDS = (Gaussian, Moments)


def apply(name: str, args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """Return what torch's function of this name gives; TypeError names the layer to use where it has no meaning."""
    if name in MOVES:
        return moved(args[0], partial(MOVES[name], *args[1:], **kwargs))
    if name in FUNCTIONS:
        return FUNCTIONS[name](*args, **kwargs)
    found = next(x for x in (*args, *kwargs.values()) if isinstance(x, KINDS))
    raise TypeError(_refusal(name, found))


def attribute(x: Spread, name: str) -> Any:
    """Return a tensor's attribute or method of a distribution: shape, moves; AttributeError for others."""
    if name in SHARED:
        return getattr(x.mean, name)
    if name in MOVES:
        return lambda *args, **kwargs: moved(x, partial(MOVES[name], *args, **kwargs))
    raise AttributeError(name if name.startswith("_") else _refusal(name, x))


def _refusal(name: str, x: Spread) -> str:
    use = next((use for names, use in REMEDIES if name in names), ANY_REMEDY)
    return f"{name} of a {type(x).__name__} is not supported: the weights before it are random; {use}"


# --- moves: both tensors alike ---


def moved(x: Spread, move: Callable[[Tensor], Any]) -> Any:
    """Return a function that only moves elements, of both tensors of x; a list of distributions where it gives one."""
    first, second = (move(t) for t in full(x))
    if isinstance(first, Tensor):
        return type(x)(first, second)
    return [type(x)(a, b) for a, b in zip(first, second, strict=True)]


def _method(name: str) -> Callable[..., Any]:
    return lambda *args, **kwargs: getattr(args[-1], name)(*args[:-1], **kwargs)


def pad(x: Spread, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> Spread:
    """Return x with borders of a constant: of no variance."""
    if mode != "constant":
        raise TypeError(f"pad with mode={mode!r} of a {type(x).__name__} is not supported; mode must be 'constant'")
    first, second = full(x)
    other = (value or 0) ** 2 if isinstance(x, Moments) else 0
    return type(x)(F.pad(first, pad, value=value), F.pad(second, pad, value=other))


# --- sums ---


def add(a: Any, b: Any, *, alpha: int = 1) -> Spread:
    """Return a + b of independent values, of which one may be given."""
    if alpha != 1:
        raise TypeError("add with alpha of a distribution is not supported; values are added as they are")
    if isinstance(a, KINDS) and isinstance(b, KINDS):
        kind = Moments if isinstance(a, Moments) and isinstance(b, Moments) else Gaussian
        return kind.of(a.mean + b.mean, a.var + b.var)
    x, given = (a, b) if isinstance(a, KINDS) else (b, a)
    if not isinstance(given, (Tensor, int, float)):
        raise TypeError(f"a {type(x).__name__} and a {type(given).__name__} cannot be added; give a tensor")
    return type(x).of(x.mean + given, x.var)


def cat(tensors: Sequence[Any], dim: int = 0) -> Spread:
    """Return values side by side; given ones have no variance."""
    kind = Moments if not any(isinstance(x, Gaussian) for x in tensors) else Gaussian
    pairs = [_same_kind(x, kind) for x in tensors]
    return kind(*(torch.cat(parts, dim) for parts in zip(*pairs, strict=True)))


def _same_kind(x: Any, kind: type) -> tuple[Tensor, Tensor]:
    if isinstance(x, kind):
        return full(x)
    mean, var = (x.mean, x.var) if isinstance(x, KINDS) else (x, torch.zeros_like(x))
    return full(kind.of(mean, var))


# --- averages ---


def avg_pool2d(
    x: Spread,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Spread:
    """Return m' = Σ m / d, s'² = Σ s² / d² over windows, d being what torch divides by."""
    window = (kernel_size, stride or kernel_size, padding, ceil_mode)
    average = partial(_pool, window, count_include_pad=count_include_pad, divisor_override=divisor_override)
    var = x.var.expand(*x.var.shape[:2], *x.mean.shape[2:])
    one = torch.ones_like(x.mean[:1, :1])
    share = average(one) / _pool(window, one, divisor_override=1)
    return type(x).of(average(x.mean), average(var) * share)


def _pool(window: tuple, x: Tensor, **options: Any) -> Tensor:
    return F.avg_pool2d(x, *window, **options)


def _row(value: Any, other: int) -> tuple[int, int]:
    return (other, value if isinstance(value, int) else value[0])


def avg_pool1d(
    x: Spread,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Spread:
    """Return the same along a signal [N, C, L]."""
    window = (_row(kernel_size, 1), _row(stride or kernel_size, 1), _row(padding, 0))
    y = avg_pool2d(x.unsqueeze(2), *window, ceil_mode, count_include_pad)
    return y.squeeze(2)


def mean(x: Spread, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Spread:
    """Return the average over axes: of n elements m' = Σ m / n, s'² = Σ s² / n²."""
    if dim is None or dtype is not None:
        raise TypeError(f"mean of a {type(x).__name__} over all axes is not supported; give dim, of H and W or of L")
    axes = (dim,) if isinstance(dim, int) else tuple(dim)
    n, var = 1, x.var.expand_as(x.mean)
    for axis in axes:
        n *= x.mean.shape[axis]
    return type(x).of(x.mean.mean(axes, keepdim), var.mean(axes, keepdim) / n)


def adaptive_avg_pool(x: Spread, output_size: Any, axes: int) -> Spread:
    """Return the average over the last axes, kept as axes of one element."""
    if output_size not in (1, (1,), (1, 1), [1], [1, 1]):
        raise TypeError(
            f"an adaptive average of a {type(x).__name__} to {output_size} is not supported; output_size must be 1"
        )
    return mean(x, tuple(range(-axes, 0)), True)


# --- maxima ---


def max_pool2d(
    x: Spread,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Spread:
    """Return the maxima over windows, as `lrtc.nn.LRTMaxPool2d` has them."""
    from lrtc.nn.pool import LRTMaxPool2d  # it needs the layers, which need the distributions

    if dilation not in (1, (1,), (1, 1)) or ceil_mode or return_indices:
        raise TypeError("max_pool2d of a distribution knows kernel_size, stride and padding; use lrtc.nn.LRTMaxPool2d")
    return LRTMaxPool2d(kernel_size, stride, padding)(x)


def max_pool1d(
    x: Spread, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False,
    return_indices: bool = False,
) -> Spread:  # fmt: skip
    """Return the same along a signal [N, C, L]."""
    window = (_row(kernel_size, 1), _row(stride or kernel_size, 1), _row(padding, 0), dilation)
    return max_pool2d(x.unsqueeze(2), *window, ceil_mode, return_indices).squeeze(2)


def maximum(a: Any, b: Any = None) -> Spread:
    """Return max(a, b) of independent values, of which one may be given.

    ±1 activations stay such, P(max = −1) = P(a = −1) P(b = −1); of one and a given value the moments are exact. All
    else is Clark's Gaussian of both, as of max-pools.
    """
    from lrtc.nn.pool import greater  # it needs the layers, which need the distributions

    x, other = (a, b) if isinstance(a, KINDS) else (b, a)
    if not isinstance(other, (*KINDS, Tensor)):
        raise TypeError(_refusal("max", x) + ", or give two values")
    if _is_sign(x) and _is_sign(other):
        mean = 1 - (1 - x.mean) * (1 - other.mean) / 2
        return Moments(mean, torch.ones_like(mean))
    if _is_sign(x) and isinstance(other, Tensor):
        up, high, low = (1 + x.mean) / 2, other.clamp_min(1), other.clamp_min(-1)
        return Moments(up * high + (1 - up) * low, up * high.square() + (1 - up) * low.square())
    return greater(*(_as_gaussian(value) for value in (x, other)))


def minimum(a: Any, b: Any = None) -> Spread:
    """Return min(a, b) = −max(−a, −b)."""
    return _negated(maximum(_negated(a), _negated(b)))


def _is_sign(x: Any) -> bool:
    return isinstance(x, Moments) and bool((x.second == 1).all())


def _as_gaussian(x: Spread | Tensor) -> Gaussian:
    return Gaussian(x, torch.zeros_like(x)) if isinstance(x, Tensor) else Gaussian(x.mean, x.var)


def _negated(x: Any) -> Any:
    if isinstance(x, KINDS):
        return type(x)(-x.mean, tuple.__getitem__(x, 1))
    return -x if isinstance(x, Tensor) else x


def dropout(x: Spread, p: float = 0.5, training: bool = True, inplace: bool = False) -> Spread:
    """Return x where nothing is dropped."""
    if training and p:
        raise TypeError(f"dropout of a {type(x).__name__} is not supported; put it behind the sign, or leave it out")
    return x


SHARED = ("shape", "dtype", "device", "ndim", "dim", "size", "numel", "is_cuda")
MOVES: dict[str, Callable[..., Any]] = {
    name: _method(name)
    for name in (
        "flatten", "reshape", "view", "permute", "transpose", "swapaxes", "contiguous", "narrow", "chunk", "split",
        "squeeze", "unsqueeze",
    )
} | {"channel_shuffle": lambda groups, x: F.channel_shuffle(x, groups)}  # fmt: skip
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "add": add,
    **dict.fromkeys(("cat", "concat", "concatenate"), cat),
    "avg_pool1d": avg_pool1d,
    "avg_pool2d": avg_pool2d,
    "adaptive_avg_pool1d": partial(adaptive_avg_pool, axes=1),
    "adaptive_avg_pool2d": partial(adaptive_avg_pool, axes=2),
    "mean": mean,
    **dict.fromkeys(("maximum", "max"), maximum),
    **dict.fromkeys(("minimum", "min"), minimum),
    "max_pool1d": max_pool1d,
    "max_pool2d": max_pool2d,
    "pad": pad,
    **dict.fromkeys(("dropout", "dropout1d", "dropout2d"), dropout),
}
ANY_REMEDY = "put lrtc.nn.LRTSign, LRTReLU or QuantActivation before it"
REMEDIES = (
    (("conv1d", "conv2d"), "use lrtc.nn.LRTConv1d, LRTConv2d, QuantConv1d or QuantConv2d"),
    (("linear",), "use lrtc.nn.LRTLinear or QuantLinear"),
    (("batch_norm", "layer_norm", "group_norm", "instance_norm"), "use lrtc.nn.LRTBatchNorm"),
    (("relu", "relu_", "relu6", "clamp", "clip", "clamp_min"), "use lrtc.nn.LRTReLU or QuantActivation"),
    (("hardtanh", "tanh", "sigmoid", "sign", "sgn", "round"), "use lrtc.nn.LRTSign or QuantActivation"),
    (("adaptive_max_pool1d", "adaptive_max_pool2d", "max", "min", "amax"), "use lrtc.nn.LRTMaxPool2d"),
    (("sum",), "use lrtc.nn.SumPool2d or ExactMean"),
    (("mul", "mul_", "div", "sub", "neg"), "scale by lrtc.nn.LRTGain or LRTBatchNorm"),
    (("add_", "__iadd__"), "write x = x + y"),
    (("argmax", "topk", "sort", "softmax", "log_softmax"), "end the network with lrtc.nn.LRTScale or QuantLinear"),
)
