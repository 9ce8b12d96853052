"""Pixel-sliced convolutions: pixels side by side in a word, and per output only the planes of one sign are added."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from weakref import WeakKeyDictionary

import numpy as np

from lrtc.backends.c.menu.base import Kernel, Matrix, Parts
from lrtc.backends.c.menu.lists import (
    NEAR,
    NIBBLE,
    Lists,
    Slots,
    byte_lists,
    nibble_lists,
    slots_by_column,
    slots_by_tap,
)  # fmt: skip
from lrtc.backends.c.menu.shifts import RowView, rows_of, shiftable
from lrtc.backends.c.menu.signs import Sizes, bipolar, ternary
from lrtc.backends.c.menu.wide import LEAST, wide_cost
from lrtc.backends.c.storage import WORD, kind_of
from lrtc.backends.c.tables import Table, number_table, word_table
from lrtc.backends.c.weights import Border, border
from lrtc.ir.bits import pack_bits, words_for

COLUMNS = 32  # of a kernel; a bit of a number each
COLUMN_CLASSES = 8  # each class of rows takes 2^n words of scratch for n classes of columns
LANES = 0.45  # of 32 lanes must hold pixels, else channel-packed kernels are as fast; a wider word costs no more
SIXTEEN = 1.93  # a record of 16 planes costs as much as this many of 8
OUTPUTS = 8  # as many must share the planes of a window, twice as many if it is gathered


@dataclass(frozen=True)
class Places:
    """Where things begin in the scratch, in words of 32 bits; `end` is its size. Zeros [channels] are at 0.

    lanes: of the classes of columns and rows; found: classes of rows that occur; combined: the planes that a byte
    stands for. inside: lanes where a column of the kernel is inside. planes: of the image. start: what counters start
    from. slots: low counters, planes of the window. total: of the sum of all planes. out: planes of 32 outputs.
    What makes planes of fewer than 32 channels overwrites up to 31 words behind them: those come to be later.
    """

    lanes: int
    found: int
    combined: int
    inside: int
    planes: int
    start: int
    slots: int
    total: int
    carries: int
    out: int
    end: int


@dataclass(frozen=True)
class SlicedView:
    """The numbers of one layer. low, high: planes of the counters; starts: planes that they start from, all together.

    words: of the image, 32 pixels each; blocks of `lanes`, pixels: of the output. stride, above: words of a plane of
    the image with the zeros around it, words of zeros before it, where a block has more lanes than 32. run: channels
    between zeros. slots: used ones; listed: how many are summed for the total of total_bits planes. record: items of a
    record, which `add` adds.
    """

    lanes: int
    shifted: bool
    rows: tuple[RowView, ...]
    stride: int
    above: int
    run: int
    words: int
    blocks: int
    pixels: int
    channels: int
    out_words: int
    add: str
    record: int
    list_ctype: str
    count_ctype: str
    low: int
    high: int
    starts: int
    total_bits: int
    slots: int
    listed: int
    ternary: bool
    turned: bool
    flip: bool
    border: bool
    spot: bool
    masks: bool
    row_classes: int
    col_classes: int
    at: Places


@dataclass(frozen=True, eq=False)
class Plan:
    """All that is known of a layer before its text."""

    shifted: bool
    run: int
    slots: Slots
    lists: Lists
    sizes: Sizes
    border: Border
    listed: int
    high: int
    at: Places


class Sliced(Kernel):
    """Bits with bipolar or ternary weights; `low` planes of the counters stay in registers, carries are added later.

    Planes a hold 1 where x is +1 and 0 where it is −1 or outside the image. With Σ over what is inside,
    Σ w·x = 2·Σ w·a − Σ w, and for bipolar weights Σ w·a = 2·Σ a over w = +1 − Σ a over all. There, planes and their
    weights may be turned, and outputs, so that fewer weights are +1.
    """

    template = "sliced"
    decision = "y[o] = +1 where acc[o] >= level[o]: the counters start from a value that holds all constants"
    scratch_name = "work"
    elements = False

    def __init__(self, low: int, nibbles: bool = False) -> None:
        self.low, self.size, self.nibbles = low, 1 << low, nibbles
        self.name = "sliced_nibbles" if nibbles else f"sliced{self.size}"
        self.formula = (
            f"acc[o] = sum of w * x, 32 pixels to a word: listed planes are added, {self.size} at a time, carries later"
        )
        self._plans: WeakKeyDictionary[Matrix, Plan] = WeakKeyDictionary()

    def refuse(self, layer: Matrix) -> str:
        if kind_of(layer.x) != "b1":
            return f"its input is {layer.x.elem}, not b1"
        if not layer.ternary:
            return "a weight is beyond -1, 0, +1"
        if layer.level is None:
            return "it decides bits, and not just one threshold follows"
        most = NIBBLE - 1 if self.nibbles else COLUMNS
        if layer.window.kernel[1] > most:
            return f"the kernel has {layer.window.kernel[1]} columns; up to {most} are supported"
        if self.nibbles and not shiftable(layer.window):
            return "its output's pixels do not lie as its input's: the stride is not 1, or rows are not as long"
        classes = border(layer.window, layer.weights[:1]).n_cols
        if classes > COLUMN_CLASSES:
            return f"columns are inside the image in {classes} ways; up to {COLUMN_CLASSES} are supported"
        return ""

    def suits(self, layer: Matrix) -> bool:
        pixels = layer.window.out[0] * layer.window.out[1]
        outputs = OUTPUTS if shiftable(layer.window) else 2 * OUTPUTS
        filled = pixels >= LANES * WORD * words_for(pixels, layer.lanes) and len(layer.weights) >= outputs
        filled = filled and (layer.lanes < LEAST or list_cost(layer) < wide_cost(layer))
        return filled and not self.nibbles and self.size <= _unroll(layer)

    def scratch(self, layer: Matrix) -> int:
        return 4 * self._plan(layer).at.end

    def parts(self, layer: Matrix, function: str) -> Parts:
        plan, view = self._plan(layer), self._view(layer)
        tables = [
            self._list_table(plan, function),
            number_table(f"{function}_count", plan.lists.counts.reshape(-1)),
            number_table(f"{function}_start", self._start_bytes(plan)),
        ]
        if view.turned:
            turned = plan.sizes.turned
            if plan.shifted:
                bits = (turned << np.arange(turned.shape[1])[:, None]).sum(axis=1)
                tables.append(number_table(f"{function}_turned", bits.reshape(-1)))
            else:
                tables.append(word_table(f"{function}_turned", pack_bits(turned, WORD).reshape(-1)))
        if view.flip:
            tables.append(word_table(f"{function}_flip", pack_bits(plan.sizes.inverted, WORD)))
        texts = {
            "count",
            "plane",
            "lanes",
            "transpose",
            "drop",
            view.add.removeprefix("lrtc_"),
            _lift(layer, plan.shifted),
        }
        texts |= {"total"} if plan.sizes.total_bits else set()
        texts |= {"spot"} if view.spot else set()
        texts |= set() if plan.shifted else {"window"}
        texts |= {"inside"} if view.masks else set()
        if view.border:
            tables += [
                number_table(f"{function}_row_class", plan.border.rows),
                number_table(f"{function}_col_class", plan.border.cols),
            ]
            texts |= {"border"}
        return Parts(tuple(tables), view, frozenset(texts))

    def _list_table(self, plan: Plan, function: str) -> Table:
        rows = plan.lists.records if len(plan.lists.records) else np.zeros(1, np.int64)
        return (word_table if self.nibbles else number_table)(f"{function}_list", rows)

    def _plan(self, layer: Matrix) -> Plan:
        if layer not in self._plans:
            self._plans[layer] = self._new_plan(layer)
        return self._plans[layer]

    def _new_plan(self, layer: Matrix) -> Plan:
        window, weights = layer.window, layer.dense()
        shifted = shiftable(window)
        reach = NIBBLE if self.nibbles else NEAR
        slots, run = slots_by_column(window, self.low, reach) if shifted else (slots_by_tap(window, self.low), 0)
        edge = border(window, weights)
        encode = nibble_lists if self.nibbles else partial(byte_lists, size=self.size)
        lists, sizes = (ternary if (weights == 0).any() else bipolar)(layer, weights, slots, self.low, encode)
        listed = words_for(slots.size - self.low, 16) * 16
        high = sizes.bits - self.low - (1 if sizes.total_bits else 0)
        at = self._places(layer, shifted, slots, lists, sizes, edge, listed)
        return Plan(shifted, run, slots, lists, sizes, edge, listed, high, at)

    def _places(
        self, layer: Matrix, shifted: bool, slots: Slots, lists: Lists, sizes: Sizes, edge: Border, listed: int
    ) -> Places:
        window = layer.window
        total_bits, (row_classes, col_classes) = sizes.total_bits, _classes(edge)
        carries = int((words_for(lists.counts.max(initial=0), 4) * 4 + 4) * lists.counts.shape[1])
        sizes_of = {  # in planes; what is words comes below, and keeps its place here
            "zeros": window.channels if shifted and layer.lanes == WORD else 0,
            "lanes": row_classes + col_classes,
            "found": 0,
            "combined": _rows_met(window.out, edge, layer.lanes) << col_classes,
            "inside": window.kernel[1] if _runtime_masks(layer, shifted) else 0,
            "planes": 0,
            "start": sizes.bits - self.low,
            "slots": self.low + listed if total_bits else slots.size,
            "total": total_bits,
            "carries": max(carries, listed // 16 if total_bits else 0),
            "out": WORD,
        }
        parts = layer.lanes // WORD
        words_of = {name: size * parts for name, size in sizes_of.items()}
        words_of["found"] = words_for(row_classes, parts) * parts
        words_of["planes"] = words_for(window.channels * _stride(layer)[0], parts) * parts if shifted else 0
        at, places = 0, {}
        for name, size in words_of.items():
            places[name] = at
            at += size
        places.pop("zeros")
        return Places(**places, end=at)

    def _start_bytes(self, plan: Plan) -> np.ndarray:
        """Return the sets of classes of columns [row classes, O·planes] in which a plane of the start value is 1.

        The order is that of the scratch: the lowest bit of bipolar sums, high counters, low counters.
        """
        (row_classes, col_classes), values = _classes(plan.border), plan.sizes.values
        lone = 1 if plan.sizes.total_bits else 0
        order = [*range(lone), *range(lone + self.low, plan.sizes.bits), *range(lone, lone + self.low)]
        bits = values.reshape(row_classes, col_classes, -1, 1) >> np.array(order) & 1
        return (bits << np.arange(col_classes)[:, None, None]).sum(axis=1).reshape(row_classes, -1)

    def _view(self, layer: Matrix) -> SlicedView:
        plan, window = self._plan(layer), layer.window
        pixels, (row_classes, col_classes) = window.out[0] * window.out[1], _classes(plan.border)
        stride, above = _stride(layer) if plan.shifted else (0, 0)
        masks, edge = _runtime_masks(layer, plan.shifted), row_classes * col_classes > 1
        return SlicedView(
            lanes=layer.lanes, shifted=plan.shifted, rows=rows_of(window) if plan.shifted else (),
            stride=stride, above=above, run=plan.run, words=words_for(window.rows * window.cols, WORD),
            blocks=words_for(pixels, layer.lanes), pixels=pixels,
            channels=window.channels, out_words=words_for(len(layer.weights), WORD),
            add=f"lrtc_{plan.lists.add}", record=plan.lists.stride,
            list_ctype="uint32_t" if self.nibbles else "uint8_t",
            count_ctype=number_table("", plan.lists.counts).ctype, low=self.low, high=plan.high,
            starts=plan.sizes.bits, total_bits=plan.sizes.total_bits, slots=plan.slots.size, listed=plan.listed,
            ternary=not plan.sizes.total_bits, turned=bool(plan.sizes.total_bits),
            flip=bool(plan.sizes.total_bits and plan.sizes.inverted.any()), border=edge,
            spot=edge or masks or not plan.shifted, masks=masks, row_classes=row_classes, col_classes=col_classes,
            at=plan.at,
        )  # fmt: skip


def list_cost(layer: Matrix) -> int:
    """Return about how many instructions lists of planes take, for a word of any width."""
    words = words_for(layer.window.out[0] * layer.window.out[1], layer.lanes)
    flat = layer.weights.reshape(len(layer.weights), -1)
    signs = np.stack([(flat > 0).sum(axis=1), (flat < 0).sum(axis=1)])
    terms = signs.sum() if (flat == 0).any() else signs.min(axis=0).sum()
    planes = flat.shape[1] * (12 if shiftable(layer.window) else 83 * layer.lanes // WORD)  # gathered by pixels
    return int(words * (8.7 * terms + 100 * len(flat) + planes))


def _unroll(layer: Matrix) -> int:
    """Return how many planes a record holds at most, for speed: a compromise between Cortex-M0+ and Cortex-M4."""
    plus, minus = ((s > 0).sum(axis=(1, 2, 3)) for s in (layer.weights, -layer.weights))
    lists = np.minimum(plus, minus) if (layer.dense() != 0).all() else np.concatenate([plus, minus])
    return 16 if (-(-lists // 8)).sum() >= SIXTEEN * (-(-lists // 16)).sum() else 8


def _classes(edge: Border) -> tuple[int, int]:
    return len(edge.missing) // edge.n_cols, edge.n_cols


def _runtime_masks(layer: Matrix, shifted: bool) -> bool:
    return shifted and any(text.startswith("inside") for row in rows_of(layer.window) for _, text in row.masks)


def _lift(layer: Matrix, shifted: bool) -> str:
    return ("lift" if layer.lanes == WORD else "lift_wide") if shifted else "lift_window"


def _stride(layer: Matrix) -> tuple[int, int]:
    """Return the words from a plane of the image to the next, and how many of zeros are before its own."""
    window, parts = layer.window, layer.lanes // WORD
    image = words_for(window.rows * window.cols, WORD)
    if parts == 1:
        return image, 0
    offsets = [word for row in rows_of(window) for word in row.words]
    above = max(0, -min(offsets))
    blocks, read = (words_for(h * window.cols, layer.lanes) for h in (window.rows, window.out[0]))
    return above + max(blocks * parts, read * parts + max(0, *offsets)), above


def _rows_met(out: tuple[int, int], edge: Border, lanes: int) -> int:
    """Return how many classes of rows `lanes` pixels in a row meet at most."""
    first = np.arange(0, out[0] * out[1], lanes) // out[1]
    last = np.minimum((np.arange(0, out[0] * out[1], lanes) + lanes - 1) // out[1], out[0] - 1)
    return max(len(set(edge.rows[a : b + 1].tolist())) for a, b in zip(first, last, strict=True))
