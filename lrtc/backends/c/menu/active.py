"""Output-sliced: 32 outputs to a word; the active inputs are listed at run time, and only their weights are added."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.menu.base import Kernel, Matrix, Parts
from lrtc.backends.c.menu.popcount import count_cost
from lrtc.backends.c.menu.sliced import Sliced, list_cost
from lrtc.backends.c.menu.tables import Tables, tables_cost
from lrtc.backends.c.menu.wide import LEAST, VECTOR, wide_cost
from lrtc.backends.c.storage import WORD, depth, kind_of
from lrtc.backends.c.tables import Table, number_table, word_table
from lrtc.backends.c.weights import border
from lrtc.ir.bits import pack_bits, words_for

INPUTS = (1 << 14) - 1  # the offsets of their rows, and of the row of zeros, are 16 bits


@dataclass(frozen=True)
class ActiveView:
    """Sizes of one layer. planes: of a counter, above the parity of bipolar weights; half: what is added to a sum.

    pixels, channels: of the window. A place in the scratch counts words: of the counters, of what they carry, of the
    list, of the window. rows: of one word of outputs, in a table; flips: tables of levels or bases a border class.
    """

    ternary: bool
    inputs: str
    limits: bool
    pixels: int
    channels: int
    planes: int
    parity: int
    half: int
    rows: int
    words: int
    carries_at: int
    list_at: int
    window_at: int
    flips: int
    classes: int
    class_cols: int


class Active(Kernel):
    """Bits or ternary activations with bipolar or ternary weights. Its time depends on the data, and is bounded.

    With u = (w + 1) / 2, or the two bits of w + 1 for ternary weights, and the sum over listed inputs only:
    Σ w = 2·Σ u − n, or Σ (w + 1) − n, for n inputs. A counter starts at half − n, so it holds Σ w + half ≥ 0.
    Bits: Σ w·x = 2·Σ w over the +1 − (Σ w over all), or the other way round over the −1.
    """

    name = template = "active"
    constant_time = False
    formula = (
        "acc[o] = sum of w * x, 32 outputs to a word: the weights of listed inputs are added, those that are +1, or"
        " those that are -1 if they are fewer, or for ternary inputs both"
    )
    decision = "y[o] = +1 where acc[o] >= level[o]: where the counter reaches a level that holds all constants"
    scratch_name = "work"

    def refuse(self, layer: Matrix) -> str:
        if kind_of(layer.x) == "int":
            return f"its input is {layer.x.elem}, not b1 or t2"
        if not layer.ternary:
            return "a weight is beyond -1, 0, +1"
        n = layer.window.taps * layer.window.channels
        return "" if n <= INPUTS else f"an output has {n} inputs; up to {INPUTS} are supported"

    def suits(self, layer: Matrix) -> bool:
        """Where it takes fewer instructions than its rivals, as estimated."""
        return layer.groups == 1 and self._cost(layer) < min(_counting(layer), _slicing(layer), _looking_up(layer))

    def _cost(self, layer: Matrix) -> int:
        """Return about how many instructions a Cortex-M4 takes, where two inputs in five are listed."""
        view, inputs = self._view(layer, 1, 1), layer.window.taps * layer.window.channels
        words = layer.window.taps * words_for(layer.window.channels, WORD)
        listed = (2 if view.inputs == "b1" else 3) * inputs // 5
        rows = listed * (2 if view.ternary else 1)
        cost = 20 * words + 6 * listed + view.words * (8 * rows + 8 * view.planes + 170)
        if not view.limits:  # each counter is read, bit by bit
            cost += len(layer.weights) * (6 * view.planes + 14)
        return cost * layer.window.out[0] * layer.window.out[1]

    def scratch(self, layer: Matrix) -> int:
        view = self._view(layer, 1, 1)
        window = 0 if layer.window.covers_pixels else layer.window.taps * depth(layer.x)
        return 4 * (view.window_at + window)

    def parts(self, layer: Matrix, function: str) -> Parts:
        weights = layer.dense().reshape(len(layer.weights), -1)
        classes = border(layer.window, layer.dense()) if kind_of(layer.x) == "b1" else None
        missing = np.zeros((1, len(weights)), np.int64) if classes is None else classes.missing
        view = self._view(layer, len(missing), 1 if classes is None else classes.n_cols)
        ends = _levels if view.limits else _bases
        tables = [self._rows(weights, view, function)]
        if view.limits or view.inputs == "b1":
            tables.append(ends(layer, weights, missing, view, function))
        if len(missing) > 1:
            tables.append(number_table(f"{function}_row_class", classes.rows))
            tables.append(number_table(f"{function}_col_class", classes.cols))
        texts = {"int16", "count", "list", f"list_{view.inputs}", "rows", f"rows_{'t2' if view.ternary else 'b1'}"}
        texts |= set() if view.limits else {"signed"}
        texts |= set() if layer.window.covers_pixels else {"window", "gather"}
        return Parts(tuple(tables), view, frozenset(texts))

    def _view(self, layer: Matrix, classes: int, class_cols: int) -> ActiveView:
        window, inputs = layer.window, kind_of(layer.x)
        n = window.taps * window.channels
        ternary = bool((layer.dense() == 0).any())
        listed = n // 2 if inputs == "b1" else n  # at most; b1: the fewer
        planes = (2 * listed + 1).bit_length() - (0 if ternary else 1)
        carries = words_for(-(-listed * (2 if ternary else 1) // 8), 8) * 8
        carries_at = (0 if ternary else 1) + max(3, planes)
        list_at = carries_at + carries
        entries = words_for(listed, 8) * 8 + (0 if inputs == "b1" else 8)
        return ActiveView(
            ternary, inputs, layer.level is not None, window.taps, window.channels, planes, 0 if ternary else 1,
            half=listed, rows=n + 1, words=words_for(len(layer.weights), WORD), carries_at=carries_at, list_at=list_at,
            window_at=list_at + entries // 2, flips=2 if inputs == "b1" else 1, classes=classes,
            class_cols=class_cols,
        )  # fmt: skip

    def _rows(self, weights: np.ndarray, view: ActiveView, function: str) -> Table:
        """Return the rows [words of outputs, rows], or both bits' [words of outputs, 2·rows], of w + 1 by input."""
        bits = (weights > 0, weights >= 0) if view.ternary else (weights > 0,)
        rows = np.zeros((view.words, len(bits), view.rows), dtype=np.uint32)
        for k, bit in enumerate(bits):
            rows[:, k, :-1] = pack_bits(bit.T, WORD).T
        return word_table(f"{function}_rows", rows.reshape(view.words, -1))


