"""How dot products become nodes of the IR: convolutions and linear layers, one function a layer; see `lowering`."""

from __future__ import annotations

import numpy as np

from lrtc.frontend.description import Layer
from lrtc.frontend.lowering import Lowering
from lrtc.ir import B1, F32, T2, Elem, TypeRule, int_elem, tensor
from lrtc.ir.ops import Affine, Conv2d, Linear, ScaleBias
from lrtc.nn.alphabet import SETS, values_of


def _weight_elem(layer: Layer, weights: np.ndarray) -> Elem:
    kind = layer.attrs.get("weights") or ("ternary" if (weights == 0).any() else "bipolar")
    if kind in SETS:
        return B1 if kind == "bipolar" else T2
    values = values_of(kind)
    if values[0] >= 0:
        return Elem("u", max(2, values[-1].bit_length()))
    return Elem("i", max(2, int_elem(values[0], values[-1]).bits))


def _with_bias(to: Lowering, x: str, layer: Layer, bias: np.ndarray) -> str:
    ones = np.ones_like(bias)
    rows = to.const(layer, "b", np.stack([ones, bias]))
    return to.reals(layer, ScaleBias(), x, rows, ones, bias)


def sides(padding: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return (top, bottom, left, right) of (height, width) or of the four themselves."""
    return tuple(padding) if len(padding) == 4 else (padding[0], padding[0], padding[1], padding[1])


def _convolution(
    to: Lowering, x: str, layer: Layer, weights: np.ndarray, elem: Elem, geometry: Conv2d, suffix: str
) -> str:
    """Return conv2d of integers with weights OHWI."""
    extent = tuple((k - 1) * d + 1 for k, d in zip(weights.shape[1:3], geometry.dilation, strict=True))
    to.need_window(x, extent, geometry.stride, geometry.padding)
    w = to.const(layer, "w", weights, tensor(weights.shape, elem))
    return to.sums(layer, geometry, x, w, suffix=suffix)


def _geometry(layer: Layer) -> Conv2d:
    a = layer.attrs
    return Conv2d(a["stride"], sides(a["padding"]), a.get("dilation", (1, 1)), a.get("groups", 1))


def _geometry_1d(layer: Layer) -> Conv2d:
    a = layer.attrs
    padding = (0, 0, a["padding"], a["padding"])
    return Conv2d((1, a["stride"]), padding, (1, a.get("dilation", 1)), a.get("groups", 1))


def conv2d(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return conv2d of integers, and the bias in float32 after it; weights OIHW → OHWI."""
    weights = np.ascontiguousarray(tensors["discrete_weight"].transpose(0, 2, 3, 1))
    to.need_image(x, layer.attrs["in_channels"])
    return _biased(to, x, layer, weights, _geometry(layer), tensors.get("bias"))


def conv1d(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return conv2d along the one row of a signal, and the bias after it; weights OIL → O1LI."""
    weights = np.ascontiguousarray(tensors["discrete_weight"].transpose(0, 2, 1)[:, None])
    to.need_signal(x, layer.attrs["in_channels"])
    return _biased(to, x, layer, weights, _geometry_1d(layer), tensors.get("bias"))


def _biased(to: Lowering, x: str, layer: Layer, weights: np.ndarray, geometry: Conv2d, bias: np.ndarray | None) -> str:
    elem = _weight_elem(layer, weights)
    acc = _convolution(to, x, layer, weights, elem, geometry, "" if bias is None else "_acc")
    return acc if bias is None else _with_bias(to, acc, layer, bias)


def quant_conv2d(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the integers conv(x, w) + offset; w as wide as the layer's bits."""
    weights = np.ascontiguousarray(_integers(tensors).transpose(0, 2, 3, 1))
    to.need_image(x, layer.attrs["in_channels"])
    acc = _convolution(to, x, layer, weights, _integer_elem(layer), _geometry(layer), "_acc")
    return _with_offset(to, acc, layer, tensors)


def quant_conv1d(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the same along the one row of a signal."""
    weights = np.ascontiguousarray(_integers(tensors).transpose(0, 2, 1)[:, None])
    to.need_signal(x, layer.attrs["in_channels"])
    acc = _convolution(to, x, layer, weights, _integer_elem(layer), _geometry_1d(layer), "_acc")
    return _with_offset(to, acc, layer, tensors)


def _integers(tensors: dict[str, np.ndarray]) -> np.ndarray:
    """Return integer weights signed, so that nothing wraps: u8 needs a ninth bit."""
    weights = tensors["discrete_weight"]
    return weights if weights.dtype == np.int8 else weights.astype(np.int16)


def _integer_elem(layer: Layer) -> Elem:
    return Elem("i" if layer.attrs.get("signed", True) else "u", layer.attrs["bits"])


def _with_offset(to: Lowering, acc: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    offset = tensors["offset"]
    return to.sums(layer, Affine(), acc, to.const(layer, "b", np.stack([np.ones_like(offset), offset])))


def linear(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return linear of integers, and the bias in float32 after it."""
    weights = tensors["discrete_weight"]
    to.need_vector(x, layer.attrs["in_features"])
    w = to.const(layer, "w", weights, tensor(weights.shape, _weight_elem(layer, weights), "OI"))
    bias = tensors.get("bias")
    acc = to.sums(layer, Linear(), x, w, suffix="" if bias is None else "_acc")
    return acc if bias is None else _with_bias(to, acc, layer, bias)


def quant_linear(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the integer scores x·w + offset; w as wide as the layer's bits."""
    weights, offset = _integers(tensors), tensors["offset"]
    to.need_vector(x, layer.attrs["in_features"])
    w = to.const(layer, "w", weights, tensor(weights.shape, _integer_elem(layer), "OI"))
    acc = to.sums(layer, Linear(), x, w, suffix="_acc")
    rows = to.const(layer, "b", np.stack([np.ones_like(offset), offset]))
    return to.add(layer, Affine(), acc, rows)


def lrt_scale(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the integer scores x·multiplier + offset."""
    to.need_channels(x, layer.attrs["num_classes"], rank=1)
    if to.fact(x).type.elem == F32:
        raise TypeRule("meets real numbers; the layer before it must make integers: bias=False, no batchnorm between")
    rows = to.const(layer, "s", np.stack([tensors["multiplier"], tensors["offset"]]))
    return to.add(layer, Affine(), x, rows)  # torch refuses a score beyond 2^24 by itself
