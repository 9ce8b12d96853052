"""Bit heaps of a layer added up together: full adders that several heaps have in common are made once.

Heaps that hold the same three literals, or the complements of all three, share one adder. The triple that saves most is
taken first, a column at a time; its sum goes back into the column, where it may be part of another triple.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from heapq import heapify, heappop, heappush
from itertools import combinations

from lrtc.plan.gates import ONE, ZERO, Gates
from lrtc.plan.heap import Heap, compress, put, put_constant

MOST_PAIRS = 3_000_000  # of literals in a column: above, looking for common ones takes too long

Pair = tuple[int, int]  # a positive literal, and one of a greater signal: as both stand in a heap, or both complemented


def compared(gates: Gates, heaps: Sequence[Heap], levels: Sequence[int], most: Sequence[int]) -> list[int]:
    """Return the literal of (sum of a heap) >= level, for each heap with sums from 0 to `most`; the heaps are used up.

    It is the carry out of 2^K − level + sum: the level is constant bits of the heap, and only the carry is built.
    """
    found = [ONE if level <= 0 else ZERO for level in levels]
    open_ = [k for k, level in enumerate(levels) if 0 < level <= most[k]]
    columns = {k: most[k].bit_length() for k in open_}
    for k in open_:
        put_constant(heaps[k], (1 << columns[k]) - levels[k], columns[k])
    for column in range(max(columns.values(), default=0)):
        _add_up(gates, [heaps[k] for k in open_ if column < columns[k]], column)
    for k in open_:
        for literal in heaps[k].get(columns[k], []):
            found[k] = gates.either(found[k], literal)
    return found


def totals(gates: Gates, heaps: Sequence[Heap], columns: int) -> list[list[int]]:
    """Return for each heap the literals of its sum modulo 2^columns, bit 0 first; the heaps are used up."""
    for column in range(columns):
        _add_up(gates, heaps, column)
    return [[heap[column][0] if heap.get(column) else ZERO for column in range(columns)] for heap in heaps]


def _add_up(gates: Gates, heaps: Sequence[Heap], column: int) -> None:
    """Leave at most one literal of a column in every heap; carries go into the next one."""
    sizes = [len(heap.get(column, [])) for heap in heaps]
    if len(heaps) > 1 and sum(n * (n - 1) // 2 for n in sizes) <= MOST_PAIRS:
        _Column(gates, heaps, column).run()
    for heap in heaps:
        compress(gates, heap, column)


class _Column:
    """A column of all heaps. own: for each heap, signal → literal; users: literal → the heaps that hold it."""

    def __init__(self, gates: Gates, heaps: Sequence[Heap], column: int) -> None:
        self.gates, self.heaps, self.column = gates, heaps, column
        self.own: list[dict[int, int]] = []
        self.users: dict[int, set[int]] = {}
        self.rest: list[list[int]] = []  # constants, and literals of a signal that is there already
        for k, heap in enumerate(heaps):
            own: dict[int, int] = {}
            rest = []
            for literal in heap.get(column, []):
                if literal <= ONE or literal >> 1 in own:
                    rest.append(literal)
                else:
                    own[literal >> 1] = literal
                    self.users.setdefault(literal, set()).add(k)
            self.own.append(own)
            self.rest.append(rest)
        self.queue: list[tuple[int, int, int, int]] = []  # (−most that it can save, a, b, the third or 0)

    def run(self) -> None:
        """Replace common triples by sums, and put their carries into the next column."""
        counts: Counter[Pair] = Counter()
        for own in self.own:
            counts.update(_pair(a, b) for a, b in combinations(sorted(own.values()), 2))
        self.queue = [(1 - count, *pair, 0) for pair, count in counts.items() if count > 1]
        heapify(self.queue)
        while self.queue:
            bound, a, b, third = heappop(self.queue)
            found, literal = self._best(a, b)
            if found < 2:
                continue
            if third and 1 - found == bound:
                self._take(a, b, literal)
                heappush(self.queue, (1 - len(self._holders(a, b)), a, b, 0))
            elif 1 - found >= bound:
                heappush(self.queue, (1 - found, a, b, literal))
        for heap, own, rest in zip(self.heaps, self.own, self.rest, strict=True):
            heap[self.column] = [*rest, *own.values()]

    def _holders(self, a: int, b: int) -> list[int]:
        """Return the heaps that hold both literals, or the complements of both, ascending."""
        none: set[int] = set()
        same = self.users.get(a, none) & self.users.get(b, none)
        return sorted(same | (self.users.get(a ^ 1, none) & self.users.get(b ^ 1, none)))

    def _best(self, a: int, b: int) -> tuple[int, int]:
        """Return how many heaps hold a, b and the best third literal, or the complements of all, and that literal."""
        counts: Counter[int] = Counter()
        holders = self._holders(a, b)
        if len(holders) < 2:
            return 0, 0
        for k in holders:
            own = self.own[k]
            turn = own[a >> 1] ^ a
            counts.update(literal ^ turn for literal in own.values())
        del counts[a], counts[b]
        if not counts:
            return 0, 0
        literal = min(counts, key=lambda literal: (-counts[literal], self.gates.level[literal >> 1], literal))
        return counts[literal], literal

    def _take(self, a: int, b: int, c: int) -> None:
        """Replace the triple wherever it stands."""
        total, carry = self.gates.full(a, b, c)
        counts: Counter[Pair] = Counter()
        for k in self._holders(a, b):
            own = self.own[k]
            turn = own[a >> 1] ^ a
            if own.get(c >> 1) != c ^ turn:
                continue
            for literal in (a, b, c):
                del own[literal >> 1]
                self.users[literal ^ turn].discard(k)
            put(self.heaps[k], self.column + 1, [carry ^ turn])
            if total >> 1 in own or total <= ONE:
                self.rest[k].append(total ^ turn)
                continue
            counts.update(_pair(total ^ turn, literal) for literal in own.values())
            own[total >> 1] = total ^ turn
            self.users.setdefault(total ^ turn, set()).add(k)
        for pair, count in counts.items():
            if count > 1:
                heappush(self.queue, (1 - count, *pair, 0))


def _pair(a: int, b: int) -> Pair:
    a, b = min(a, b), max(a, b)
    return a & ~1, b ^ (a & 1)
