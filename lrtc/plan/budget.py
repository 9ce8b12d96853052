"""Which folding of every layer: the least area that is fast enough, or the fastest that fits, by an exact search.

A layer's cycles depend on its own folding and areas add up, so the least sum over all foldings is found exactly, by
fronts of undominated sums. Only queues, which the timing model sizes afterwards, are left out: their area is the most
that a plan may lie above the least.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from lrtc.plan.cost import NOTHING, Area
from lrtc.plan.cost_fitted import estimate
from lrtc.plan.fold import WIRED, Given, LayerFold, fold_layer, legal_pe, legal_simd
from lrtc.plan.modules import end_parts, fold_parts
from lrtc.plan.stream import StreamLayer

BRAM_IN_LUTS = 150  # what a block RAM counts for where no budget says; devices have about 350 LUTs for each

Menu = Sequence["Option"]
Sums = Mapping[int, tuple[float, tuple[int, ...]]]  # half block RAMs → the least weight with them, the options chosen


# Of a flip-flop, the logic cell that no LUT shares with it, where the two are one cell: 0.53 of the digits on an UP5K,
# 0.55 on a GW1N-9, as nextpnr packs.
ALONE = 0.55
# What a flip-flop and a multiplier count for, in LUTs: what is tried, one after the other, where they are scarce.
WEIGHTS = ((0, 0), (0.5, 0), (1, 0), (0, 200), (2, 0), (1, 200), (0, 2_000), (2, 2_000))


@dataclass(frozen=True)
class Budget:
    """What a plan may take, of a family of devices; None: any number. brams: of the family's size. name: a device's."""

    luts: int | None = None
    brams: float | None = None
    family: str = "xc7"
    ffs: int | None = None
    dsps: int | None = None
    cells: int | None = None
    name: str = ""

    @property
    def bound(self) -> bool:
        return self.luts is not None or self.brams is not None

    @property
    def per_bram(self) -> float:
        """Return the LUTs that a block RAM counts for."""
        return BRAM_IN_LUTS if self.luts is None else 0

    def weight(self, area: Area) -> float:
        """Return what is least in the plan that is chosen."""
        return area.lut + self.per_bram * area.bram

    @property
    def text(self) -> str:
        """Return it in words."""
        limits = [(self.luts, "LUTs"), (self.brams, "block RAMs")]
        said = " and ".join(f"{n:,} {what}" for n, what in limits if n is not None)
        return f"{self.name} ({said})" if self.name else said

    def uses(self, area: Area) -> dict[str, tuple[float, float]]:
        """Return resource → (taken, limit) of what is limited."""
        cells = round(area.lut + ALONE * area.ff)
        rows = {
            "LUTs": (area.lut, self.luts),
            "logic cells": (cells, self.cells),
            "flip-flops": (area.ff, self.ffs),
            "block RAMs": (area.bram, self.brams),
            "multipliers": (area.dsp, self.dsps),
        }
        return {what: (n, limit) for what, (n, limit) in rows.items() if limit is not None}

    def shares(self, area: Area) -> str:
        """Return in words how much of each resource that takes."""
        rows = [(what, n, limit) for what, (n, limit) in self.uses(area).items() if n]
        said = ", ".join(f"{what} {n:,.10g} of {limit:,} ({n / limit:.0%})" for what, n, limit in rows if limit)
        return f"of what a plan may take of {self.name}: {said}" if self.name else f"of what was given: {said}"

    def over(self, area: Area) -> list[str]:
        """Return the resources of which that is too much."""
        return [what for what, (n, limit) in self.uses(area).items() if n > limit]


@dataclass(frozen=True)
class Option:
    """A folding of a layer and what it takes."""

    fold: LayerFold
    area: Area


def folded_area(layer: StreamLayer, fold: LayerFold, family: str) -> Area:
    """Return what a layer takes in this folding, with its queues, and with the network's end if it leaves it."""
    return estimate([*fold_parts(layer, fold), *(end_parts(layer, fold.pe) if layer.leaves else ())], family)


def total(options: Sequence[Option]) -> Area:
    """Return what options take together."""
    return sum((option.area for option in options), NOTHING)


def options(
    layer: StreamLayer, family: str, given: Given | None = None, wired: LayerFold | None = None
) -> tuple[Option, ...]:
    """Return every folding of a layer that no other one beats in cycles, LUTs, block RAMs, DSPs, the slowest first.

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
        if not any(_beats(other.area, one.area) for other in kept):
            kept.append(one)
    return tuple(reversed(kept))


def _beats(a: Area, b: Area) -> bool:
    return a.lut <= b.lut and a.bram <= b.bram and a.dsp <= b.dsp


def least(menus: Sequence[Menu], target: int, budget: Budget) -> tuple[Option, ...] | None:
    """Return the options of least area, one a layer, that take at most `target` cycles; None if none fits the budget.

    Without a number of block RAMs, one counts as BRAM_IN_LUTS, or as nothing if LUTs are limited. Layers with one
    option only may be slower. Where flip-flops, cells or multipliers are what does not fit, they get a weight, and the
    options are the least by that.
    """
    short: set[str] = set()
    for per_ff, per_dsp in WEIGHTS:
        if (per_ff and not short & {"flip-flops", "logic cells"}) or (per_dsp and "multipliers" not in short):
            continue
        chosen = _lightest(menus, target, budget, per_ff, per_dsp)
        if chosen is None:
            return None
        over = budget.over(total(chosen))
        if not over:
            return chosen
        if not short and "LUTs" in over:
            return None  # nothing takes fewer
        short |= {*over}
    return None


def _lightest(
    menus: Sequence[Menu], target: int, budget: Budget, per_ff: float = 0, per_dsp: float = 0
) -> tuple[Option, ...] | None:
    """Return the options of least weight within the block RAMs of the budget; None if these do not suffice."""
    most = None if budget.brams is None else int(2 * budget.brams)
    sums: Sums = {0: (0, ())}
    for menu in menus:
        fast = [
            (k, o.area.bram, o.area.lut + per_ff * o.area.ff + per_dsp * o.area.dsp)
            for k, o in enumerate(menu)
            if len(menu) == 1 or o.fold.cycles <= target
        ]
        if most is None:
            fast = sorted(fast, key=lambda o: (o[2] + budget.per_bram * o[1], o[1]))[:1]
        sums = _together(sums, fast, most)
        if not sums:
            return None
    _, chosen = min(sums.values(), key=lambda s: s[0])
    return tuple(menu[k] for menu, k in zip(menus, chosen, strict=True))


def _together(sums: Sums, fast: Sequence[tuple[int, float, float]], most: int | None) -> Sums:
    """Return the sums with one of the options (number, RAMs, weight) added, but for those that another one beats."""
    found: dict[int, tuple[float, tuple[int, ...]]] = {}
    for brams, (weight, chosen) in sums.items():
        for k, rams, own in fast:
            both, more = brams + int(2 * rams), weight + own
            if (most is None or both <= most) and (both not in found or found[both][0] > more):
                found[both] = (more, (*chosen, k))
    kept, best = {}, None
    for both in sorted(found):
        if best is None or found[both][0] < best:
            kept[both], best = found[both], found[both][0]
    return kept


def fastest(menus: Sequence[Menu], floor: int, budget: Budget) -> int | None:
    """Return the least number of cycles, `floor` or more, at which the budget holds; None if it never does."""
    tried = sorted({floor, *(o.fold.cycles for menu in menus for o in menu if o.fold.cycles > floor)})
    k = bisect_left(tried, True, key=lambda cycles: least(menus, cycles, budget) is not None)
    return tried[k] if k < len(tried) else None
