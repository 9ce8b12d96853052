"""Planes of a window as shifts of planes of the image, where output pixels lie as input pixels do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.storage import WORD
from lrtc.backends.c.windows import Window


@dataclass(frozen=True)
class RowView:
    """One row of the kernel: words of the image, counted from the block; masks (column, text); planes, as text."""

    words: tuple[int, ...]
    masks: tuple[tuple[int, str], ...]
    planes: tuple[str, ...]


def shiftable(window: Window) -> bool:
    """Return whether a step right or down in the output is one in the input, and rows are as long."""
    return window.stride == (1, 1) and window.out[1] == window.cols


def rows_of(window: Window) -> tuple[RowView, ...]:
    """Return how the planes of every row of the kernel come about.

    Pixel p of the output reads pixel p + offset of the image, offset the same for all pixels. Outside the image's rows
    the planes are 0; lanes of columns outside are masked.
    """
    return tuple(_row(window, ky) for ky in range(window.kernel[0]))


def _row(window: Window, ky: int) -> RowView:
    top, _, left, _ = window.padding
    shifts = [kx * window.dilation[1] - left for kx in range(window.kernel[1])]
    start = (ky * window.dilation[0] - top) * window.cols
    offsets = [divmod(start + shift, WORD) for shift in shifts]
    needed = sorted({word + k for word, bit in offsets for k in range(2 if bit else 1)})
    name = {word: f"a{i}" for i, word in enumerate(needed)}
    masks, planes = [], []
    for kx, ((word, bit), shift) in enumerate(zip(offsets, shifts, strict=True)):
        text = f"LRTC_JOIN({name[word]}, {name[word + 1]}, {bit})" if bit else name[word]
        if shift:
            masks.append((kx, _mask(window.cols, kx, shift)))
            text = f"{text} & m{kx}"
        planes.append(text)
    return RowView(tuple(needed), tuple(masks), tuple(planes))


def _mask(cols: int, kx: int, shift: int) -> str:
    """Return the lanes whose column is inside the image after a shift: a number, if it is the same for all blocks."""
    if WORD % cols:
        return f"inside[{kx}]"
    col = np.arange(WORD) % cols + shift
    return f"LRTC_EACH(0x{int((((col >= 0) & (col < cols)) * (1 << np.arange(WORD))).sum()):08x}u)"
