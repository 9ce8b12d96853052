"""A channel as a function of the network's input: an anchor, which is a digest, and a table over all that it reaches.

Equal digests name equal functions (SHA-256 taken to be free of collisions). A dot product is an anchor: its digest is
made of the digests of what it sums and of the weights, in an order that does not depend on how channels are numbered,
equal summands added up, constants taken out. What is done to it channel by channel is the table: every function of it,
real or integer, is evaluated on every integer that the anchor reaches, by the reference interpreter. So
`sign(batchnorm(acc))` and the threshold that replaces it are one cell if and only if they agree on all of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np

MAX_POINTS = 1 << 22  # integers that one channel may reach
MAX_TABLES = 1 << 27  # of all channels of a value


class TooMany(Exception):
    """A value that reaches more integers than can be tried one by one."""


def digest(*parts: object) -> bytes:
    """Return the digest of byte strings and of what prints without loss (numbers, names, tuples of them)."""
    h = hashlib.sha256()
    for part in parts:
        raw = part if isinstance(part, bytes) else repr(part).encode()
        h.update(len(raw).to_bytes(8, "little"))
        h.update(raw)
    return h.digest()


ONE = digest("the constant 1")


class Table:
    """What a channel is for each value of its anchor, ascending: int32 or float32 [n].

    One whose values lie evenly is known by (first, step, count) and made only when a function is to be evaluated on it.
    """

    def __init__(self, values: np.ndarray) -> None:
        self._values: np.ndarray | None = values
        self.count = len(values)
        self.even: tuple[int, int] | None = None  # first, step
        if values.dtype.kind != "f":
            steps = np.diff(values[:2])
            step = int(steps[0]) if steps.size else 0
            if self.count < 3 or (np.diff(values) == step).all():
                self.even = int(values[0]), step

    @staticmethod
    def evenly(first: int, step: int, count: int) -> Table:
        """Return the table of first, first + step, …"""
        table = Table(np.array([first, first + step][:count], np.int64))
        table._values, table.count = None, count
        return table

    @property
    def values(self) -> np.ndarray:
        """Return the values; TooMany if they are more than MAX_POINTS."""
        if self._values is None:
            affordable([self.count])
            self._values = (self.even[0] + self.even[1] * np.arange(self.count)).astype(np.int32)
        return self._values

    @property
    def is_real(self) -> bool:
        return self._values is not None and self._values.dtype.kind == "f"

    @cached_property
    def ends(self) -> tuple[int, int]:
        """Return the least and the greatest value."""
        if self.even is None:
            return int(self.values.min()), int(self.values.max())
        first, step = self.even
        last = first + step * (self.count - 1)
        return min(first, last), max(first, last)

    @property
    def is_constant(self) -> bool:
        return not self.is_real and self.ends[0] == self.ends[1]

    @cached_property
    def gap(self) -> int:
        """Return the greatest number that divides every difference of two values."""
        if self.even is not None:
            return abs(self.even[1]) if self.count > 1 else 0
        return int(np.gcd.reduce(self.values.astype(np.int64) - int(self.values[0])))

    @cached_property
    def sign(self) -> int:
        """Return the sign of the first value that is not 0: a table and its negative are known by one of the two."""
        if self.even is not None:
            first, step = self.even
            return -1 if (first or step) < 0 else 1
        return -1 if self.values[np.argmax(self.values != 0)] < 0 else 1

    @property
    def direction(self) -> int | None:
        """Return 1 if the values never fall, −1 if they never rise, None otherwise."""
        if self.even is not None:
            return 1 if self.even[1] >= 0 else -1
        change = np.diff(self.values)
        return 1 if (change >= 0).all() else -1 if (change <= 0).all() else None

    @cached_property
    def exact(self) -> bytes:
        return self._digest(1)

    @cached_property
    def unsigned(self) -> bytes:
        return self._digest(self.sign)

    def _digest(self, sign: int) -> bytes:
        if self.even is not None:
            return digest(sign * self.even[0], sign * self.even[1] if self.count > 1 else 0, self.count)
        return digest(str(self.values.dtype), (self.values * sign).tobytes())

    def affine(self, multiplier: int, offset: int) -> Table | None:
        """Return the table of x·multiplier + offset without making one, if this lies evenly."""
        if self.even is None or not multiplier:
            return None
        return Table.evenly(self.even[0] * multiplier + offset, self.even[1] * multiplier, self.count)


class Cell:
    """One channel (of a vector: one element).

    places: of an image that is made of elements (an input, a moved image) y·W + x → the element there; the anchor then
    is the element's own value, one of `plain`.
    """

    def __init__(
        self,
        anchor: bytes,
        table: Table,
        places: Callable[[int], Cell] | None = None,
        plain: Table | None = None,
    ) -> None:
        self.anchor, self.table, self.places, self.plain = anchor, table, places, plain
        self._seen: dict[int, tuple[Table, Table]] = {}  # an element's table → that table, what this cell makes of it

    @staticmethod
    def constant(value: int) -> Cell:
        return Cell(b"", Table(np.array([value], np.int32)))

    @staticmethod
    def of_values(anchor: bytes, reached: np.ndarray, places: Callable[[int], Cell] | None = None) -> Cell:
        """Return a cell whose anchor is its value."""
        plain = Table(reached)
        return Cell(anchor, plain, places, plain)

    @property
    def key(self) -> bytes:
        """Return the digest of the function, up to its sign."""
        return digest(self.anchor, self.table.unsigned)

    @property
    def exact(self) -> bytes:
        return digest(self.anchor, self.table.exact)

    def with_table(self, table: Table) -> Cell:
        """Return the same anchor with another table; an integer that never changes is a constant."""
        if table.is_constant:
            return Cell.constant(table.ends[0])
        return Cell(self.anchor, table, self.places, self.plain)

    def at(self, place: int) -> Cell:
        """Return the element of an image's channel at place y·W + x."""
        if not self.anchor:
            return self
        if self.places is None:
            return Cell(digest("at", place, self.anchor), self.table)
        element = self.places(place)
        if self.table is self.plain:
            return element
        known = self._seen.get(id(element.table))
        if known is None:
            values = self.table.values[np.searchsorted(self.plain.values, element.table.values)]
            known = self._seen[id(element.table)] = element.table, Table(values)
        return element.with_table(known[1])