def _counting(layer: Matrix) -> int:
    """Return about how many instructions counting in every output's words takes, or in several outputs' at once."""
    if layer.lanes >= LEAST and kind_of(layer.x) == "b1":
        return wide_cost(layer) if layer.lanes >= VECTOR else min(wide_cost(layer), count_cost(layer))
    return count_cost(layer)


def _slicing(layer: Matrix) -> float:
    """Return about how many instructions lists of planes take, inf where they are no choice."""
    if not any(not kernel.refuse(layer) and kernel.suits(layer) for kernel in (Sliced(3), Sliced(4))):
        return float("inf")
    return list_cost(layer)


def _looking_up(layer: Matrix) -> float:
    """Return about how many instructions tables of the input take, inf where they are no choice."""
    return float("inf") if layer.lanes >= VECTOR or Tables().refuse(layer) else tables_cost(layer)


def _levels(layer: Matrix, weights: np.ndarray, missing: np.ndarray, view: ActiveView, function: str) -> Table:
    """Return the inverted planes of what the counters must reach, [classes · flips · words, planes].

    missing [classes, O]: the weights under padded taps, which are listed as −1. Outputs that fill the last word are
    never +1.
    """
    total, half = weights.sum(axis=1), view.half
    if view.inputs == "t2":
        sums = [np.broadcast_to(layer.level, missing.shape)]
    else:  # Σ over +1 ≥ ⌈(level + total − missing) / 2⌉; Σ over −1 ≤ ⌊(total + missing − level) / 2⌋
        sums = [-((missing - layer.level - total) // 2), (total + missing - layer.level) // 2 + 1]
    planes = []
    for flip, least in enumerate(sums):
        level = np.full((len(missing), view.words * WORD), 0 if flip else 2 * half + 1)
        level[:, : len(weights)] = np.clip(least, -half, half + 1) + half
        planes.append([pack_bits(level >> b & 1 == 0, WORD) for b in range(view.planes + view.parity)])
    table = np.array(planes, dtype=np.uint32).transpose(2, 0, 3, 1)  # class, flip, word, plane
    return word_table(f"{function}_levels", table.reshape(-1, table.shape[-1]))


def _bases(layer: Matrix, weights: np.ndarray, missing: np.ndarray, view: ActiveView, function: str) -> Table:
    """Return what is added to twice the counter, or to minus that, [classes · flips, O]."""
    total, half = weights.sum(axis=1), view.half
    bases = np.stack([missing - total - 2 * half, missing + total + 2 * half], axis=1)
    return number_table(f"{function}_base", bases.reshape(-1, len(weights)), least=16)
