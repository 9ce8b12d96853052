"""First layers on bytes: a table of the sums of every pattern of weights in a row, shared by all outputs and rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from lrtc.backends.c.menu.base import Matrix, Parts
from lrtc.backends.c.menu.scalar import ByteBits, Sums
from lrtc.backends.c.storage import WORD
from lrtc.backends.c.weights import straight_terms
from lrtc.ir.bits import words_for

TERMS = 4096  # additions printed at most: about 16 KiB of Thumb code
LANE = 0x8000  # half of what a lane of 16 bits holds
PIECES = range(1, 7)  # taps of a pattern that are tried
REGISTERS = 9  # taps that a Cortex-M4 keeps in registers

Terms = dict[int, int]  # place in a table → sign


@dataclass(frozen=True)
class Rows:
    """How weights are cut into patterns. places: pattern (first tap, weights) → place in a row's table.

    terms: of each output, by row of the kernel.
    """

    places: dict[tuple[int, tuple[int, ...]], int]
    terms: tuple[tuple[Terms, ...], ...]

    def cost(self, layer: Matrix) -> int:
        """Return about how many instructions two neighbouring positions take on a Cortex-M4, and on others in ratio."""
        w, terms = layer.window, sum(len(row) for output in self.terms for row in output)
        table = 4 * len(self.places) + 6 * w.kernel[1] * w.channels + 20
        return table * min(w.stride[0], w.extent[0]) + 7 * terms // 5 + 3 * len(self.terms)


@dataclass(frozen=True)
class PatternsView:
    """The straight-line code of a layer, and the sizes of its loops.

    taps: (number, offsets of both columns) in a row; patterns: (place, sum of taps); words: the lines of each word of
    outputs; shares: whether any holds a sum that outputs share. inside: the columns at which a row needs no edge.
    """

    rows: int
    extent: int
    stride: int
    pairs: int
    odd: bool
    pair_cols: int
    span: int
    inside: int
    table: int
    edge_at: int
    taps: tuple[tuple[int, int, int], ...]
    patterns: tuple[tuple[int, str], ...]
    words: tuple[tuple[str, ...], ...]
    shares: bool


class Patterns(ByteBits):
    """Bytes with bipolar or ternary weights, two neighbouring columns of 16 bits in a word.

    Down a pair of columns, each row of the image is cut into pieces of a few taps, and the sums of all patterns of
    weights that occur on a piece are stored, up to their sign, once for all outputs and all rows of the kernel.
    """

    name = template = "patterns"
    formula = "acc[o] = sum of w * x: of a pattern of weights for each piece of a row, from tables that outputs share"
    decision = "y[o] = +1 where acc[o] >= level[o]: each half starts at 0x8000 - level[o], its top bit tells"
    scratch_name = "ring"

    def refuse(self, layer: Matrix) -> str:
        if reason := super().refuse(layer):
            return reason
        terms = int(np.abs(layer.weights).sum(axis=(1, 2, 3)).max())
        if terms * layer.x.elem.high >= LANE:
            return f"a sum of {terms} inputs does not fit 16 bits"
        terms = int(np.abs(layer.weights).sum())
        return "" if 0 < terms <= TERMS else f"{terms} weights that are not 0; 1 to {TERMS} are supported"

    def suits(self, layer: Matrix) -> bool:
        """Where it takes fewer instructions than sums written out for each output."""
        if layer.groups > 1 or layer.window.out == (1, 1):
            return False
        taps = layer.window.taps * layer.window.channels
        terms = straight_terms(layer.weights) * (2 if taps > REGISTERS else 1)  # beyond, taps are loaded for every sum
        return bool(Sums().refuse(layer)) or _best(layer).cost(layer) < 5 * taps + terms + 4 * len(layer.weights)

    def scratch(self, layer: Matrix) -> int:
        w, table = layer.window, len(_best(layer).places)
        return 4 * (_ring(table, w.extent[0]) + words_for((w.extent[1] + w.stride[1]) * w.channels, 4))

    def parts(self, layer: Matrix, function: str) -> Parts:
        return Parts((), self._view(layer), frozenset({"bits", "edge_u8"}))

    def _view(self, layer: Matrix) -> PatternsView:
        w, cut = layer.window, _best(layer)
        table, extent, step = len(cut.places), w.extent[0], w.stride[1] * w.channels
        outputs = [
            {ky * w.dilation[0] * table + place: sign for ky, row in enumerate(rows) for place, sign in row.items()}
            for rows in cut.terms
        ]
        starts = [f"0x{((LANE - int(level)) * 0x10001) & 0xFFFF_FFFF:08x}u" for level in layer.level]
        words = tuple(
            _lines(outputs[i : i + WORD], starts[i : i + WORD], i) for i in range(0, len(outputs), WORD)
        )  # fmt: skip
        span = w.extent[1] + w.stride[1]
        used = sorted({first + i for first, pattern in cut.places for i, weight in enumerate(pattern) if weight})
        at = [(t // w.channels) * w.dilation[1] * w.channels + t % w.channels for t in used]
        return PatternsView(
            rows=(w.out[0] - 1) * w.stride[0] + extent, extent=extent, stride=w.stride[0], pairs=(w.out[1] + 1) // 2,
            odd=w.out[1] % 2 == 1, pair_cols=2 * w.stride[1], span=span, inside=max(0, w.cols - span + 1), table=table,
            edge_at=_ring(table, extent),
            taps=tuple((t, low, low + step) for t, low in zip(used, at, strict=True)),
            patterns=tuple((place, _sum(first, pattern)) for (first, pattern), place in cut.places.items()),
            words=words, shares=any(line.startswith("some") for lines in words for line in lines),
        )  # fmt: skip


def _best(layer: Matrix) -> Rows:
    """Return the weights cut into pieces of the size that costs least."""
    weights = layer.dense()
    return min((_cut(weights, size) for size in PIECES), key=lambda rows: rows.cost(layer))


def _ring(table: int, extent: int) -> int:
    """Return the words of the last rows' tables, each stored twice so that they always lie in order somewhere."""
    return table * extent * (2 if extent > 1 else 1)


