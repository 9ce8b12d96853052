"""The ops. Each is a frozen dataclass: its attributes, its type rule, its formula. Meanings are in `lrtc.interp`.

Axes: H rows, W columns, C channels (last, fastest), O out, I in channels. No batch axis. Channel-wise operands
are const with one column a channel. Every type rule raises TypeRule with a text that says what is supported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np

from lrtc.ir.types import B1, F32, Elem, TensorType, int_elem, tensor


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


def _need(condition: bool, message: str) -> None:
    if not condition:
        raise TypeRule(message)


def _const(fact: Fact, what: str) -> np.ndarray:
    _need(fact.const is not None, f"{what} must be a constant")
    return fact.const


def _integers(low: np.ndarray, high: np.ndarray, shape: tuple[int, ...]) -> Fact:
    try:
        elem = int_elem(int(low.min()), int(high.max()))
    except OverflowError as error:
        raise TypeRule(str(error)) from None
    return Fact(tensor(shape, elem), None, low, high)


def _dot_bounds(x: Fact, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest of Σ w·x per output, w [O, …, I], x within its bounds or padded 0."""
    w = w.astype(np.int64)
    low, high = np.minimum(x.low, 0), np.maximum(x.high, 0)
    if w.shape[-1] != low.shape[0]:
        raise TypeRule(f"weights for {w.shape[-1]} channels meet a value of {low.shape[0]}")
    positive, negative = np.maximum(w, 0), np.minimum(w, 0)
    axes = tuple(range(1, w.ndim))
    return (positive * low + negative * high).sum(axis=axes), (positive * high + negative * low).sum(axis=axes)


@dataclass(frozen=True)
class Op:
    """An operation on values; subclasses add attributes, a type rule and a formula."""

    name: ClassVar[str]

    def infer(self, ins: Sequence[Fact]) -> Fact:
        """Return what holds of the output; TypeRule if the operands do not fit."""
        raise NotImplementedError

    def attributes(self) -> dict[str, object]:
        """Return the attributes that differ from their defaults, in order, for the printer."""
        return {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}


def _arity(ins: Sequence[Fact], *allowed: int) -> None:
    _need(len(ins) in allowed, f"takes {' or '.join(map(str, allowed))} operands, not {len(ins)}")


@dataclass(frozen=True, eq=False)
class Const(Op):
    """value: a constant tensor, as it stands in memory (int8 for `b1`/`t2`, int32, uint8 or float32)."""

    name: ClassVar[str] = "const"
    value: np.ndarray
    type: TensorType

    def attributes(self) -> dict[str, object]:
        return {}

    def infer(self, ins: Sequence[Fact]) -> Fact:
        _arity(ins, 0)
        value, elem = self.value, self.type.elem
        _need(value.shape == self.type.shape, f"the constant's shape {value.shape} is not {self.type.shape}")
        if elem.is_float:
            _need(value.dtype == np.float32, "f32 constants are held as float32")
        else:
            _need(bool((value >= elem.low).all() and (value <= elem.high).all()), f"a value is outside {elem}")
            _need(elem.kind != "b" or bool((value != 0).all()), "b1 has no 0")
        return Fact.of(self.type, value)


@dataclass(frozen=True)
class Conv2d(Op):
    """acc[oy,ox,o] = Σ_{ky,kx,i} w[o,ky,kx,i] · x[oy·sh+ky−top, ox·sw+kx−left, i], taps outside x count 0.

    x: discrete or integer [H,W,I]; w: const discrete or integer [O,Kh,Kw,I] → integer [OH,OW,O].
    padding: (top, bottom, left, right).
    """

    name: ClassVar[str] = "conv2d"
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    def infer(self, ins: Sequence[Fact]) -> Fact:
        _arity(ins, 2)
        x, w = ins
        _need(not x.type.elem.is_float, "the input is real; put lrtc.nn.InputQuantize or a sign before it")
        _need(len(x.type.shape) == 3, f"the input must be an image [H,W,C], not {x.type}")
        weights = _const(w, "the weight")
        _need(weights.ndim == 4, f"the weight must be [O,Kh,Kw,I], not {w.type}")
        low, high = _dot_bounds(x, weights)
        shape = window_shape(x.type.shape[:2], weights.shape[1:3], self.stride, self.padding)
        return _integers(low, high, (*shape, weights.shape[0]))


