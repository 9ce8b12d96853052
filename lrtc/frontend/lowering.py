"""The graph while layers are lowered to it, and what a layer may demand of the value before it.

A lowering function takes (to, x, layer, tensors) with x the name of the IR value before the layer (of several values,
a tuple of names) and tensors as numpy arrays, and returns the name of the value after it. It raises TypeRule for a
layer that does not fit. Values are HWC (DESIGN D1); a signal N×C×L is an image of one row [1,L,C] (D18).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

import numpy as np

from lrtc.errors import Fault
from lrtc.frontend.description import Layer, fault_of
from lrtc.ir import Fact, GraphBuilder, Op, TensorType, TypeRule
from lrtc.ir.ops import window_shape

EXACT = 1 << 24  # float32 holds every integer up to here; torch sums in float32
LARGEST_REAL = float(np.finfo(np.float32).max) / 4
MAX_VALUE = 1 << 26  # elements of one value


class Misfit(TypeRule):
    """A layer that does not fit the value before it.

    shape: of a value that it would fit, to go on checking with; None: go on as if the layer were not there.
    signal: whether that value is a signal.
    """

    def __init__(self, message: str, shape: tuple[int, ...] | None = None, signal: bool = False) -> None:
        super().__init__(message)
        self.shape, self.signal = shape, signal


@dataclass
class Lowering:
    """The graph being built, the faults found, the greatest magnitude of every real value, and which are signals."""

    builder: GraphBuilder
    faults: list[Fault] = field(default_factory=list)
    reach: dict[str, float] = field(default_factory=dict)
    signals: set[str] = field(default_factory=set)

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

    def is_value(self, x: str) -> bool:
        """Return whether x is computed, not a constant."""
        return self.fact(x).const is None

    def const(self, layer: Layer, suffix: str, value: np.ndarray, type_: TensorType | None = None) -> str:
        return self.builder.const(f"{layer.name}_{suffix}", value, type_, layer.origin)

    def add(self, layer: Layer, op: Op, *ins: str, suffix: str = "") -> str:
        """Add a node for the layer; TypeRule if its value is too large to be worked on."""
        if len({name in self.signals for name in ins if len(self.shape(name)) == 3 and self.is_value(name)}) > 1:
            raise TypeRule("takes a signal N×C×L and an image N×C×H×W together; torch would spread one over the other")
        out = self.builder.add(op, ins, layer.name + suffix, layer.origin)
        if len(self.shape(out)) == 3 and any(name in self.signals for name in ins):
            self.signals.add(out)
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

    def reals(
        self, layer: Layer, op: Op, x: str, rows: str, scale: np.ndarray, bias: np.ndarray, suffix: str = ""
    ) -> str:
        """Add a node that makes x·scale + bias in float32; a fault if that can overflow."""
        out = self.add(layer, op, x, rows, suffix=suffix)
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
        fitting = (1, 1, channels) if channels else None
        if len(shape) != 3:
            raise Misfit(f"meets a vector of {shape[0]} values; it needs an image", fitting)
        if x in self.signals:
            raise Misfit("meets a signal N×C×L; it needs an image: use the layer's 1d form", fitting)
        if channels not in (None, shape[2]):
            raise Misfit(f"meets {shape[2]} channels; it is made for {channels}", (*shape[:2], channels))

    def need_signal(self, x: str, channels: int | None = None) -> None:
        """Raise Misfit unless x is a signal [1,L,C], of that many channels."""
        shape = self.shape(x)
        if x not in self.signals:
            what = "an image" if len(shape) == 3 else f"a vector of {shape[0]} values"
            fitting = (1, 1, channels) if channels else None
            raise Misfit(f"meets {what}; it needs a signal N×C×L, such as InputQuantize((C, L))", fitting, signal=True)
        if channels not in (None, shape[2]):
            raise Misfit(f"meets {shape[2]} channels; it is made for {channels}", (*shape[:2], channels), signal=True)

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
            fitting = (max(h, kernel[0]), max(w, kernel[1]), c)
            raise Misfit(str(error), fitting, x in self.signals) from None

    def need_integers(self, x: str, doing: str) -> None:
        """Raise TypeRule for a real value; `doing` says what the layer does with it."""
        if self.fact(x).type.elem.is_float:
            raise TypeRule(f"{doing} real values; put it before the batchnorm, or after the sign")


def size_text(shape: tuple[int, ...]) -> str:
    """Return `28x28x32 [H,W,C]`, or `64`."""
    return "x".join(map(str, shape)) + (" [H,W,C]" if len(shape) == 3 else "")


def same_reach(to: Lowering, x: str, out: str) -> str:
    """Return `out`, whose magnitude is that of x."""
    if x in to.reach:
        to.reach[out] = to.reach[x]
    return out