def _cut(weights: np.ndarray, size: int) -> Rows:
    """Return weights [O,Kh,Kw,C] cut into patterns of at most `size` taps of a row, each up to its sign."""
    rows = weights.reshape(*weights.shape[:2], -1)
    pieces = np.array_split(np.arange(rows.shape[2]), words_for(rows.shape[2], size))
    places: dict[tuple[int, tuple[int, ...]], int] = {}
    terms = []
    for output in rows:
        mine = []
        for row in output:
            found: Terms = {}
            for piece in pieces:
                if row[piece].any():
                    sign = int(row[piece][np.flatnonzero(row[piece])[0]])
                    pattern = (int(piece[0]), tuple(int(v) for v in sign * row[piece]))
                    found[places.setdefault(pattern, len(places))] = sign
            mine.append(found)
        terms.append(tuple(mine))
    return Rows(places, tuple(terms))


def _sum(first: int, pattern: tuple[int, ...]) -> str:
    """Return a pattern's sum as C text; its first tap that counts is positive."""
    text = "".join(f" {'+' if v > 0 else '-'} x{first + i}" for i, v in enumerate(pattern) if v)
    return text.removeprefix(" + ")


def _lines(outputs: list[Terms], starts: list[str], first: int) -> tuple[str, ...]:
    """Return the lines that put up to 32 outputs into bits0 and bits1."""
    lines = []
    for half in range(0, len(outputs), 16):
        left = dict(list(enumerate(outputs))[half : half + 16])
        while left:
            lines += _cluster(left, starts, first)
    return tuple(lines)


def _cluster(left: dict[int, Terms], starts: list[str], first: int) -> list[str]:
    """Return the lines of the outputs that share most, taken out of `left`, or of all if none do."""
    lines, shared = [], _shared(list(left.values()))
    if shared:
        lines.append(f"some = {_signed(shared).removeprefix(' + ')};")
    for o in [o for o, terms in left.items() if _sign_of(shared, terms)] or list(left):
        terms = left.pop(o)
        sign = _sign_of(shared, terms)
        text = f" {'+' if sign > 0 else '-'} some" if sign else ""
        text += _signed({place: s for place, s in terms.items() if not sign or place not in shared})
        bits = f"bits{o // 16}"
        lines.append(f"{bits} = lrtc_put_signs({bits}, {starts[o]}{text}, {15 - o % 16}u); /* {first + o} */")
    return lines


def _shared(outputs: list[Terms]) -> Terms:
    """Return the terms that most outputs share, up to their sign, and all that the same outputs have in common."""
    pairs: Counter[tuple[int, int, int]] = Counter()
    for terms in outputs:
        pairs.update((a, b, terms[a] * terms[b]) for a, b in combinations(sorted(terms), 2))
    if not pairs or pairs.most_common(1)[0][1] < 2:
        return {}
    (a, b, relative), _ = pairs.most_common(1)[0]
    pair = {a: 1, b: relative}
    having = [{p: s * terms[a] for p, s in terms.items()} for terms in outputs if _sign_of(pair, terms)]
    return {p: s for p, s in having[0].items() if all(terms.get(p) == s for terms in having)}


def _sign_of(shared: Terms, terms: Terms) -> int:
    """Return ±1 if `terms` hold all that is shared with this sign, else 0."""
    if not shared:
        return 0
    place = next(iter(shared))
    sign = terms.get(place, 0) * shared[place]
    return sign if all(terms.get(p) == s * sign for p, s in shared.items()) else 0


def _signed(terms: Terms) -> str:
    return "".join(f" {'+' if sign > 0 else '-'} v[{place}]" for place, sign in sorted(terms.items()))
