"""How functions of numbers become nodes of the IR: input, norms, activations, pools; see `lowering`."""

from __future__ import annotations

import numpy as np

from lrtc.frontend.description import Layer
from lrtc.frontend.lowering import Lowering, same_reach
from lrtc.interp import batchnorm_coefficients
from lrtc.ir import U8, Elem, TypeRule, tensor
from lrtc.ir.ops import (
    Affine,
    BatchNorm,
    Clamp,
    Divide,
    Flatten,
    MaxPool2d,
    Quantize,
    ScaleBias,
    Sign,
    SumPool2d,
    Ternarize,
)


def input_quantize(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the graph's input, called x, u8 [H,W,C], [1,L,C] or [F] with its quantiser's step, less its zero point."""
    shape = layer.attrs["shape"]
    ours = {1: (), 2: (1, *shape[1:]), 3: shape[1:]}[len(shape)] + shape[:1]
    zero_point = layer.attrs.get("zero_point", 0)
    value = to.builder.input(x, tensor(ours, U8), float(layer.attrs["scale"]), float(zero_point))
    if len(shape) == 2:
        to.signals.add(value)
    if not zero_point:
        return value
    rows = np.repeat(np.array([[1], [-zero_point]], dtype=np.int32), ours[-1], axis=1)
    return to.add(layer, Affine(), value, to.const(layer, "z", rows))


def _batchnorm(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray], absolute: bool) -> str:
    to.need_channels(x, layer.attrs["num_features"])
    rows = np.stack([tensors[name] for name in ("weight", "bias", "running_mean", "running_var")])
    eps = float(layer.attrs["eps"])
    with np.errstate(all="ignore"):
        scale, offset = batchnorm_coefficients(rows, eps, absolute)
    return to.reals(layer, BatchNorm(eps, absolute), x, to.const(layer, "bn", rows), scale, offset)


def lrt_batchnorm(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return batchnorm with |gamma|."""
    return _batchnorm(to, x, layer, tensors, absolute=True)


def exact_batchnorm(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return batchnorm with signed gamma, of a vector or an image."""
    return _batchnorm(to, x, layer, tensors, absolute=False)


def batchnorm1d(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return batchnorm with signed gamma, of a vector or a signal."""
    to.need_channels(x, layer.attrs["num_features"], rank=None if x in to.signals else 1)
    return _batchnorm(to, x, layer, tensors, absolute=False)


def batchnorm2d(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return batchnorm with signed gamma, of an image."""
    to.need_channels(x, layer.attrs["num_features"], rank=3)
    return _batchnorm(to, x, layer, tensors, absolute=False)


def gain(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return |gain|·x + bias in float32."""
    to.need_channels(x, layer.attrs["num_features"])
    scale, bias = np.abs(tensors["gain"]), tensors["bias"]
    return to.reals(layer, ScaleBias(), x, to.const(layer, "g", np.stack([scale, bias])), scale, bias)


def sign(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the sign, sign(0) = +1."""
    return to.add(layer, Sign(), x)


def ternary_sign(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return −1, 0 or +1 by two levels."""
    return to.add(layer, Ternarize(layer.attrs["width"]), x)


def quant_activation(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return clip(round(x / scale), low, high), an integer of the layer's bits."""
    bits, signed, scale = (layer.attrs[name] for name in ("bits", "signed", "scale"))
    elem = Elem("i" if signed else "u", bits)
    if scale != 1:
        x = _divided(to, x, layer, scale, "_ratio")
    return to.add(layer, Quantize(elem, elem.low, elem.high), x)


def _divided(to: Lowering, x: str, layer: Layer, divisor: float, suffix: str = "") -> str:
    """Return f32(x / divisor)."""
    rows = np.full((1, to.shape(x)[-1]), divisor, dtype=np.float32)
    zero = np.zeros_like(rows[0])
    return to.reals(layer, Divide(), x, to.const(layer, "d", rows), 1 / rows[0], zero, suffix)


def relu(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return max(x, 0)."""
    return same_reach(to, x, to.add(layer, Clamp(0.0), x))


def relu6(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return min(max(x, 0), 6)."""
    return same_reach(to, x, to.add(layer, Clamp(0.0, 6.0), x))


def hardtanh(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return min(max(x, min_val), max_val)."""
    low, high = float(layer.attrs["min_val"]), float(layer.attrs["max_val"])
    out = to.add(layer, Clamp(low, high), x)
    if x in to.reach:
        to.reach[out] = max(abs(low), abs(high))
    return out


def _window(to: Lowering, x: str, layer: Layer) -> tuple[tuple, tuple, tuple]:
    """Return kernel, stride and (top, bottom, left, right) of a pool, 1d or 2d, that fits x."""
    kernel, stride, padding = (layer.attrs[name] for name in ("kernel_size", "stride", "padding"))
    if isinstance(kernel, int):
        to.need_signal(x)
        kernel, stride, padding = (1, kernel), (1, stride), (0, padding)
    else:
        to.need_image(x)
    if any(2 * p > k for p, k in zip(padding, kernel, strict=True)):
        raise TypeRule(f"padding={padding} is not supported; it must be at most half of kernel_size={kernel}")
    four = (padding[0], padding[0], padding[1], padding[1])
    to.need_window(x, kernel, stride, four)
    return kernel, stride, four


def maxpool(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the maximum over windows, padded taps left out."""
    return same_reach(to, x, to.add(layer, MaxPool2d(*_window(to, x, layer)), x))


def sumpool(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the integer sums over windows, padded taps 0."""
    to.need_integers(x, "sums")
    return to.sums(layer, SumPool2d(*_window(to, x, layer)), x)


def avgpool(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return f32(sum / taps) over windows, padded taps 0 (DESIGN D17)."""
    to.need_integers(x, "averages")
    kernel, stride, padding = _window(to, x, layer)
    total = to.sums(layer, SumPool2d(kernel, stride, padding), x, suffix="_sum")
    return _divided(to, total, layer, kernel[0] * kernel[1])


def mean(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return f32(sum / count) over all of H and W, or L (DESIGN D17), as an image of one pixel or a vector."""
    to.need_integers(x, "averages")
    if layer.attrs.get("axes", 2) == 1:
        to.need_signal(x)
    else:
        to.need_image(x)
    size = to.shape(x)[:2]
    keep = layer.attrs.get("keepdim", True)
    total = to.sums(layer, SumPool2d(size, (1, 1)), x, suffix="_sum")
    out = _divided(to, total, layer, size[0] * size[1], "" if keep else "_mean")
    return out if keep else same_reach(to, out, to.add(layer, Flatten("CHW"), out))
