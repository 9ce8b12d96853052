"""The arena: nothing alive overlaps, nothing is smaller than the peak, few buffers are placed optimally."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest
from c_programs import to_c
from graphs_dag import random_dag
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtc.plan.arena import Arena, Buffer, Slot, _Search, live_peak, plan_arena

INTERVAL = st.tuples(st.integers(0, 200), st.integers(0, 12), st.integers(0, 6))


def buffers(rows) -> list[Buffer]:
    return [Buffer(f"v{i}", size, first, first + life) for i, (size, first, life) in enumerate(rows)]


@settings(deadline=None)
@given(st.lists(INTERVAL, max_size=9), st.sampled_from((1, 4, 16)))
def test_live_buffers_never_overlap(rows, align):
    arena = plan_arena(buffers(rows), align)
    assert sorted(slot.buffer.name for slot in arena.slots) == [f"v{i}" for i in range(len(rows))]
    for slot in arena.slots:
        size = rows[int(slot.buffer.name[1:])][0]
        assert slot.offset % align == 0
        assert slot.offset >= 0
        assert slot.buffer.size >= size
        assert slot.end <= arena.size
    for a, b in combinations(arena.slots, 2):
        if a.buffer.meets(b.buffer):
            assert a.end <= b.offset or b.end <= a.offset, (a, b)
    assert arena.size >= arena.peak


@settings(deadline=None, max_examples=30)
@given(st.lists(INTERVAL, min_size=1, max_size=5))
def test_few_buffers_are_placed_as_well_as_by_any_order(rows):
    items = buffers(rows)
    best = min(_bottom_up(order) for order in permutations(items))
    assert plan_arena(items, 1).size == best


@settings(deadline=None, max_examples=60)
@given(st.lists(INTERVAL, min_size=6, max_size=9))
def test_what_is_called_least_is_and_else_the_gap_is_stated(rows):
    """Held against another search: over all sets of offsets, for small sizes."""
    items = buffers([(size % 5, first, life) for size, first, life in rows])
    arena = plan_arena(items, 1)
    assert arena.peak == live_peak(items) <= arena.size
    if arena.size > arena.peak:
        assert not (arena.searched and _placeable(items, arena.size - 1))
        assert f"{arena.size:,} bytes" in arena.text
        assert f"{arena.peak:,} bytes are alive at once" in arena.text
    assert ("the least possible in this order" in arena.text) == arena.is_least


def _placeable(items: list[Buffer], size: int, placed: tuple = ()) -> bool:
    """Return whether the buffers fit `size` bytes, by trying every offset of one after the other."""
    if len(placed) == len(items):
        return True
    b = items[len(placed)]
    free = (
        o for o in range(size - b.size + 1)
        if all(o + b.size <= lo or o >= lo + p.size for lo, p in placed if p.meets(b) and p.size and b.size)
    )  # fmt: skip
    return any(_placeable(items, size, (*placed, (o, b))) for o in free)


@settings(deadline=None, max_examples=40)
@given(st.lists(INTERVAL, min_size=2, max_size=6))
def test_the_search_ends_at_an_optimum(rows):
    """From a bad placement, and with no peak to stop at."""
    items = buffers([(size % 5, first, life) for size, first, life in rows])
    stacked = tuple(Slot(b, sum(a.size for a in items[:i])) for i, b in enumerate(items))
    search = _Search(items, stacked, -1)
    search.run((), 0)
    size = max(slot.end for slot in search.best)
    assert search.left > 0
    assert _placeable(items, size)
    assert size == 0 or not _placeable(items, size - 1)


def test_a_gap_is_stated_when_the_search_is_cut():
    rows = [(7, 4, 3), (7, 3, 1), (4, 5, 4), (6, 6, 0), (5, 1, 4), (1, 4, 2), (2, 3, 3), (3, 0, 4)]
    proven = plan_arena(buffers(rows), 1)
    assert proven.is_least
    cut = Arena(proven.slots, proven.size + 3, proven.peak, 1)
    assert not cut.is_least
    assert f"{proven.peak:,} bytes are alive at once: at most {cut.size - cut.peak} more than the least" in cut.text
    by_search = Arena(proven.slots, proven.size + 3, proven.peak, 1, searched=True)
    assert by_search.text.endswith("and no placement is smaller")


def test_random_graphs_say_how_good_their_arena_is():
    """Of drawn DAGs: what is called the peak is what is alive, counted from reads and writes of the steps."""
    gaps = 0
    for seed in range(30):
        plan = to_c(random_dag(seed), images=1).plan
        arena, spans = plan.arena, [(s.buffer.first, s.buffer.last, s.buffer.size) for s in plan.arena.slots]
        alive = [sum(size for a, b, size in spans if a <= i <= b) for i in range(len(plan.steps))]
        assert arena.peak == max(alive, default=0)
        assert arena.is_least or "more than the least possible" in arena.text
        gaps += not arena.is_least
    assert gaps <= 1, "the search proves nearly all of them"


def _bottom_up(order) -> int:
    """Return the size that plain first fit by exhaustive search over offsets reaches."""
    placed = []
    for b in order:
        taken = [(o, o + p.size) for o, p in placed if p.meets(b)]
        ends = sorted([0, *(end for _, end in taken)])
        offset = next(o for o in ends if all(o + b.size <= lo or o >= hi for lo, hi in taken))
        placed.append((offset, b))
    return max(o + b.size for o, b in placed)


def test_a_chain_needs_its_widest_pair():
    chain = [Buffer("a", 100, 0, 1), Buffer("b", 40, 1, 2), Buffer("c", 80, 2, 3), Buffer("d", 10, 3, 4)]
    arena = plan_arena(chain)
    assert (arena.size, arena.peak, arena.is_least) == (140, 140, True)
    assert live_peak(chain) == 140


def test_sizes_are_rounded_up_to_the_alignment():
    arena = plan_arena([Buffer("a", 3, 0, 1), Buffer("b", 5, 0, 1)])
    assert arena.size == 12
    assert {arena.offset("a"), arena.offset("b")} in ({0, 4}, {0, 8})


def test_no_buffers_need_no_arena():
    assert plan_arena([]).size == 0


TWINS = [Buffer("a", 1, 0, 1), Buffer("a", 1, 2, 3)]


@pytest.mark.parametrize("bad", [TWINS, [Buffer("a", -1, 0, 1)], [Buffer("a", 1, 2, 1)]])
def test_nonsense_is_refused(bad):
    with pytest.raises(ValueError, match="buffer"):
        plan_arena(bad)
