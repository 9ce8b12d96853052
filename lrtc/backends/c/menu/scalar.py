"""Kernels on machine integers: straight-line sums of bytes, and the plain loop that takes everything."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.menu.base import Kernel, Matrix, Parts
from lrtc.backends.c.storage import ctype_of_value
from lrtc.backends.c.tables import number_table
from lrtc.backends.c.weights import Sum, straight_sums
from lrtc.backends.c.windows import framed

SUMS_TAPS = 96  # taps of a window summed as straight-line code; 96 · 255 · 2 stays below a 16-bit lane
SUMS_TERMS = 4096  # additions printed at most: about 16 KiB of Thumb code


@dataclass(frozen=True)
class SumsView:
    """The straight-line code of a layer on bytes: taps (number, two offsets), groups of at most 16 outputs."""

    framed: bool
    rows: int
    row_bytes: int
    pairs: int
    last: int
    row_step: int
    pair_step: int
    top: int
    left_bytes: int
    in_row_bytes: int
    odd: bool
    taps: tuple[tuple[int, int, int], ...]
    total: str
    groups: tuple[tuple[tuple[Sum, ...], int], ...]
    words: tuple[tuple[int, int | None], ...]


class ByteBits(Kernel):
    """What kernels share that decide bits from bytes, two neighbouring columns in a word."""

    elements = False

    def refuse(self, layer: Matrix) -> str:
        if ctype_of_value(layer.x) != "uint8_t":
            return f"its input is {layer.x.elem}, not u1 to u8"
        if not layer.ternary:
            return "a weight is beyond -1, 0, +1"
        return "" if layer.level is not None else "it decides bits, and not just one threshold follows"


class Sums(ByteBits):
    """Bytes with few weights, written out."""

    name = template = "sums"
    formula = "acc[o] = sum of w * x, written out; two neighbouring columns share a word, 16 bits each"
    decision = "y[o] = +1 where acc[o] >= level[o]: each half starts at 0x8000 - level[o], its top bit tells"
    scratch_name = "frame"
    scratch_ctype = "uint8_t"

    def refuse(self, layer: Matrix) -> str:
        if reason := super().refuse(layer):
            return reason
        taps, terms = layer.window.taps * layer.window.channels, np.count_nonzero(layer.weights)
        if taps > SUMS_TAPS or not 0 < terms <= SUMS_TERMS:
            return f"{taps} taps, {terms} weights that are not 0; 1 to {SUMS_TAPS} and 1 to {SUMS_TERMS} are supported"
        return ""

    def scratch(self, layer: Matrix) -> int:
        w = layer.window
        rows, length = framed(w)
        return 0 if (rows, length) == (w.rows, w.cols * w.channels) else rows * length

    def parts(self, layer: Matrix, function: str) -> Parts:
        texts = {"bits"} | ({"pad_u8"} if self.scratch(layer) else set())
        return Parts((), self._view(layer), frozenset(texts))

    def _view(self, layer: Matrix) -> SumsView:
        w, weights = layer.window, layer.dense()
        rows, row_bytes = framed(w)
        sums, total = straight_sums(weights, layer.level)
        used = set(np.flatnonzero((weights != 0).any(axis=0)))
        pair = w.stride[1] * w.channels
        taps = [
            ky * w.dilation[0] * row_bytes + kx * w.dilation[1] * w.channels + c
            for ky in range(w.kernel[0])
            for kx in range(w.kernel[1])
            for c in range(w.channels)
        ]
        groups = tuple((sums[i : i + 16], 16 - len(sums[i : i + 16])) for i in range(0, len(sums), 16))
        return SumsView(
            framed=self.scratch(layer) > 0, rows=rows, row_bytes=row_bytes, pairs=(w.out[1] + 1) // 2,
            last=(w.out[1] - 1) // 2,
            row_step=w.stride[0] * row_bytes, pair_step=2 * pair, top=w.padding[0],
            left_bytes=w.padding[2] * w.channels, in_row_bytes=w.cols * w.channels, odd=w.out[1] % 2 == 1,
            taps=tuple((i, t, t + pair) for i, t in enumerate(taps) if total or i in used),
            total=" + ".join(f"x{i}" for i in range(len(taps))) if total else "", groups=groups,
            words=tuple((i, i + 1 if i + 1 < len(groups) else None) for i in range(0, len(groups), 2)),
        )  # fmt: skip


@dataclass(frozen=True)
class IntegersView:
    """inside: channels of a group."""

    weight_ctype: str
    inside: int
    grouped: bool


class Integers(Kernel):
    """Any layer: multiply and add, element by element."""

    name = template = "integers"
    formula = "acc[o] = sum of w * x"
    reads_elements = True

    def refuse(self, layer: Matrix) -> str:
        return ""

    def parts(self, layer: Matrix, function: str) -> Parts:
        tables = [number_table(f"{function}_weights", layer.weights.reshape(len(layer.weights), -1))]
        inside, groups = layer.weights.shape[3], layer.groups
        if groups > 1:
            outputs = len(layer.weights) // groups
            tables.append(number_table(f"{function}_from", np.arange(groups).repeat(outputs) * inside))
        view = IntegersView(tables[0].ctype, inside, grouped=groups > 1)
        return Parts(tuple(tables), view, frozenset({"signed"}))
