"""Constants, and ops that move or select values without computing new ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import numpy as np

from lrtc.ir.arithmetic import window_shape
from lrtc.ir.op import Fact, Op, arity, const_of, integers, need, require_image
from lrtc.ir.types import TensorType, tensor


@dataclass(frozen=True, eq=False)
class Const(Op):
    """value: a constant tensor, as it stands in memory (int8 for `b1`/`t2`, int32, uint8 or float32)."""

    name: ClassVar[str] = "const"
    value: np.ndarray
    type: TensorType

    def attributes(self) -> dict[str, object]:
        return {}

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 0)
        value, elem = self.value, self.type.elem
        need(value.shape == self.type.shape, f"the constant's shape {value.shape} is not {self.type.shape}")
        if elem.is_float:
            need(value.dtype == np.float32, "f32 constants are held as float32")
        else:
            need(bool((value >= elem.low).all() and (value <= elem.high).all()), f"a value is outside {elem}")
            need(elem.kind != "b" or bool((value != 0).all()), "b1 has no 0")
        return Fact.of(self.type, value)


@dataclass(frozen=True)
class MaxPool2d(Op):
    """y = f[c]·max over the window of f[c]·x, padded taps left out; without f, f = 1 (f = −1 gives the minimum).

    x: any [H,W,C]; f: optional const `b1` [C]. padding: (top, bottom, left, right), less than the kernel.
    """

    name: ClassVar[str] = "maxpool"
    kernel: tuple[int, int] = (2, 2)
    stride: tuple[int, int] = (2, 2)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1, 2)
        x = ins[0]
        need(len(x.type.shape) == 3, f"the input must be an image [H,W,C], not {x.type}")
        need(
            all(p < k for p, k in zip(self.padding, np.repeat(self.kernel, 2), strict=True)),
            f"padding {self.padding} must be less than the kernel {self.kernel}: a window would be empty",
        )
        if len(ins) == 2:
            value = const_of(ins[1], "the pool's direction")
            need(value.shape == x.type.shape[-1:], "the pool's direction must have one value a channel")
        shape = window_shape(x.type.shape[:2], self.kernel, self.stride, self.padding)
        type_ = tensor((*shape, x.type.shape[-1]), x.type.elem)
        return Fact(type_, None, x.low, x.high)


@dataclass(frozen=True)
class Flatten(Op):
    """y = x as a vector, in the `order` "CHW" (as torch does) or "HWC" (as it lies). x: [H,W,C] or [C]."""

    name: ClassVar[str] = "flatten"
    order: str = "CHW"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1)
        x = ins[0]
        need(self.order in ("CHW", "HWC"), f"order {self.order!r}")
        type_ = tensor((x.type.size,), x.type.elem)
        if x.low is None:
            return Fact(type_)
        low, high = (flatten_channels(v, x.type.shape, self.order) for v in (x.low, x.high))
        return Fact(type_, None, low, high)


def flatten_channels(per_channel: np.ndarray, shape: tuple[int, ...], order: str) -> np.ndarray:
    """Return the vector [prod(shape)] that repeats a per-channel value as `flatten` orders the elements."""
    if len(shape) == 1:
        return per_channel
    full = np.broadcast_to(per_channel, shape)
    return (full.transpose(2, 0, 1) if order == "CHW" else full).reshape(-1)


@dataclass(frozen=True)
class Rearrange(Op):
    """y = x.transpose(axes).reshape(shape), as NumPy does: permutations, reshapes. x: any → as x, of another shape."""

    name: ClassVar[str] = "rearrange"
    axes: tuple[int, ...]
    shape: tuple[int, ...]

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1)
        (x,) = ins
        need(sorted(self.axes) == list(range(len(x.type.shape))), f"axes {self.axes} of {x.type}")
        need(prod(self.shape) == x.type.size, f"{x.type.size} elements are no {self.shape}")
        type_ = tensor(self.shape, x.type.elem)
        if x.low is None:
            return Fact(type_)
        ahead = tuple(range(len(self.shape) - 1))
        low, high = (
            np.broadcast_to(side, x.type.shape).transpose(self.axes).reshape(self.shape) for side in (x.low, x.high)
        )
        return Fact(type_, None, low.min(axis=ahead), high.max(axis=ahead))


@dataclass(frozen=True)
class Pad(Op):
    """x with `value` around it. padding: (top, bottom, left, right). x: discrete or integer [H,W,C] → as x."""

    name: ClassVar[str] = "pad"
    padding: tuple[int, int, int, int]
    value: int = 0

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1)
        (x,) = ins
        require_image(x)
        need(x.low is not None, "pad works on integers")
        need(min(self.padding) >= 0, f"padding {self.padding}")
        legal = x.type.elem.low <= self.value <= x.type.elem.high and (x.type.elem.kind != "b" or self.value != 0)
        need(legal, f"{x.type.elem} cannot hold the padding value {self.value}")
        height, width, channels = x.type.shape
        top, bottom, left, right = self.padding
        type_ = tensor((height + top + bottom, width + left + right, channels), x.type.elem)
        return Fact(type_, None, np.minimum(x.low, self.value), np.maximum(x.high, self.value))


@dataclass(frozen=True)
class Crop(Op):
    """x[top : H−bottom, left : W−right]. margins: (top, bottom, left, right). x: any [H,W,C] → as x."""

    name: ClassVar[str] = "crop"
    margins: tuple[int, int, int, int]

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1)
        (x,) = ins
        require_image(x)
        height, width, channels = x.type.shape
        top, bottom, left, right = self.margins
        size = (height - top - bottom, width - left - right)
        need(min(self.margins) >= 0 and min(size) >= 1, f"margins {self.margins} of {x.type}")
        return Fact(tensor((*size, channels), x.type.elem), None, x.low, x.high)


@dataclass(frozen=True)
class Channels(Op):
    """y[…,k] = x[…, index[k]]: slices, shuffles, permutations. x: any […,C]; const int index [K] → as x […,K]."""

    name: ClassVar[str] = "channels"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 2)
        x, index = ins[0], const_of(ins[1], "the index")
        channels = x.type.shape[-1]
        need(
            index.ndim == 1 and bool(((index >= 0) & (index < channels)).all()),
            f"an index is outside 0..{channels - 1}",
        )
        type_ = tensor((*x.type.shape[:-1], len(index)), x.type.elem)
        if x.low is None:
            return Fact(type_)
        return Fact(type_, None, x.low[index], x.high[index])


@dataclass(frozen=True)
class Concat(Op):
    """The operands side by side along the channels. discrete or integer, the same element or any integers."""

    name: ClassVar[str] = "concat"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        need(len(ins) >= 2, "concat takes two operands or more")
        first = ins[0].type
        for x in ins:
            need(not x.type.elem.is_float, "concat works on integers and ±1")
            need(x.type.shape[:-1] == first.shape[:-1], f"{first.shape} and {x.type.shape} do not stand side by side")
        low, high = (np.concatenate([getattr(x, side) for x in ins]) for side in ("low", "high"))
        shape = (*first.shape[:-1], len(low))
        if all(x.type.elem == first.elem for x in ins):
            return Fact(tensor(shape, first.elem), None, low, high)
        return integers(low, high, shape)


@dataclass(frozen=True)
class Identity(Op):
    """y = x. What dropout and its kin are when a network is evaluated."""

    name: ClassVar[str] = "identity"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1)
        return ins[0]
