"""What the kernels multiply with: weights as words, and the constants that padding and encodings add to a sum.

In a window that reaches over the border, padded taps are gathered as zero words, which the kernels read as −1. The
sum of the weights under them, one number a border class and output, undoes that exactly (DESIGN D7).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.storage import WORD
from lrtc.backends.c.windows import Window
from lrtc.ir.bits import pack_bits
from lrtc.ir.types import int_elem


def sign_words(weights: np.ndarray) -> np.ndarray:
    """Return the sign words [O, taps·words] of bipolar weights [O,Kh,Kw,I]: 1 ⇔ −1."""
    return pack_bits(weights < 0, WORD).reshape(len(weights), -1)


def ternary_words(weights: np.ndarray) -> np.ndarray:
    """Return mask and sign words in turn, [O, 2·taps·words], of ternary weights [O,Kh,Kw,I]."""
    pair = (pack_bits(weights != 0, WORD), pack_bits(weights < 0, WORD))
    return np.stack(pair, axis=-1).reshape(len(weights), -1)


def integer_bits(weights: np.ndarray) -> int:
    """Return N, the width of the narrowest signed integer that holds all weights."""
    return int_elem(int(weights.min()), int(weights.max())).bits


def plane_words(weights: np.ndarray) -> np.ndarray:
    """Return N planes [O, N·taps·words] of integer weights, least bit first, each as bipolar sign words.

    With w + 2^(N−1) = Σ 2^b·u_b, u_b ∈ {0,1}, and d_b = 2·u_b − 1 ∈ ±1, over k lanes of x ∈ ±1:
    Σ w·x = Σ 2^b·(agreements of x and d_b) − (number of x = +1) − k·(2^(N−1) − 1).
    """
    bits = integer_bits(weights)
    shifted = weights + (1 << (bits - 1))
    planes = [pack_bits((shifted >> b) & 1 == 0, WORD).reshape(len(weights), -1) for b in range(bits)]
    return np.concatenate(planes, axis=1)


@dataclass(frozen=True, eq=False)
class Border:
    """The border classes of a window: class of each output row and column, and what padding adds per class.

    rows [OH], cols [OW]; a position's class is rows[oy]·n_cols + cols[ox]. missing [classes, O]: the sum of the
    weights under padded taps.
    """

    rows: np.ndarray
    cols: np.ndarray
    n_cols: int
    missing: np.ndarray


def border(window: Window, weights: np.ndarray) -> Border:
    """Return the border classes of a layer."""
    top, _, left, _ = window.padding
    rows, row_masks = _axis(window, 0, top, window.rows)
    cols, col_masks = _axis(window, 1, left, window.cols)
    taps = weights.sum(axis=3)
    missing = [(taps * ~np.outer(r, c)).sum(axis=(1, 2)) for r in row_masks for c in col_masks]
    return Border(rows, cols, len(col_masks), np.stack(missing))


def _axis(window: Window, axis: int, before: int, size: int) -> tuple[np.ndarray, list[np.ndarray]]:
    """Return the class of each output position on one axis, and per class which taps are inside the image."""
    taps = np.arange(window.kernel[axis]) * window.dilation[axis] - before
    taps = np.arange(window.out[axis])[:, None] * window.stride[axis] + taps
    inside = (taps >= 0) & (taps < size)
    masks: list[np.ndarray] = []
    classes = []
    for row in inside:
        known = next((i for i, mask in enumerate(masks) if (mask == row).all()), None)
        if known is None:
            known = len(masks)
            masks.append(row)
        classes.append(known)
    return np.array(classes), masks


@dataclass(frozen=True)
class Sum:
    """One output of straight-line code: its lane constant, and the text of what is added to it."""

    output: int
    start: str
    terms: str


def straight_sums(weights: np.ndarray, level: np.ndarray) -> tuple[tuple[Sum, ...], bool]:
    """Return the sums of a layer on bytes, two positions to a word, and whether any uses `all`, the sum of all taps.

    Lane value 0x8000 + Σ w·x − level: its top bit says Σ w·x ≥ level. A row may be written as ±all and what differs.
    """
    flat = weights.reshape(len(weights), -1)
    sums = []
    for o, row in enumerate(flat):
        base = min((0, 1, -1), key=lambda b, row=row: _cost(row, b))
        start = ((0x8000 - int(level[o])) * 0x10001) & 0xFFFF_FFFF
        sums.append(Sum(o, f"0x{start:08x}u", _terms(row, base)))
    return tuple(sums), any("all" in s.terms for s in sums)


def straight_terms(weights: np.ndarray) -> int:
    """Return how many additions `straight_sums` writes, without the levels."""
    return sum(min(_cost(row, base) for base in (0, 1, -1)) for row in weights.reshape(len(weights), -1))


def _cost(row: np.ndarray, base: int) -> int:
    rest = row - base
    return int((rest != 0).sum()) + (base != 0) + bool((np.abs(rest) == 2).any())


def _terms(row: np.ndarray, base: int) -> str:
    rest = row - base
    text = {0: "", 1: " + all", -1: " - all"}[base]
    for value, sign in ((2, " + "), (-2, " - ")):
        taps = np.flatnonzero(rest == value)
        if len(taps):
            group = " + ".join(f"x{t}" for t in taps)
            text += sign + (f"(({group}) << 1)" if len(taps) > 1 else f"({group} << 1)")
    for t in np.flatnonzero(np.abs(rest) == 1):
        text += (" + " if rest[t] > 0 else " - ") + f"x{t}"
    return text
