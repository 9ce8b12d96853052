"""Place buffers with known lifetimes in one static arena: frozen, aligned, no two live ones overlapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WORK = 300_000  # comparisons of two buffers, about, that the search for a smaller arena may take


@dataclass(frozen=True)
class Buffer:
    """A buffer of `size` bytes that lives from step `first` (written) to step `last` (read last), both included."""

    name: str
    size: int
    first: int
    last: int

    def meets(self, other: Buffer) -> bool:
        """Return whether both live at some step."""
        return self.first <= other.last and other.first <= self.last


@dataclass(frozen=True)
class Slot:
    """Where a buffer lies: bytes offset … offset + size − 1 of the arena."""

    buffer: Buffer
    offset: int

    @property
    def end(self) -> int:
        return self.offset + self.buffer.size


@dataclass(frozen=True)
class Arena:
    """The placement. size: bytes of the arena; peak: most bytes alive at one step, below which no arena can be.

    searched: whether every placement was tried, so that none is smaller, even if `size` is more than `peak`.
    """

    slots: tuple[Slot, ...]
    size: int
    peak: int
    align: int
    searched: bool = False

    def offset(self, name: str) -> int:
        """Return the offset of the buffer `name`."""
        return next(slot.offset for slot in self.slots if slot.buffer.name == name)

    @property
    def is_least(self) -> bool:
        """Return whether this is proven to be the smallest arena possible for these sizes and lifetimes."""
        return self.size == self.peak or self.searched

    @property
    def text(self) -> str:
        """Return its size in words, with the proof that it is the least, or the gap to what is alive at once."""
        alive = f"{self.peak:,} bytes are alive at once"
        if self.size == self.peak:
            return f"arena: {self.size:,} bytes, the least possible in this order of layers: so many are alive at once"
        if self.searched:
            return f"arena: {self.size:,} bytes, the least possible in this order: {alive}, and no placement is smaller"
        return f"arena: {self.size:,} bytes; {alive}: at most {self.size - self.peak:,} more than the least possible"


def plan_arena(buffers: Iterable[Buffer], align: int = 4) -> Arena:
    """Return an Arena for the buffers; sizes are rounded up to `align`.

    First fit in several orders (by size, by lifetime, by area, by start), the best is kept. If it is larger than the
    peak, a search goes through all orders from the bottom up, as far as WORK allows.
    """
    given = tuple(buffers)
    if any(b.size < 0 or b.last < b.first for b in given):
        raise ValueError("a buffer of negative size, or one that dies before it is born")
    items = [Buffer(b.name, -(-b.size // align) * align, b.first, b.last) for b in given]
    if len({b.name for b in items}) != len(items):
        raise ValueError("two buffers have one name")
    peak = live_peak(items)
    best: tuple[Slot, ...] | None = None
    for order in _orders(items):
        slots = _first_fit(order)
        if best is None or _size(slots) < _size(best):
            best = slots
        if _size(best) == peak:
            break
    searched = False
    if best and _size(best) > peak:
        search = _Search(items, best, peak)
        search.run((), 0)
        best, searched = search.best, search.left > 0
    placed = tuple(sorted(best or (), key=lambda s: (s.buffer.first, s.offset)))
    return Arena(placed, _size(placed), peak, align, searched)


class _Search:
    """Branch and bound over first fit. The slots of some optimal arena, none of which can move down, taken from the
    bottom up, are where first fit puts them: so only orders in which offsets do not fall are gone through.
    """

    def __init__(self, items: Sequence[Buffer], best: tuple[Slot, ...], peak: int) -> None:
        self.items, self.best, self.peak, self.left = items, best, peak, WORK // len(items) ** 2

    def run(self, placed: tuple[Slot, ...], lowest: int) -> None:
        """Place what is not placed yet, nothing below `lowest`; stop at the peak or when `left` is used up."""
        names = {slot.buffer.name for slot in placed}
        open_ = [b for b in self.items if b.name not in names]
        if not open_:
            self.best = min(self.best, placed, key=_size)
            return
        found = [_fit(placed, b) for b in open_]
        if any(max(slot.offset, lowest) + slot.buffer.size >= _size(self.best) for slot in found):
            return  # of those placed later, none comes lower
        for slot in sorted(found, key=lambda s: (s.offset, -s.buffer.size)):
            if slot.offset < lowest:
                continue
            if self.left <= 0 or _size(self.best) == self.peak:
                return
            self.left -= 1
            self.run((*placed, slot), slot.offset)


def live_peak(buffers: Sequence[Buffer]) -> int:
    """Return the greatest sum of the sizes of buffers alive at one step."""
    return max((sum(b.size for b in buffers if b.first <= step.first <= b.last) for step in buffers), default=0)


def _orders(items: list[Buffer]) -> Iterable[Sequence[Buffer]]:
    yield sorted(items, key=lambda b: (-b.size, b.first))
    yield sorted(items, key=lambda b: (b.first - b.last, -b.size))
    yield sorted(items, key=lambda b: (-b.size * (b.last - b.first + 1), b.first))
    yield sorted(items, key=lambda b: (b.first, -b.size))


def _first_fit(order: Sequence[Buffer]) -> tuple[Slot, ...]:
    placed: list[Slot] = []
    for buffer in order:
        placed.append(_fit(placed, buffer))
    return tuple(placed)


def _fit(placed: Sequence[Slot], buffer: Buffer) -> Slot:
    """Return the lowest slot for a buffer beside those placed."""
    offset = 0
    for slot in sorted((s for s in placed if s.buffer.meets(buffer)), key=lambda s: s.offset):
        if offset + buffer.size <= slot.offset:
            break
        offset = max(offset, slot.end)
    return Slot(buffer, offset)


def _size(slots: Sequence[Slot]) -> int:
    return max((slot.end for slot in slots), default=0)
