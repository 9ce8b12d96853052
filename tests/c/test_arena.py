"""The arena: nothing alive overlaps, nothing is smaller than the peak, few buffers are placed optimally."""

from __future__ import annotations

from itertools import combinations, permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtc.plan.arena import Buffer, live_peak, plan_arena

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
