"""What the handlers of nodes share: the graph being built, faults, and how steps and flattens become nodes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from lrtc.errors import Fault
from lrtc.frontend.qonnx.value import Constant, Refused, Site, Step, Value, evaluate, nodes_of
from lrtc.ir import Fact, GraphBuilder, Op
from lrtc.ir.ops import Flatten, flatten_channels

MAX_VALUE = 1 << 26  # elements of one value
LARGEST_REAL = float(np.finfo(np.float32).max) / 4
NO_SITE = Site("", "", "", "", (), ())


@dataclass
class Lowering:
    """The graph being built, the node in work, faults, notes, and bounds (low, high) [C] of every real IR value."""

    builder: GraphBuilder
    site: Site = NO_SITE
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    bounds: dict[str, tuple[np.ndarray, np.ndarray]] = field(default_factory=dict)

    def fault(self, text: str) -> None:
        """Record a fault of the node in work."""
        self.faults.append(Fault(self.site.where, text))

    def note(self, text: str) -> None:
        """Record a note about the node in work."""
        self.notes.append(f"{self.site.where}: {text}")

    def fact(self, x: Value) -> Fact:
        return self.builder.facts[x.name]

    def is_integer(self, x: Value) -> bool:
        """Return whether the IR value below the steps is integers."""
        return self.fact(x).low is not None

    def add(self, op: Op, *ins: str, suffix: str = "") -> str:
        """Add a node; Refused if its value is too large to be worked on."""
        out = self.builder.add(op, ins, self.site.origin + suffix, self.site.origin)
        size = prod(self.builder.facts[out].type.shape)
        if size > MAX_VALUE:
            raise Refused(f"its output has {size} values; at most {MAX_VALUE} are supported")
        return out

    def const(self, suffix: str, value: np.ndarray, type_=None) -> str:
        return self.builder.const(f"{self.site.origin}_{suffix}", value, type_, self.site.origin)

    def range(self, x: Value) -> tuple[np.ndarray, np.ndarray]:
        """Return (low, high) float32 [C] of the real value; Refused if it can leave float32."""
        fact = self.fact(x)
        low, high = (fact.low, fact.high) if fact.low is not None else self.bounds[x.name]
        with np.errstate(all="ignore"):
            ends = evaluate(x.steps, np.stack([low, high]))
        bad = np.flatnonzero(~(np.abs(ends) < LARGEST_REAL).all(axis=0))
        if bad.size:
            raise Refused(f"channel {bad[0]} can overflow float32; scales and offsets must stay moderate")
        return ends.min(axis=0), ends.max(axis=0)

    def settled(self, x: Value) -> Value:
        """Return the value with its steps as nodes: a real IR value (or the integers, if there are no steps)."""
        if not x.steps:
            return x
        bounds = self.range(x)
        name = x.name
        for op, rows in nodes_of(x.steps, len(bounds[0])):
            name = self.add(op, name, self.const("s", rows), suffix="_real")
        self.bounds[name] = bounds
        return replace(x, name=name, steps=())

    def vector(self, x: Value) -> Value:
        """Return the value with its pending flatten as a node."""
        if not x.flat:
            return x
        fact, order = self.fact(x), x.flat
        shape = fact.type.shape
        if prod(shape) > MAX_VALUE:
            raise Refused(f"a vector of {prod(shape)} values; at most {MAX_VALUE} are supported")
        name = self.add(Flatten(order), x.name, suffix="_flat")
        if x.name in self.bounds:
            self.bounds[name] = tuple(flatten_channels(v, shape, order) for v in self.bounds[x.name])
        steps = tuple(s.mapped(lambda r: flatten_channels(r, shape, order)) for s in x.steps)
        return replace(x, name=name, steps=steps, flat="")

    def channelwise(self, x: Value, constant: np.ndarray, what: str) -> tuple[Value, np.ndarray]:
        """Return (x, rows): the constant as float32, a number or one a channel of %x.name, as it broadcasts to x.

        x comes back flattened if the constant differs within a channel of an image that is read as a vector.
        Refused if the constant differs along rows, columns or the batch.
        """
        value = np.asarray(constant, dtype=np.float32)
        if value.size == 1 and value.ndim <= len(x.shape):
            return x, value.reshape(())
        try:
            fits = np.broadcast_shapes(value.shape, x.shape) == x.shape
        except ValueError:
            fits = False
        if not fits:
            raise Refused(f"{what} of shape {value.shape} does not fit a value of {x.shape}")
        value = value.reshape((1,) * (len(x.shape) - value.ndim) + value.shape)
        axis = x.axes.index("C")
        along = np.moveaxis(value, axis, -1).reshape(-1, value.shape[axis])
        if (along != along[0]).any():
            raise Refused(f"{what} differs within a channel; one number, or one a channel, is supported")
        row = np.broadcast_to(along[0], x.shape[axis])
        if (row == row[0]).all():
            return x, row[0].reshape(())
        return self.per_channel(x, row)

    def per_channel(self, x: Value, row: np.ndarray) -> tuple[Value, np.ndarray]:
        """Return (x, rows [C] of %x.name) for rows [K], one a place of the axis C of x."""
        if not x.flat:
            return x, np.ascontiguousarray(row)
        channels = self.fact(x).type.shape[-1]
        table = row.reshape(channels, -1).T if x.flat == "CHW" else row.reshape(-1, channels)
        if (table == table[0]).all():
            return x, np.ascontiguousarray(table[0])
        return self.vector(x), np.ascontiguousarray(row)

    def integers_of(self, x: Value) -> tuple[float, float]:
        """Return (scale, offset) numbers: the real value is %name·scale + offset. Refused if it is no such thing."""
        if not self.is_integer(x):
            raise Refused("meets real numbers; put a quantiser (Quant, BipolarQuant, MultiThreshold) before it")
        self.range(x)
        scale, offset = x.affine()
        for what, value in (("scale", scale), ("offset", offset)):
            if np.ndim(value) and (value != value.flat[0]).any():
                raise Refused(f"meets integers with one {what} a channel and sums over channels; one for all is needed")
        scale, offset = float(np.ravel(scale)[0]), float(np.ravel(offset)[0])
        if scale == 0 or not np.isfinite(scale):
            raise Refused(f"meets integers with the scale {scale}")
        return scale, offset


def data(operand: object, what: str) -> np.ndarray:
    """Return the array of an operand that must be a constant."""
    if not isinstance(operand, Constant):
        raise Refused(f"{what} depends on the input; a constant is supported")
    return operand.value


def number_of(operand: object, what: str) -> float:
    """Return the number of an operand that must be a constant of one element."""
    value = data(operand, what)
    if value.size != 1:
        raise Refused(f"{what} has the shape {value.shape}; one number is supported")
    return value.ravel()[0].item()


def steps(*pairs: tuple[str, object]) -> tuple[Step, ...]:
    """Return Steps of (kind, rows)."""
    return tuple(Step(kind, np.asarray(rows, dtype=np.float32)) for kind, rows in pairs)
