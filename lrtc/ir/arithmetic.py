"""Arithmetic: dot products, sums, and channel-wise functions of numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from lrtc.ir.op import Fact, Op, arity, channelwise, const_of, integers, need, require_image, require_integer
from lrtc.ir.types import F32, tensor

QUANTISE = "`lrtc quantize` makes integers of ReLU activations"
REAL_INPUT = f"the input is real; put lrtc.nn.InputQuantize or a sign before it; {QUANTISE}"


def _dot_bounds(x: Fact, w: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest of Σ w·x per output, w [O, …, I], x within its bounds or padded 0."""
    low, high = np.minimum(x.low, 0), np.maximum(x.high, 0)
    axes = tuple(range(1, w.ndim))
    if (low == low[:1]).all() and (high == high[:1]).all():  # as bits and bytes are: no need to widen every weight
        positive = np.maximum(w, 0).sum(axis=axes, dtype=np.int64)
        negative = w.sum(axis=axes, dtype=np.int64) - positive
        return positive * low[0] + negative * high[0], positive * high[0] + negative * low[0]
    w = w.astype(np.int64)
    positive, negative = np.maximum(w, 0), np.minimum(w, 0)
    return (positive * low + negative * high).sum(axis=axes), (positive * high + negative * low).sum(axis=axes)


@dataclass(frozen=True)
class Conv2d(Op):
    """acc[oy,ox,o] = Σ_{ky,kx,i} w[o,ky,kx,i] · x[oy·sh+ky·dh−top, ox·sw+kx·dw−left, g(o)·I+i], taps outside x count 0.

    x: discrete or integer [H,W,G·I]; w: const discrete or integer [O,Kh,Kw,I] → integer [OH,OW,O].
    padding: (top, bottom, left, right). groups = G: output o reads the I channels of group g(o) = o·G // O.
    """

    name: ClassVar[str] = "conv2d"
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 2)
        x, w = ins
        need(not x.type.elem.is_float, REAL_INPUT)
        require_image(x)
        weights = const_of(w, "the weight")
        need(weights.ndim == 4, f"the weight must be [O,Kh,Kw,I], not {w.type}")
        low, high = _grouped_bounds(x, weights, self.groups)
        kernel = tuple((k - 1) * d + 1 for k, d in zip(weights.shape[1:3], self.dilation, strict=True))
        need(min(self.dilation) >= 1, f"dilation {self.dilation}")
        shape = window_shape(x.type.shape[:2], kernel, self.stride, self.padding)
        return integers(low, high, (*shape, weights.shape[0]))


def _grouped_bounds(x: Fact, w: np.ndarray, groups: int) -> tuple[np.ndarray, np.ndarray]:
    need(groups >= 1 and w.shape[0] % groups == 0, f"groups={groups} does not divide {w.shape[0]} outputs")
    need(
        w.shape[-1] * groups == x.low.shape[0],
        f"weights for {w.shape[-1] * groups} channels meet a value of {x.low.shape[0]}",
    )
    inside, outside = w.shape[-1], w.shape[0] // groups
    parts = []
    for g in range(groups):
        mine = slice(g * inside, (g + 1) * inside)
        group = Fact(x.type, None, x.low[mine], x.high[mine])
        parts.append(_dot_bounds(group, w[g * outside : (g + 1) * outside]))
    return np.concatenate([p[0] for p in parts]), np.concatenate([p[1] for p in parts])


def window_shape(
    size: tuple[int, int], kernel: tuple[int, int], stride: tuple[int, int], padding: tuple[int, int, int, int]
) -> tuple[int, int]:
    """Return (OH, OW) of a window sliding over [H,W]; TypeRule when no position fits."""
    need(min(*stride, *kernel) >= 1 and min(padding) >= 0, f"stride {stride}, kernel {kernel}, padding {padding}")
    out = []
    for n, k, s, before, after in zip(size, kernel, stride, padding[::2], padding[1::2], strict=True):
        need(n + before + after >= k, f"the kernel {kernel} is larger than the padded input {size}")
        out.append((n + before + after - k) // s + 1)
    return out[0], out[1]


@dataclass(frozen=True)
class Linear(Op):
    """acc[o] = Σ_… w[o,…] · x[…] over all axes of x. x: discrete or integer [*S]; w: const [O,*S] → integer [O]."""

    name: ClassVar[str] = "linear"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 2)
        x, w = ins
        need(not x.type.elem.is_float, REAL_INPUT)
        weights = const_of(w, "the weight")
        need(
            weights.shape[1:] == x.type.shape,
            f"a weight for inputs of {weights.shape[1:]} meets a value of {x.type.shape}",
        )
        low, high = _dot_bounds(x, weights)
        return integers(low, high, (weights.shape[0],))