def combine(tag: tuple, elements: Sequence[Cell], weights: np.ndarray, padded: bool) -> list[Cell]:
    """Return Σ weights · elements: weights int [O, elements, taps] → O cells. padded: a tap may also count 0.

    tag: what else tells the sum apart (window, shape).
    """
    weights = weights.astype(np.int64)
    constant = np.array([not e.anchor for e in elements])
    offset = np.zeros(len(weights), np.int64)
    keys = [e.key if e.anchor else ONE for e in elements]
    signs = np.array([e.table.sign if e.anchor else e.table.ends[0] for e in elements], np.int64)
    if not padded and constant.any():
        offset = (weights * np.where(constant, signs, 0)[:, None]).sum(axis=(1, 2))
        signs = np.where(constant, 0, signs)
    weights = weights * signs[:, None]
    names = sorted(set(keys))
    place = {key: k for k, key in enumerate(names)}
    index = np.array([place[key] for key in keys])
    merged = weights[:, np.argsort(index, kind="stable")]
    if len(names) < len(keys):
        starts = np.searchsorted(np.sort(index), np.arange(len(names)))
        merged = np.add.reduceat(merged, starts, axis=1)
    named = dict(zip(keys, elements, strict=True))
    reach = np.array([_reach(named[key], key, padded) for key in names], np.int64)
    low, high, gap = reach.T
    up, down = np.maximum(merged, 0).sum(axis=2), np.minimum(merged, 0).sum(axis=2)
    least, most = up @ low + down @ high, up @ high + down @ low
    steps = np.gcd.reduce((np.abs(merged) * gap[:, None]).reshape(len(merged), -1), axis=1)
    counts = (most - least) // np.maximum(steps, 1) + 1
    joined = np.frombuffer(b"".join(names), np.uint8).reshape(len(names), -1)
    cells = []
    for o, row in enumerate(merged):
        used = row.any(axis=1)
        if not used.any():
            cells.append(Cell.constant(int(offset[o])))
            continue
        row = row[used]
        sign = -1 if row[0][np.argmax(row[0] != 0)] < 0 else 1
        anchor = digest(*tag, padded, joined[used].tobytes(), (row * sign).tobytes())
        first = (least if sign > 0 else most)[o] + offset[o]  # the anchor is sign · sum
        cells.append(Cell(anchor, Table.evenly(int(first), sign * int(steps[o]), int(counts[o]))))
    return cells


def _reach(cell: Cell, key: bytes, padded: bool) -> tuple[int, int, int]:
    """Return (least, greatest, greatest common step) of an element's values up to its sign, 0 among them if padded."""
    if key == ONE:
        return (0, 1, 1) if padded else (1, 1, 0)
    table = cell.table
    low, high = sorted(end * table.sign for end in table.ends)
    if not padded:
        return low, high, table.gap
    return min(low, 0), max(high, 0), int(np.gcd(table.gap, abs(low)))


def affordable(points: Sequence[int]) -> None:
    """Raise TooMany if so many integers a channel are not to be tried one by one."""
    if max(points) > MAX_POINTS or sum(points) > MAX_TABLES:
        raise TooMany(f"reaches {max(points):,} integers a channel, {sum(points):,} in all")
