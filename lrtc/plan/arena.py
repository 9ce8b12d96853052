"""Place buffers with known lifetimes in one static arena: frozen, aligned, no two live ones overlapping."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

EXHAUSTIVE = 6  # up to this many buffers every order of placement is tried


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
    """The placement. size: bytes of the arena; peak: most bytes alive at one step, below which no arena can be."""

    slots: tuple[Slot, ...]
    size: int
    peak: int
    align: int

    def offset(self, name: str) -> int:
        """Return the offset of the buffer `name`."""
        return next(slot.offset for slot in self.slots if slot.buffer.name == name)

    @property
    def is_least(self) -> bool:
        """Return whether this is proven to be the smallest arena possible."""
        return self.size == self.peak


def plan_arena(buffers: Iterable[Buffer], align: int = 4) -> Arena:
    """Return an Arena for the buffers; sizes are rounded up to `align`.

    First fit in several orders (by size, by lifetime, by area, by start), the best is kept; few buffers are tried in
    every order, which includes an optimal one (place the slots of an optimal arena from its bottom up). It stops at
    the peak.
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
    placed = tuple(sorted(best or (), key=lambda s: (s.buffer.first, s.offset)))
    return Arena(placed, _size(placed), peak, align)


def live_peak(buffers: Sequence[Buffer]) -> int:
    """Return the greatest sum of the sizes of buffers alive at one step."""
    return max((sum(b.size for b in buffers if b.first <= step.first <= b.last) for step in buffers), default=0)


def _orders(items: list[Buffer]) -> Iterable[Sequence[Buffer]]:
    yield sorted(items, key=lambda b: (-b.size, b.first))
    yield sorted(items, key=lambda b: (b.first - b.last, -b.size))
    yield sorted(items, key=lambda b: (-b.size * (b.last - b.first + 1), b.first))
    yield sorted(items, key=lambda b: (b.first, -b.size))
    if len(items) <= EXHAUSTIVE:
        yield from permutations(items)


def _first_fit(order: Sequence[Buffer]) -> tuple[Slot, ...]:
    placed: list[Slot] = []
    for buffer in order:
        offset = 0
        for slot in sorted((s for s in placed if s.buffer.meets(buffer)), key=lambda s: s.offset):
            if offset + buffer.size <= slot.offset:
                break
            offset = max(offset, slot.end)
        placed.append(Slot(buffer, offset))
    return tuple(placed)


def _size(slots: Sequence[Slot]) -> int:
    return max((slot.end for slot in slots), default=0)
