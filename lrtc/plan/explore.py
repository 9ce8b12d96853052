"""Many plans of one network, from the fastest to the smallest: candidates, and which of them no other one beats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lrtc.errors import LrtcError
from lrtc.plan.budget import Budget, Menu, folded_area, options
from lrtc.plan.fold import LayerFold
from lrtc.plan.folding import plan_folding, plan_stream
from lrtc.plan.stream import StreamLayer
from lrtc.plan.wiring import Counted, Wiring


@dataclass(frozen=True)
class Candidate:
    """What to plan: a network as layers, cycles an image, what may be taken. Plain data, so that any process can.

    wires: what layers are with their weights as wires.
    """

    layers: tuple[StreamLayer, ...]
    target: int
    budget: Budget
    to_class: bool = False
    wires: tuple[LayerFold, ...] = ()


@dataclass(frozen=True)
class Point:
    """A plan in numbers: cycles an image and to the first answer, estimated area. best: no other point beats it in
    cycles, LUTs, block RAMs and DSPs together. folds: layer → (pe, simd). wired: layers whose weights are wires. why:
    it could not be planned.
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
    dsps: int = 0
    wired: tuple[str, ...] = ()


def candidates(
    layers: Sequence[StreamLayer], count: int, budget: Budget | None = None, to_class: bool = False,
    wiring: Wiring | None = None,
) -> list[Candidate]:  # fmt: skip
    """Return at most `count` candidates: cycles an image from the least to those of the smallest folding, in ratios.

    wiring: of weights that may be wires; netlists are made here, once, of layers that may be smaller so.
    """
    budget = budget or Budget()
    floor = plan_folding(layers).target
    menus = {layer.name: options(layer, budget.family) for layer in layers}
    most = max(floor, *(max(o.fold.cycles for o in menu) for menu in menus.values()))
    steps = max(1, count - 1)
    targets = sorted({round(floor * (most / floor) ** (k / steps)) for k in range(count)})
    wires = tuple(
        wiring.exact(layer) for layer in layers if wiring and layer.has_weights
        and _pays(layer, wiring.guess(layer), menus[layer.name], floor, budget.family)
    )  # fmt: skip
    return [Candidate(tuple(layers), target, budget, to_class, wires) for target in targets]


def _pays(layer: StreamLayer, wired: LayerFold | None, menu: Menu, floor: int, family: str) -> bool:
    """Return whether a layer may take fewer LUTs as wires than folded, at the greatest rate that the network has."""
    if wired is None:
        return False
    fast = [o.area.lut for o in menu if o.fold.cycles <= max(floor, wired.cycles)]
    return not fast or folded_area(layer, wired, family).lut < min(fast)


def planned(candidate: Candidate) -> Point:
    """Return the plan of a candidate in numbers, or why there is none."""
    wiring = Counted({fold.name: fold for fold in candidate.wires})
    try:
        plan = plan_stream(candidate.layers, candidate.target, None, candidate.to_class, candidate.budget, wiring)
    except LrtcError as error:
        return Point(candidate.target, why=error.summary)
    area, wired = plan.area, tuple(f.name for f in plan.layers if f.stages)
    return Point(
        candidate.target, plan.interval, plan.latency, area.lut, area.ff, area.bram, plan.bottleneck,
        tuple((f.name, f.pe, f.simd) for f in plan.layers if f.slots), dsps=area.dsp, wired=wired,
    )  # fmt: skip


def front(points: Sequence[Point]) -> list[Point]:
    """Return the points, the fastest first and each plan once, those marked that no other one beats."""
    once = {(p.interval, p.luts, p.brams, p.folds, p.wired): p for p in points if not p.why}
    kept = sorted(once.values(), key=lambda p: (p.interval, p.luts, p.brams))
    numbers = [(p.interval, p.luts, p.brams, p.dsps) for p in kept]
    found = [
        replace(p, best=not any(_beats(other, mine) for other in numbers))
        for p, mine in zip(kept, numbers, strict=True)
    ]
    return [*found, *(p for p in points if p.why)]


def _beats(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))
