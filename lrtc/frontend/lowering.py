"""How each layer becomes nodes of the IR: one function a layer. Values are HWC here (DESIGN D1).

A function takes (to, x, layer, tensors) with x the name of the IR value before the layer and tensors as numpy arrays,
and returns the name of the value after it. It raises TypeRule for a layer that does not fit the value before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

import numpy as np

from lrtc.errors import Fault
from lrtc.frontend.description import Layer, fault_of
from lrtc.interp import batchnorm_coefficients
from lrtc.ir import B1, F32, T2, U8, Elem, Fact, GraphBuilder, Op, TensorType, TypeRule, tensor
from lrtc.ir.ops import (
    Affine,
    BatchNorm,
    Conv2d,
    Flatten,
    Identity,
    Linear,
    MaxPool2d,
    ScaleBias,
    Sign,
    window_shape,
)  # fmt: skip

EXACT = 1 << 24  # float32 holds every integer up to here; torch sums in float32
LARGEST_REAL = float(np.finfo(np.float32).max) / 4
MAX_VALUE = 1 << 26  # elements of one value


class Misfit(TypeRule):
    """A layer that does not fit the value before it.

    shape: of a value that it would fit, to go on checking with; None: go on as if the layer were not there.
    """

    def __init__(self, message: str, shape: tuple[int, ...] | None = None) -> None:
        super().__init__(message)
        self.shape = shape


@dataclass
class Lowering:
    """The graph being built, the faults found, and the greatest magnitude of every real value."""

    builder: GraphBuilder
    faults: list[Fault] = field(default_factory=list)
    reach: dict[str, float] = field(default_factory=dict)

    def fact(self, x: str) -> Fact:
        return self.builder.facts[x]

    def shape(self, x: str) -> tuple[int, ...]:
        return self.fact(x).type.shape

    def magnitude(self, x: str) -> float:
        """Return a bound of |x|."""
        fact = self.fact(x)
        if fact.low is None:
            return self.reach[x]
        return float(max(-int(fact.low.min()), int(fact.high.max())))

    def const(self, layer: Layer, suffix: str, value: np.ndarray, type_: TensorType | None = None) -> str:
        return self.builder.const(f"{layer.name}_{suffix}", value, type_, layer.origin)

    def add(self, layer: Layer, op: Op, *ins: str, suffix: str = "") -> str:
        """Add a node for the layer; TypeRule if its value is too large to be worked on."""
        out = self.builder.add(op, ins, layer.name + suffix, layer.origin)
        if prod(self.shape(out)) > MAX_VALUE:
            raise TypeRule(f"its output {size_text(self.shape(out))} has more than {MAX_VALUE} values")
        return out

    def sums(self, layer: Layer, op: Op, *ins: str, suffix: str = "") -> str:
        """Add a node that makes integers; a fault if they can leave the range in which torch's float32 is exact."""
        out = self.add(layer, op, *ins, suffix=suffix)
        if self.magnitude(out) >= EXACT:
            self.faults.append(
                fault_of(layer, f"its sums can reach ±{self.magnitude(out):.0f}; torch is exact below 2^24")
            )
        return out

    def reals(self, layer: Layer, op: Op, x: str, rows: str, scale: np.ndarray, bias: np.ndarray) -> str:
        """Add a node that makes x·scale + bias in float32; a fault if that can overflow."""
        out = self.add(layer, op, x, rows)
        with np.errstate(all="ignore"):
            reach = self.magnitude(x) * np.abs(scale.astype(np.float64)) + np.abs(bias.astype(np.float64))
        bad = np.flatnonzero(~(reach < LARGEST_REAL))
        if bad.size:
            what = f"channel {bad[0]} can overflow float32 (scale {scale[bad[0]]:g}, offset {bias[bad[0]]:g})"
            self.faults.append(fault_of(layer, f"{what}; gamma/√(var+eps) and its products must stay below 1e38"))
        self.reach[out] = float(np.nan_to_num(reach, nan=0.0, posinf=0.0).max())
        return out

    def need_image(self, x: str, channels: int | None = None) -> None:
        """Raise Misfit unless x is [H,W,C], of that many channels."""
        shape = self.shape(x)
        if len(shape) != 3:
            fitting = (1, 1, channels) if channels else None
            raise Misfit(f"meets a vector of {shape[0]} values; it needs an image", fitting)
        if channels not in (None, shape[2]):
            raise Misfit(f"meets {shape[2]} channels; it is made for {channels}", (*shape[:2], channels))

    def need_vector(self, x: str, features: int) -> None:
        """Raise Misfit unless x is a vector, of that many values."""
        shape = self.shape(x)
        if len(shape) != 1:
            raise Misfit(f"meets an image {size_text(shape)}; put torch.nn.Flatten before it", (features,))
        if features != shape[0]:
            raise Misfit(f"meets {shape[0]} values; it is made for {features}", (features,))

    def need_channels(self, x: str, channels: int, rank: int | None = None) -> None:
        """Raise Misfit unless x has that many channels (a vector: values) and is an image (rank 3) or a vector (1)."""
        shape = self.shape(x)
        try:
            if rank == 3:
                self.need_image(x, channels)
            if rank == 1:
                self.need_vector(x, channels)
        except Misfit as misfit:
            raise Misfit(str(misfit)) from None
        if shape[-1] != channels:
            raise Misfit(f"meets {shape[-1]} channels; it is made for {channels}")

    def need_window(self, x: str, kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, ...]) -> None:
        """Raise Misfit unless a window fits into the padded x."""
        try:
            window_shape(self.shape(x)[:2], kernel, stride, padding)
        except TypeRule as error:
            h, w, c = self.shape(x)
            raise Misfit(str(error), (max(h, kernel[0]), max(w, kernel[1]), c)) from None


