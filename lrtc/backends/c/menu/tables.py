"""Four Russians: sums of every pattern of four weights, made once for 16 windows, shared by all outputs."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.backends.c.menu.base import Matrix, Parts
from lrtc.backends.c.menu.popcount import Count, PopcountView, count_cost
from lrtc.backends.c.storage import WORD
from lrtc.ir.bits import words_for

PIXELS = 16  # two words of eight nibbles
SEGMENT = {False: 6, True: 3}  # words of a window whose tables, 6 KiB, are in scratch at once; bytes count 7 at most
CHUNK = 4  # weights that share a look-up
COUNTS = PIXELS // 2  # words of an output's counts, 16 bits each
MOST = 0xFFFF
WORD_COST = {False: (63, 1300), True: (130, 1750)}  # instructions of a word of 16 windows: of an output, of the tables
THUMB1 = 1.2  # a Cortex-M0+ takes 1.6 times a Cortex-M4's instructions, but 1.2 to 1.4 times those of rivals


@dataclass(frozen=True)
class TablesView:
    """What `count` has; positions; blocks of them, `segment` words at a time, with tables of `table` words each.

    A place in the scratch counts words: of the tables, of the counts; the windows are at 0.
    """

    count: PopcountView
    positions: int
    block: int
    segment: int
    segments: int
    table: int
    counts: int
    tables_at: int
    counts_at: int


class Tables(Count):
    """Bits with bipolar or ternary weights: each word of weights is eight look-ups, or sixteen, in tables of the input.

    A nibble of an entry counts the lanes that agree in one window: at most 4 for every chunk, also where ternary
    weights look up their +1 and their −1 in a table each. Addresses depend on weights alone, not on the data.
    """

    name = template = "tables"
    formula = "acc[o] = sum of w * x: 2 * (lanes that agree) - (weights that are not 0), four by a table"
    scratch_name = "work"

    def refuse(self, layer: Matrix) -> str:
        lanes = WORD * _words(layer)
        return super().refuse(layer) or (
            "" if lanes <= MOST else f"a window has {lanes} lanes; up to {MOST} are supported"
        )

    def suits(self, layer: Matrix) -> bool:
        """Where it takes fewer instructions than counting, as estimated."""
        return super().suits(layer) and tables_cost(layer) < count_cost(layer)

    def scratch(self, layer: Matrix) -> int:
        n, ternary = _words(layer), bool((layer.dense() == 0).any())
        return 4 * (PIXELS * n + _segment(n, ternary) * _table(ternary) + COUNTS * len(layer.weights))

    def parts(self, layer: Matrix, function: str) -> Parts:
        counted, (rows, cols) = super().parts(layer, function), layer.window.out
        n, ternary = _words(layer), counted.view.ternary
        table = _table(ternary)
        segment, tables_at = _segment(n, ternary), PIXELS * n
        view = TablesView(
            counted.view, rows * cols, PIXELS, segment, words_for(n, segment), table, COUNTS * len(layer.weights),
            tables_at, tables_at + segment * table,
        )  # fmt: skip
        kind = "t2" if counted.view.ternary else "b1"
        texts = counted.texts - {"count", "count_b1", "count_t2"} | {
            "bits",
            "window",
            "gather",
            "chunks",
            f"chunks_{kind}",
        }
        return Parts(counted.tables, view, texts)


def _words(layer: Matrix) -> int:
    return layer.window.taps * words_for(layer.window.channels, WORD)


def _segment(words: int, ternary: bool) -> int:
    """Return the words of a segment: as few segments as can be, of equal size."""
    return words_for(words, words_for(words, SEGMENT[ternary]))


def _table(ternary: bool) -> int:
    """Return the words of the tables for a word of each window."""
    return WORD // CHUNK * (2 if ternary else 1) * (1 << CHUNK) * (PIXELS // 8)


def tables_cost(layer: Matrix) -> float:
    """Return about how many instructions a Cortex-M4 takes, so much more that it is less on a Cortex-M0+ as well."""
    n, outputs, positions = _words(layer), len(layer.weights), layer.window.out[0] * layer.window.out[1]
    ternary = bool((layer.dense() == 0).any())
    look, make = WORD_COST[ternary]
    block = outputs * (look * n + 60 * words_for(n, SEGMENT[ternary])) + make * n
    return THUMB1 * (words_for(positions, PIXELS) * block + positions * (11 * outputs + 4 * n))
