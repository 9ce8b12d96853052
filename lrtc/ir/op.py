"""What an op is: a frozen dataclass with attributes and a type rule. What is proven of a value: a Fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import MISSING, dataclass, fields
from typing import ClassVar

import numpy as np

from lrtc.ir.types import Elem, TensorType, int_elem, tensor


class TypeRule(ValueError):
    """A type rule that does not hold."""


@dataclass(frozen=True, eq=False)
class Fact:
    """What is proven of a value: its type, its constant (if it is one), and per-channel bounds.

    low, high: int64 [C] (C = the last axis), or None for f32. For a graph input the bounds of its element.
    """

    type: TensorType
    const: np.ndarray | None = None
    low: np.ndarray | None = None
    high: np.ndarray | None = None

    @staticmethod
    def of(type_: TensorType, const: np.ndarray | None = None) -> Fact:
        """Return the Fact that the type (and the constant) alone proves."""
        if type_.elem.is_float:
            return Fact(type_, const)
        channels = type_.shape[-1]
        if const is not None:
            flat = const.reshape(-1, channels).astype(np.int64)
            return Fact(type_, const, flat.min(axis=0), flat.max(axis=0))
        low, high = (np.full(channels, v, dtype=np.int64) for v in (type_.elem.low, type_.elem.high))
        return Fact(type_, None, low, high)


def need(condition: bool, message: str) -> None:
    """Raise TypeRule unless the condition holds."""
    if not condition:
        raise TypeRule(message)


def const_of(fact: Fact, what: str) -> np.ndarray:
    """Return the constant that an operand must be."""
    need(fact.const is not None, f"{what} must be a constant")
    return fact.const


def integers(low: np.ndarray, high: np.ndarray, shape: tuple[int, ...]) -> Fact:
    """Return the Fact of an integer value with these per-channel bounds, as narrow as they are."""
    try:
        elem = int_elem(int(low.min()), int(high.max()))
    except OverflowError as error:
        raise TypeRule(str(error)) from None
    return Fact(tensor(shape, elem), None, low, high)


@dataclass(frozen=True)
class Op:
    """An operation on values; subclasses add attributes, a type rule and a formula."""

    name: ClassVar[str]

    def infer(self, ins: Sequence[Fact]) -> Fact:
        """Return what holds of the output; TypeRule if the operands do not fit."""
        raise NotImplementedError

    def attributes(self) -> dict[str, object]:
        """Return the attributes that differ from their defaults, in order, for the printer."""
        return {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.default is MISSING or getattr(self, f.name) != f.default
        }


def arity(ins: Sequence[Fact], *allowed: int) -> None:
    """Raise TypeRule unless the number of operands is one of `allowed`."""
    need(len(ins) in allowed, f"takes {' or '.join(map(str, allowed))} operands, not {len(ins)}")


def channelwise(x: Fact, rows: Fact, n: int, what: str) -> np.ndarray:
    """Return the constant [n, C] of an op that works channel by channel on x [..., C]."""
    value = const_of(rows, what)
    want = (n, x.type.shape[-1])
    need(value.shape == want, f"{what} must be [{want[0]}x{want[1]}], not {rows.type}")
    return value


def elem_of(values: np.ndarray) -> Elem:
    """Return the narrowest signed integer Elem for constant integers."""
    return int_elem(int(values.min()), int(values.max()))


def same_bounds(x: Fact, type_: TensorType) -> Fact:
    """Return the Fact of a value of `type_` within the bounds of x."""
    return Fact(type_, None, x.low, x.high)


def require_integer(x: Fact, what: str) -> None:
    """Raise TypeRule for a real operand."""
    need(not x.type.elem.is_float, f"{what} works on integers")


def require_image(x: Fact) -> None:
    """Raise TypeRule unless x is [H,W,C]."""
    need(len(x.type.shape) == 3, f"the input must be an image [H,W,C], not {x.type}")
