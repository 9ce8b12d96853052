"""Which kernel computes a convolution or linear layer, with the weights in the form that it wants."""

from __future__ import annotations

import numpy as np

from lrtc.backends.c.storage import WORD, ctype_of_value, kind_of
from lrtc.backends.c.windows import Window, framed
from lrtc.ir import TensorType
from lrtc.ir.bits import words_for

SUMS_TAPS = 96  # taps of a window summed as straight-line code; 96 · 255 · 2 stays below a 16-bit lane
SUMS_TERMS = 4096  # additions printed at most: about 16 KiB of Thumb code


def kernel_of(x: TensorType, weights: np.ndarray, groups: int, one_level: bool) -> tuple[str, np.ndarray]:
    """Return the kind of kernel, and its weights: [O,Kh,Kw,C], or as given, [O,Kh,Kw,I], for `integers`.

    Packed kernels take groups as weights 0 outside the group, as long as that needs no more words than a group has
    channels. one_level: all that follows is one threshold to `b1`.
    """
    ternary = bool((np.abs(weights) <= 1).all())
    taps, inside = weights.shape[1] * weights.shape[2], weights.shape[3]
    if kind_of(x) != "int":
        if groups > 1 and words_for(inside * groups, WORD) > inside:
            return "integers", weights
        packed = {"b1": "count" if ternary else "count_planes", "t2": "pairs"}[kind_of(x)]
        return packed, dense(weights, groups)
    if not ternary or ctype_of_value(x) not in ("uint8_t", "int8_t"):
        return "integers", weights
    straight = one_level and x.elem.kind == "u" and taps * inside * groups <= SUMS_TAPS
    if straight and 0 < np.count_nonzero(weights) <= SUMS_TERMS:
        return "sums", dense(weights, groups)
    if groups > 1 and x.elem.bits * words_for(taps * inside * groups, WORD) > taps * inside:
        return "integers", weights
    return "slices", dense(weights, groups)


def dense(weights: np.ndarray, groups: int) -> np.ndarray:
    """Return weights [O,Kh,Kw,I] of grouped channels as [O,Kh,Kw,G·I], 0 outside an output's group."""
    if groups == 1:
        return weights
    outputs, inside = weights.shape[0] // groups, weights.shape[3]
    full = np.zeros((*weights.shape[:3], inside * groups), dtype=weights.dtype)
    for g in range(groups):
        mine = slice(g * outputs, (g + 1) * outputs)
        full[mine, ..., g * inside : (g + 1) * inside] = weights[mine]
    return full


def scratch_bytes(kind: str, window: Window, x: TensorType) -> int:
    """Return the bytes of scratch that a kernel needs: its window, unless that lies in one run already."""
    if kind in ("count", "count_planes", "pairs"):
        words = words_for(window.channels, WORD) * (2 if kind == "pairs" else 1)
        return 0 if window.covers_pixels else 4 * window.taps * words
    if kind == "slices":
        elements = window.taps * window.channels
        planes = 4 * x.elem.bits * words_for(elements, WORD)
        return planes + (0 if window.covers_pixels else elements)
    if kind == "sums":
        rows, length = framed(window)
        return 0 if (rows, length) == (window.rows, window.cols * window.channels) else rows * length
    return 0
