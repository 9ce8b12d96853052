"""Decisions: functions of numbers with few results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lrtc.ir.op import Fact, Op, arity, const_of, need, require_integer
from lrtc.ir.types import B1, T2, Elem, tensor


@dataclass(frozen=True)
class Sign(Op):
    """z = +1 where x ≥ 0, else −1 (so sign(0) = +1). x: f32 or integer → `b1`."""

    name: ClassVar[str] = "sign"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1)
        return Fact.of(ins[0].type.with_elem(B1))


@dataclass(frozen=True)
class Ternarize(Op):
    """z = +1 where x ≥ width, −1 where x ≤ −width, else 0. x: f32 or integer → `t2`. width > 0."""

    name: ClassVar[str] = "ternarize"
    width: float = 0.5

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1)
        need(self.width > 0, f"width {self.width} must be positive")
        return Fact.of(ins[0].type.with_elem(T2))


ROUNDINGS = ("even", "floor", "ceil", "up", "down", "half_up", "half_down")


@dataclass(frozen=True)
class Quantize(Op):
    """q = clip(round(x), low, high) in `out`. x: f32 → integer.

    rounding: "even" (half to even), "floor", "ceil", "up" (away from 0), "down" (to 0), "half_up", "half_down" (to the
    nearest, a half away from 0 or to it).
    """

    name: ClassVar[str] = "quantize"
    out: Elem
    low: int
    high: int
    rounding: str = "even"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1)
        need(self.rounding in ROUNDINGS, f"rounding {self.rounding!r}; known: {', '.join(ROUNDINGS)}")
        need(self.out.kind in "uit" and self.out.low <= self.low < self.high <= self.out.high, f"{self}")
        type_ = ins[0].type.with_elem(self.out)
        low, high = (np.full(type_.shape[-1], v, dtype=np.int64) for v in (self.low, self.high))
        return Fact(type_, None, low, high)


@dataclass(frozen=True)
class Threshold(Op):
    """z = low + n, n the number of levels ≤ x (K − n where flip[c]); for `b1` z = 2n − 1 with one level.

    x: integer […,C] with const int rows (level 1 ≤ … ≤ level K, flip) [K+1, C], or f32 with f32 rows → `out`.
    low: the least value, by default that of `out`.
    """

    name: ClassVar[str] = "threshold"
    out: Elem = B1
    low: int | None = None

    @property
    def base(self) -> int:
        """Return the least value."""
        return self.out.low if self.low is None else self.low

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 2)
        x, rows = ins
        value = const_of(rows, "levels and flip")
        need(x.type.elem.is_float == rows.type.elem.is_float, f"levels {rows.type} are compared with {x.type}")
        channels = x.type.shape[-1]
        need(value.ndim == 2 and value.shape[1] == channels, f"levels and flip must be [Kx{channels}], not {rows.type}")
        need(bool(np.isin(value[-1], (0, 1)).all()), "flip is 0 or 1")
        count = len(value) - 1
        steps = 1 if self.out.kind == "b" else self.out.high - self.base
        need(1 <= count <= steps, f"{count} levels do not fit {self.out} from {self.base}: there must be 1 to {steps}")
        need(bool((np.diff(value[:-1].astype(np.float64), axis=0) >= 0).all()), "levels must ascend")
        type_ = x.type.with_elem(self.out)
        if self.out.kind == "b":
            return Fact.of(type_)
        low, high = (np.full(channels, v, dtype=np.int64) for v in (self.base, self.base + count))
        return Fact(type_, None, low, high)


@dataclass(frozen=True)
class TopK(Op):
    """The indices of the k greatest elements, greatest first, the lowest index first among equals. [C] → uN [k]."""

    name: ClassVar[str] = "topk"
    k: int = 1

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1)
        (x,) = ins
        require_integer(x, "topk")
        need(len(x.type.shape) == 1, f"topk takes a vector, not {x.type}; flatten it first")
        classes = x.type.shape[0]
        need(1 <= self.k <= classes, f"k={self.k} of {classes} values")
        return Fact.of(tensor((self.k,), Elem("u", max(1, (classes - 1).bit_length()))))
