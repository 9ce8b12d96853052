"""Many plans of one network, from the fastest to the smallest: candidates, and which of them no other one beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lrtc.errors import LrtcError
from lrtc.plan.budget import Budget, options
from lrtc.plan.folding import plan_folding, plan_stream
from lrtc.plan.stream import StreamLayer


@dataclass(frozen=True)
class Candidate:
    """What to plan: a network as layers, cycles an image, what may be taken. Plain data, so that any process can."""

    layers: tuple[StreamLayer, ...]
    target: int
    budget: Budget
    to_class: bool = False


@dataclass(frozen=True)
class Point:
    """A plan in numbers: cycles an image and to the first answer, estimated area. best: no other point beats it in
    cycles, LUTs and block RAMs together. folds: layer → (pe, simd). why: it could not be planned.
    """

    target: int
    interval: int = 0
    latency: int = 0
    luts: int = 0
    ffs: int = 0
    brams: float = 0
    bottleneck: str = ""
    folds: tuple[tuple[str, int, int], ...] = ()
    best: bool = False
    why: str = ""


def candidates(
    layers: Sequence[StreamLayer], count: int, budget: Budget | None = None, to_class: bool = False
) -> list[Candidate]:
    """Return at most `count` candidates: cycles an image from the least to those of the smallest folding, in ratios."""
    budget = budget or Budget()
    floor = plan_folding(layers).target
    free = Budget(family=budget.family)
    most = max(floor, *(max(o.fold.cycles for o in options(layer, free.family)) for layer in layers))
    steps = max(1, count - 1)
    targets = sorted({round(floor * (most / floor) ** (k / steps)) for k in range(count)})
    return [Candidate(tuple(layers), target, budget, to_class) for target in targets]


def planned(candidate: Candidate) -> Point:
    """Return the plan of a candidate in numbers, or why there is none."""
    try:
        plan = plan_stream(candidate.layers, candidate.target, to_class=candidate.to_class, budget=candidate.budget)
    except LrtcError as error:
        return Point(candidate.target, why=error.summary)
    area, folds = plan.area, tuple((f.name, f.pe, f.simd) for f in plan.layers if f.slots)
    return Point(candidate.target, plan.interval, plan.latency, area.lut, area.ff, area.bram, plan.bottleneck, folds)


def front(points: Sequence[Point]) -> list[Point]:
    """Return the points, the fastest first and each plan once, those marked that no other one beats."""
    once = {(p.interval, p.luts, p.brams, p.folds): p for p in points if not p.why}
    kept = sorted(once.values(), key=lambda p: (p.interval, p.luts, p.brams))
    numbers = [(p.interval, p.luts, p.brams) for p in kept]
    found = [
        replace(p, best=not any(_beats(other, mine) for other in numbers))
        for p, mine in zip(kept, numbers, strict=True)
    ]
    return [*found, *(p for p in points if p.why)]


def _beats(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))