def size_text(shape: tuple[int, ...]) -> str:
    """Return `28x28x32 [H,W,C]`, or `64`."""
    return "x".join(map(str, shape)) + (" [H,W,C]" if len(shape) == 3 else "")


def input_quantize(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the graph's input u8 [H,W,C] or [F], with the step of its quantiser."""
    shape = layer.attrs["shape"]
    if len(shape) == 3:
        shape = (shape[1], shape[2], shape[0])
    return to.builder.input("x", tensor(shape, U8), float(layer.attrs["scale"]))


def _weight_elem(layer: Layer, weights: np.ndarray) -> Elem:
    kind = layer.attrs.get("weights") or ("ternary" if (weights == 0).any() else "bipolar")
    return B1 if kind == "bipolar" else T2


def _with_bias(to: Lowering, x: str, layer: Layer, bias: np.ndarray) -> str:
    ones = np.ones_like(bias)
    rows = to.const(layer, "b", np.stack([ones, bias]))
    return to.reals(layer, ScaleBias(), x, rows, ones, bias)


def conv2d(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return conv2d of integers, and the bias in float32 after it; weights OIHW → OHWI."""
    weights = np.ascontiguousarray(tensors["discrete_weight"].transpose(0, 2, 3, 1))
    (ph, pw), stride = layer.attrs["padding"], layer.attrs["stride"]
    to.need_image(x, layer.attrs["in_channels"])
    to.need_window(x, weights.shape[1:3], stride, (ph, ph, pw, pw))
    w = to.const(layer, "w", weights, tensor(weights.shape, _weight_elem(layer, weights)))
    bias = tensors.get("bias")
    acc = to.sums(layer, Conv2d(stride, (ph, ph, pw, pw)), x, w, suffix="" if bias is None else "_acc")
    return acc if bias is None else _with_bias(to, acc, layer, bias)


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
    weights, offset = tensors["discrete_weight"], tensors["offset"]
    to.need_vector(x, layer.attrs["in_features"])
    w = to.const(layer, "w", weights, tensor(weights.shape, Elem("i", layer.attrs["bits"]), "OI"))
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
    """Return batchnorm with signed gamma, of a vector."""
    to.need_channels(x, layer.attrs["num_features"], rank=1)
    return _batchnorm(to, x, layer, tensors, absolute=False)


def batchnorm2d(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return batchnorm with signed gamma, of an image."""
    to.need_channels(x, layer.attrs["num_features"], rank=3)
    return _batchnorm(to, x, layer, tensors, absolute=False)


def sign(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the sign, sign(0) = +1."""
    return to.add(layer, Sign(), x)


def maxpool(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the maximum over windows, padded taps left out."""
    kernel, stride, (ph, pw) = (layer.attrs[name] for name in ("kernel_size", "stride", "padding"))
    to.need_image(x)
    if 2 * ph > kernel[0] or 2 * pw > kernel[1]:
        raise TypeRule(f"padding={(ph, pw)} is not supported; it must be at most half of kernel_size={kernel}")
    to.need_window(x, kernel, stride, (ph, ph, pw, pw))
    out = to.add(layer, MaxPool2d(kernel, stride, (ph, ph, pw, pw)), x)
    return _same_reach(to, x, out)


def flatten(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the vector in torch's order, CHW."""
    return _same_reach(to, x, to.add(layer, Flatten("CHW"), x))


def identity(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return x: what dropout is in eval mode."""
    return _same_reach(to, x, to.add(layer, Identity(), x))


def _same_reach(to: Lowering, x: str, out: str) -> str:
    if x in to.reach:
        to.reach[out] = to.reach[x]
    return out