def window_shape(
    size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int, int, int]
) -> tuple[int, int]:
    """Return (OH, OW) of a window sliding over [H,W]; TypeRule when no position fits."""
    _need(min(*stride, *kernel) >= 1 and min(padding) >= 0, f"stride {stride}, kernel {kernel}, padding {padding}")
    out = []
    for n, k, s, before, after in zip(size, kernel, stride, padding[::2], padding[1::2], strict=True):
        _need(n + before + after >= k, f"the kernel {kernel} is larger than the padded input {size}")
        out.append((n + before + after - k) // s + 1)
    return out[0], out[1]


@dataclass(frozen=True)
class Linear(Op):
    """acc[o] = Σ_… w[o,…] · x[…] over all axes of x. x: discrete or integer [*S]; w: const [O,*S] → integer [O]."""

    name: ClassVar[str] = "linear"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        _arity(ins, 2)
        x, w = ins
        _need(not x.type.elem.is_float, "the input is real; put lrtc.nn.InputQuantize or a sign before it")
        weights = _const(w, "the weight")
        _need(
            weights.shape[1:] == x.type.shape,
            f"a weight for inputs of {weights.shape[1:]} meets a value of {x.type.shape}",
        )
        low, high = _dot_bounds(x, weights)
        return _integers(low, high, (weights.shape[0],))


def _channelwise(x: Fact, rows: Fact, n: int, what: str) -> np.ndarray:
    value = _const(rows, what)
    want = (n, x.type.shape[-1])
    _need(value.shape == want, f"{what} must be [{want[0]}x{want[1]}], not {rows.type}")
    return value


@dataclass(frozen=True)
class ScaleBias(Op):
    """y = f32(f32(x·scale[c]) + bias[c]). x: integer or f32 […,C]; const f32 rows (scale, bias) → f32."""

    name: ClassVar[str] = "scale_bias"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        _arity(ins, 2)
        _channelwise(*ins, 2, "scale and bias")
        return Fact(ins[0].type.with_elem(F32))


@dataclass(frozen=True)
class BatchNorm(Op):
    """y = f32(f32(x·a) + b), a = f32(f32(1/√(f64(var)+eps))·g), b = f32(beta − f32(mean·a)) (DESIGN D4).

    g is gamma, or |gamma| when `absolute` (LRT batchnorm). const f32 rows (gamma, beta, mean, var) → f32.
    """

    name: ClassVar[str] = "batchnorm"
    eps: float = 1e-5
    absolute: bool = False

    def infer(self, ins: Sequence[Fact]) -> Fact:
        _arity(ins, 2)
        _channelwise(*ins, 4, "gamma, beta, mean and variance")
        return Fact(ins[0].type.with_elem(F32))


@dataclass(frozen=True)
class Sign(Op):
    """z = +1 where x ≥ 0, else −1 (so sign(0) = +1). x: f32 or integer → `b1`."""

    name: ClassVar[str] = "sign"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        _arity(ins, 1)
        return Fact.of(ins[0].type.with_elem(B1))


@dataclass(frozen=True)
class Threshold(Op):
    """z = +1 where (x ≥ level[c]) ≠ flip[c], else −1. x: integer […,C]; const int rows (level, flip) → `b1`."""

    name: ClassVar[str] = "threshold"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        _arity(ins, 2)
        x, rows = ins
        _need(not x.type.elem.is_float, "thresholds compare integers")
        value = _channelwise(x, rows, 2, "level and flip")
        _need(bool(np.isin(value[1], (0, 1)).all()), "flip is 0 or 1")
        return Fact.of(x.type.with_elem(B1))


@dataclass(frozen=True)
class Affine(Op):
    """y = x·multiplier[c] + offset[c], in integers. const int rows (multiplier, offset) → integer."""

    name: ClassVar[str] = "affine"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        _arity(ins, 2)
        x, rows = ins
        _need(not x.type.elem.is_float, "affine works on integers")
        multiplier, offset = _channelwise(x, rows, 2, "multiplier and offset").astype(np.int64)
        ends = np.stack([x.low * multiplier, x.high * multiplier]) + offset
        return _integers(ends.min(axis=0), ends.max(axis=0), x.type.shape)


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
        _arity(ins, 1, 2)
        x = ins[0]
        _need(len(x.type.shape) == 3, f"the input must be an image [H,W,C], not {x.type}")
        _need(
            all(p < k for p, k in zip(self.padding, np.repeat(self.kernel, 2), strict=True)),
            f"padding {self.padding} must be less than the kernel {self.kernel}: a window would be empty",
        )
        if len(ins) == 2:
            value = _const(ins[1], "the pool's direction")
            _need(value.shape == x.type.shape[-1:], "the pool's direction must have one value a channel")
        shape = window_shape(x.type.shape[:2], self.kernel, self.stride, self.padding)
        type_ = tensor((*shape, x.type.shape[-1]), x.type.elem)
        return Fact(type_, None, x.low, x.high)


@dataclass(frozen=True)
class Flatten(Op):
    """y = x as a vector, in the `order` "CHW" (as torch does) or "HWC" (as it lies). x: [H,W,C] or [C]."""

    name: ClassVar[str] = "flatten"
    order: str = "CHW"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        _arity(ins, 1)
        x = ins[0]
        _need(self.order in ("CHW", "HWC"), f"order {self.order!r}")
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
class Identity(Op):
    """y = x. What dropout and its kin are when a network is evaluated."""

    name: ClassVar[str] = "identity"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        _arity(ins, 1)
        return ins[0]


OPS: dict[str, type[Op]] = {
    op.name: op
    for op in (
        Const, Conv2d, Linear, ScaleBias, BatchNorm, Sign, Threshold, Affine, MaxPool2d, Flatten, Identity,
    )
}  # fmt: skip


def elem_of(values: np.ndarray) -> Elem:
    """Return the narrowest signed integer Elem for constant integers."""
    return int_elem(int(values.min()), int(values.max()))
