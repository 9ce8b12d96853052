"""Which folding of every layer: the least area that is fast enough, or the fastest that fits, by an exact search.

A layer's cycles depend on its own folding and areas add up, so the least sum over all foldings is found exactly, by
fronts of undominated sums. Only queues, which the timing model sizes afterwards, are left out: their area is the most
that a plan may lie above the least.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lrtc.plan.cost import Area, area
from lrtc.plan.fold import WIRED, Given, LayerFold, fold_layer, legal_pe, legal_simd
from lrtc.plan.modules import end_parts, fold_parts
from lrtc.plan.stream import StreamLayer

BRAM_IN_LUTS = 150  # what a block RAM counts for where no budget says; devices have about 350 LUTs for each

Menu = Sequence["Option"]
Sums = Mapping[int, tuple[int, tuple[int, ...]]]  # half block RAMs → the least LUTs with them, and the options chosen


@dataclass(frozen=True)
class Budget:
    """What a plan may take, of a family of devices: LUTs, block RAMs (of its size), None for any number."""

    luts: int | None = None
    brams: float | None = None
    family: str = "xc7"

    @property
    def bound(self) -> bool:
        return self.luts is not None or self.brams is not None


@dataclass(frozen=True)
class Option:
    """A folding of a layer and what it takes."""

    fold: LayerFold
    area: Area


def layer_area(layer: StreamLayer, fold: LayerFold, family: str) -> Area:
    """Return what the module of a layer takes in this folding, with its queues."""
    total = Area()
    for part in fold_parts(layer, fold):
        total += area(part, family)
    return total


def folded_area(layer: StreamLayer, fold: LayerFold, family: str) -> Area:
    """Return what a layer takes in this folding, with its queues, and with the network's end if it leaves it."""
    total = Area()
    for part in fold_parts(layer, fold):
        total += area(part, family)
    for part in end_parts(layer, fold.pe) if layer.leaves else ():
        total += area(part, family)
    return total


def queue_area(layer: StreamLayer, fold: LayerFold, family: str) -> Area:
    """Return what the queues of a layer take."""
    total = Area()
    for part in fold_parts(layer, fold):
        total += area(part, family) if part.module == "lrtc_fifo" else Area()
    return total


def options(
    layer: StreamLayer, family: str, given: Given | None = None, wired: LayerFold | None = None
) -> tuple[Option, ...]:
    """Return every folding of a layer that no other one beats in cycles, LUTs and block RAMs, the slowest first.

    wired: what the layer is with its weights as wires, if it may be; the only choice where WIRED is given.
    """
    if not layer.has_weights or given is not None:
        fold = wired if given == WIRED and wired else fold_layer(layer, given or (0, 0))
        return (Option(fold, folded_area(layer, fold, family)),)
    folds = [fold_layer(layer, (pe, simd)) for pe in legal_pe(layer) for simd in legal_simd(layer)]
    folds += [wired] if wired else []
    every = [Option(fold, folded_area(layer, fold, family)) for fold in folds]
    kept: list[Option] = []
    for one in sorted(every, key=lambda o: (o.fold.cycles, o.area.lut, o.area.bram, o.fold.pe)):
        if not any(other.area.lut <= one.area.lut and other.area.bram <= one.area.bram for other in kept):
            kept.append(one)
    return tuple(reversed(kept))


def least(menus: Sequence[Menu], target: int, budget: Budget) -> tuple[Option, ...] | None:
    """Return the options of least area, one a layer, that take at most `target` cycles; None if none fits the budget.

    Without a number of block RAMs, one counts as BRAM_IN_LUTS, or as nothing if LUTs are limited. Layers with one
    option only may be slower.
    """
    weight = BRAM_IN_LUTS if budget.luts is None else 0
    most = None if budget.brams is None else int(2 * budget.brams)
    sums: Sums = {0: (0, ())}
    for menu in menus:
        fast = [(k, o.area) for k, o in enumerate(menu) if len(menu) == 1 or o.fold.cycles <= target]
        if most is None:
            fast = sorted(fast, key=lambda o: (o[1].lut + weight * o[1].bram, o[1].bram))[:1]
        sums = _together(sums, fast, most)
        if not sums:
            return None
    luts, chosen = min(sums.values(), key=lambda s: s[0])
    if budget.luts is not None and luts > budget.luts:
        return None
    return tuple(menu[k] for menu, k in zip(menus, chosen, strict=True))


def _together(sums: Sums, fast: Sequence[tuple[int, Area]], most: int | None) -> Sums:
    """Return the sums with one of the options (number, area) added, but for those that take more than another."""
    found: dict[int, tuple[int, tuple[int, ...]]] = {}
    for brams, (luts, chosen) in sums.items():
        for k, area_ in fast:
            total, more = brams + int(2 * area_.bram), luts + area_.lut
            if (most is None or total <= most) and (total not in found or found[total][0] > more):
                found[total] = (more, (*chosen, k))
    kept, best = {}, None
    for total in sorted(found):
        if best is None or found[total][0] < best:
            kept[total], best = found[total], found[total][0]
    return kept


def fastest(menus: Sequence[Menu], floor: int, budget: Budget) -> int | None:
    """Return the least number of cycles, `floor` or more, at which the budget holds; None if it never does."""
    tried = sorted({floor, *(o.fold.cycles for menu in menus for o in menu if o.fold.cycles > floor)})
    k = bisect_left(tried, True, key=lambda cycles: least(menus, cycles, budget) is not None)
    return tried[k] if k < len(tried) else None