@dataclass(frozen=True)
class ScaleBias(Op):
    """y = f32(f32(x·scale[c]) + bias[c]). x: integer or f32 […,C]; const f32 rows (scale, bias) → f32."""

    name: ClassVar[str] = "scale_bias"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 2)
        channelwise(*ins, 2, "scale and bias")
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
        arity(ins, 2)
        channelwise(*ins, 4, "gamma, beta, mean and variance")
        return Fact(ins[0].type.with_elem(F32))


@dataclass(frozen=True)
class Divide(Op):
    """y = f32(x / d[c]). x: integer or f32 […,C]; const f32 row (d), no 0 → f32."""

    name: ClassVar[str] = "divide"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 2)
        divisor = channelwise(*ins, 1, "the divisor")
        need(bool((divisor != 0).all()), "a divisor is 0")
        return Fact(ins[0].type.with_elem(F32))


@dataclass(frozen=True)
class Affine(Op):
    """y = x·multiplier[c] + offset[c], in integers. const int rows (multiplier, offset) → integer."""

    name: ClassVar[str] = "affine"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 2)
        x, rows = ins
        need(not x.type.elem.is_float, "affine works on integers")
        multiplier, offset = channelwise(x, rows, 2, "multiplier and offset").astype(np.int64)
        ends = np.stack([x.low * multiplier, x.high * multiplier]) + offset
        return integers(ends.min(axis=0), ends.max(axis=0), x.type.shape)


@dataclass(frozen=True)
class Add(Op):
    """y = a + b, in integers. a, b: discrete or integer, the same shape → integer."""

    name: ClassVar[str] = "add"

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 2)
        a, b = ins
        for x in ins:
            need(
                not x.type.elem.is_float,
                "real values are added; integers and ±1 are supported: add before the batchnorm, or after the sign; "
                "`lrtc quantize` puts real values on one step",
            )
        need(a.type.shape == b.type.shape, f"{a.type.shape} and {b.type.shape} cannot be added")
        return integers(a.low + b.low, a.high + b.high, a.type.shape)


@dataclass(frozen=True)
class Maximum(Op):
    """y = max(a, b), element by element; min(a, b) where `least`. a, b: discrete or integer, the same shape → integer.

    Two values of one element keep it: of `b1` it is OR, the least AND. Others become integers that hold both operands,
    so that nothing is cut off before it was compared.
    """

    name: ClassVar[str] = "maximum"
    least: bool = False

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 2)
        a, b = ins
        which = "least" if self.least else "greatest"
        for x in ins:
            need(
                not x.type.elem.is_float,
                f"the {which} of real values is taken; integers and ±1 are supported: take it before the batchnorm, or "
                "after the sign; `lrtc quantize` puts real values on one step",
            )
        need(a.type.shape == b.type.shape, f"{a.type.shape} and {b.type.shape} have no {which} element by element")
        pick = np.minimum if self.least else np.maximum
        low, high = pick(a.low, b.low), pick(a.high, b.high)
        if a.type.elem == b.type.elem:
            return Fact(tensor(a.type.shape, a.type.elem), None, low, high)
        ends = np.array([[x.type.elem.low, x.type.elem.high] for x in ins])
        return Fact(integers(ends[:, 0], ends[:, 1], a.type.shape).type, None, low, high)


@dataclass(frozen=True)
class Clamp(Op):
    """y = min(max(x, low), high); None leaves that side open. x: integer or f32 → as x. ReLU is low = 0."""

    name: ClassVar[str] = "clamp"
    low: float | None = None
    high: float | None = None

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1)
        (x,) = ins
        need(self.low is None or self.high is None or self.low <= self.high, f"low {self.low} > high {self.high}")
        if x.low is None:
            return Fact(x.type)
        need(
            all(v is None or float(v).is_integer() for v in (self.low, self.high)),
            f"integers are clamped to integers, not {self.low}, {self.high}",
        )
        limits = [None if v is None else int(v) for v in (self.low, self.high)]
        if limits == [None, None]:
            return x
        return integers(np.clip(x.low, *limits), np.clip(x.high, *limits), x.type.shape)


@dataclass(frozen=True)
class SumPool2d(Op):
    """y = Σ over the window of x, padded taps count 0. x: discrete or integer [H,W,C] → integer [OH,OW,C]."""

    name: ClassVar[str] = "sumpool"
    kernel: tuple[int, int] = (2, 2)
    stride: tuple[int, int] = (2, 2)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)

    def infer(self, ins: Sequence[Fact]) -> Fact:
        arity(ins, 1)
        (x,) = ins
        require_integer(x, "sumpool")
        require_image(x)
        taps = self.kernel[0] * self.kernel[1]
        low, high = (np.minimum(x.low, 0), np.maximum(x.high, 0)) if any(self.padding) else (x.low, x.high)
        shape = window_shape(x.type.shape[:2], self.kernel, self.stride, self.padding)
        return integers(low * taps, high * taps, (*shape, x.type.shape[-1]))
