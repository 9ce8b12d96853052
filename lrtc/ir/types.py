"""Types of values: element, layout, tensor type. A value's type says all that a backend may rely on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

MAX_INT_BITS = 32


@dataclass(frozen=True)
class Elem:
    """One element. kind: `b` {−1,+1}, `t` {−1,0,+1}, `u`/`i` integer of `bits` bits, `f` float32."""

    kind: str
    bits: int

    def __post_init__(self) -> None:
        legal = {"b": (1,), "t": (2,), "u": range(1, 33), "i": range(1, 33), "f": (32,)}
        if self.kind not in legal or self.bits not in legal[self.kind]:
            raise ValueError(f"no such element: {self.kind}{self.bits}")

    @property
    def low(self) -> int:
        """Return the least value (integers, `b1` and `t2` only)."""
        return {"b": -1, "t": -1, "u": 0, "i": -(1 << (self.bits - 1))}[self.kind]

    @property
    def high(self) -> int:
        """Return the greatest value (integers, `b1` and `t2` only)."""
        return {"b": 1, "t": 1, "u": (1 << self.bits) - 1, "i": (1 << (self.bits - 1)) - 1}[self.kind]

    @property
    def is_float(self) -> bool:
        return self.kind == "f"

    @property
    def is_discrete(self) -> bool:
        """Return whether this is `b1` or `t2`: values that are packed into bit-planes."""
        return self.kind in "bt"

    def __str__(self) -> str:
        return f"{self.kind}{self.bits}"


B1 = Elem("b", 1)
T2 = Elem("t", 2)
U8 = Elem("u", 8)
F32 = Elem("f", 32)


def parse_elem(text: str) -> Elem:
    """Return the Elem that prints as `text`; ValueError if none does."""
    return Elem(text[:1], int(text[1:]))


def int_elem(low: int, high: int) -> Elem:
    """Return the narrowest signed integer Elem that holds low..high; OverflowError above 32 bits."""
    bits = max(1, (-low - 1).bit_length() + 1 if low < 0 else 1, high.bit_length() + 1)
    if bits > MAX_INT_BITS:
        raise OverflowError(f"the range {low}..{high} needs {bits} bits; at most {MAX_INT_BITS} are supported")
    return Elem("i", bits)


@dataclass(frozen=True)
class Layout:
    """How a value lies in memory: axes slowest → fastest; `word` > 0 packs the last axis into words.

    A layout never changes a value. `lrtc.ir.bits` is the only place that knows which bit holds what.
    """

    axes: str
    word: int = 0

    def __str__(self) -> str:
        return f"{self.axes[:-1]}[{self.axes[-1]}/{self.word}]" if self.word else self.axes


DEFAULT_AXES = {0: "", 1: "C", 2: "RC", 3: "HWC", 4: "OHWI"}


@dataclass(frozen=True)
class TensorType:
    """Shape (no batch axis), element, layout. Prints like `b1[28x28x32:HW[C/32]]`."""

    shape: tuple[int, ...]
    elem: Elem
    layout: Layout

    def __post_init__(self) -> None:
        if len(self.layout.axes) != len(self.shape):
            raise ValueError(f"layout {self.layout} does not fit the shape {self.shape}")
        if any(d < 1 for d in self.shape):
            raise ValueError(f"every axis must be at least 1: {self.shape}")

    @property
    def size(self) -> int:
        """Return the number of elements."""
        return prod(self.shape)

    def with_elem(self, elem: Elem) -> TensorType:
        return replace(self, elem=elem)

    def with_word(self, word: int) -> TensorType:
        return replace(self, layout=replace(self.layout, word=word))

    def __str__(self) -> str:
        return f"{self.elem}[{'x'.join(map(str, self.shape))}:{self.layout}]"


def tensor(shape: tuple[int, ...], elem: Elem, axes: str | None = None, word: int = 0) -> TensorType:
    """Return a TensorType with the usual axes for its rank (C, RC, HWC, OHWI)."""
    shape = tuple(int(d) for d in shape)
    return TensorType(shape, elem, Layout(DEFAULT_AXES[len(shape)] if axes is None else axes, word))
