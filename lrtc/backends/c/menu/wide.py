"""Channel-packed words of several outputs side by side, in 64 bits or a vector, ones counted in all of them at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.menu.base import Matrix, Parts
from lrtc.backends.c.menu.popcount import Count, _constants, _words, count_cost
from lrtc.backends.c.menu.tables import tables_cost
from lrtc.backends.c.storage import WORD
from lrtc.backends.c.tables import word_table
from lrtc.ir.bits import words_for

LEAST = 64  # lanes of a word that holds several outputs
VECTOR = 128  # lanes of a vector
VECTOR_COST = (16, 10)  # instructions a vector of words, and to begin and end: 13 with AVX2, 18 with Helium
PAIR_COST = (13, 75)  # those of two outputs in 64 bits, on x86-64


@dataclass(frozen=True)
class WideView:
    """words of a dot product; groups of outputs that fill a vector; window_at: of the window in the scratch, in words.

    classes, class_cols, class_ctype: of the border.
    """

    words: int
    groups: int
    window_at: int
    ternary: bool
    limits: bool
    classes: int
    class_cols: int
    class_ctype: str


class CountWide(Count):
    """XNOR-popcount of bits with bipolar or ternary weights, as many outputs at once as a vector has words."""

    name = template = "count_wide"
    scratch_name = "work"

    def refuse(self, layer: Matrix) -> str:
        if layer.lanes < LEAST:
            return f"words have {layer.lanes} lanes; those of {LEAST} and more hold several outputs"
        return super().refuse(layer)

    def suits(self, layer: Matrix) -> bool:
        """In vectors always, in 64 bits where it takes fewer instructions than its rivals, as estimated."""
        better = layer.lanes >= VECTOR or wide_cost(layer) < min(count_cost(layer), tables_cost(layer))
        return better and super().suits(layer)

    def scratch(self, layer: Matrix) -> int:
        return 4 * _outputs(layer) + super().scratch(layer)

    def parts(self, layer: Matrix, function: str) -> Parts:
        weights, side = layer.dense(), layer.lanes // WORD
        words, ternary, n = _words(weights)
        full = np.zeros((_outputs(layer), words.shape[1]), dtype=np.uint32)
        full[: len(words)] = words
        grouped = full.reshape(-1, side, words.shape[1]).transpose(
            0, 2, 1
        )  # group, word (mask and sign in turn), output
        tables, says = _constants(layer, weights, function, np.abs(weights).sum(axis=(1, 2, 3)), 2)
        view = WideView(n, len(grouped), _outputs(layer), ternary, layer.level is not None, **says)
        texts = {"count", "plane", "lanes", "wide", "wide_t2" if ternary else "wide_b1"} | self.texts(layer)
        return Parts((word_table(f"{function}_weights", grouped.reshape(-1)), *tables), view, frozenset(texts))


def _outputs(layer: Matrix) -> int:
    """Return the outputs that the groups hold, those that fill the last one with them."""
    side = layer.lanes // WORD
    return words_for(len(layer.weights), side) * side


def wide_cost(layer: Matrix) -> int:
    """Return about how many instructions counting in several outputs' words at once takes."""
    window, side = layer.window, layer.lanes // WORD
    words = window.taps * words_for(window.channels, WORD)
    each, once = VECTOR_COST if layer.lanes >= VECTOR else PAIR_COST
    pixel = 20 * words + words_for(len(layer.weights), side) * (each * words + once) + 6 * len(layer.weights)
    return pixel * window.out[0] * window.out[1]
