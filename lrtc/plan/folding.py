"""A FoldPlan for a number of cycles an image, for a budget, or for both; what cannot be met is told, with what can."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lrtc.errors import LrtcError
from lrtc.plan.budget import Budget, Menu, fastest, folded_area, least, options, total
from lrtc.plan.fold import (
    WIRED,
    FoldPlan,
    Given,
    LayerFold,
    ends,
    given_folds,
    least_cycles,
    named_beats,
    ranked_at_once,
)
from lrtc.plan.queues import with_queues
from lrtc.plan.stream import StreamLayer, legal_widths, stream_inputs, stream_outputs
from lrtc.plan.wiring import Wiring

TRIES = 8  # foldings whose queues are sized
FASTER = 4  # plans for fewer cycles that are tried where only an area was given


def plan_stream(
    layers: Sequence[StreamLayer],
    target: int | None = None,
    fold: Mapping[str, Given] | None = None,
    to_class: bool = False,
    budget: Budget | None = None,
    wiring: Wiring | None = None,
) -> FoldPlan:
    """Return the folding (see `plan_folding`), the queues, and the interval, latency and area that they give.

    Layers wait for each other, so that an image may take longer than in the slowest layer alone, and queues take area:
    where that breaks the target or the budget, the folding is chosen again for a tighter one. LrtcError if none that
    was tried meets them.
    """
    budget = budget or Budget()
    try:
        return _planned(layers, target, fold, to_class, budget, wiring)
    except _Misfit as error:
        if target is None:
            raise
        raise _reachable(error, layers, fold, to_class, budget, wiring) from None


def _planned(layers, target: int | None, fold, to_class: bool, budget: Budget, wiring: Wiring | None) -> FoldPlan:
    aim, room, tried, first = target, budget, [], None
    while len(tried) < TRIES:
        try:
            plan = plan_folding(layers, aim, fold, room, wiring)
        except LrtcError:
            if not tried:
                raise
            break
        if any(ranked_at_once(*pair, to_class) for pair in zip(layers, plan.layers, strict=True) if pair[0].leaves):
            plan = replace(plan, outputs=(("", 1),))
        first = first or plan
        plan = _estimated(layers, with_queues(layers, plan, to_class), budget)
        tried.append(plan)
        late = 0 if target is None else plan.interval - max(target, plan.bound)
        over = budget.over(plan.area)
        if late <= 0 and not over:
            if target is not None and len(tried) > 1:
                plan = _lighter(layers, plan, first, fold or {}, to_class, budget)
            plan = replace(plan, target=tried[0].target, least=plan.least if target is None else tried[0].least)
            return plan if target or not budget.bound else _faster(layers, plan, fold, to_class, budget, wiring)
        aim = aim - late if late > 0 else aim
        room = _tighter(room, budget, plan, over)
    best = min(tried, key=lambda plan: plan.interval)
    over = budget.over(best.area)
    raise (_Misfit if over else LrtcError)(
        f"{_wanted(target, budget)} cannot be met: with queues an image takes {best.interval:,} cycles and "
        f"{best.area.text}; {best.bottleneck} is the slowest",
        hint=f"ask for at least {best.interval} cycles an image" if target and not over else f"give more {over[0]}",
    )


class _Misfit(LrtcError):
    """A budget that cannot be met."""


def _reachable(error: LrtcError, layers, fold, to_class: bool, budget: Budget, wiring: Wiring | None) -> LrtcError:
    """Return the error with the fastest plan that fits, queues included, if it is the rate that is too much."""
    try:
        best = _planned(layers, None, fold, to_class, budget, wiring)
    except LrtcError:
        return error
    hint = f"the fastest that fits takes {best.interval:,} cycles an image; {best.bottleneck} is its slowest stage"
    return LrtcError(error.summary, hint=hint)


def _tighter(room: Budget, budget: Budget, plan: FoldPlan, over: Sequence[str]) -> Budget:
    """Return a budget that leaves room for what queues take beyond it."""
    fields = {"LUTs": "luts", "flip-flops": "ffs", "logic cells": "cells", "block RAMs": "brams"}
    less = {}
    for what in over:
        if what in fields:
            taken, limit = budget.uses(plan.area)[what]
            less[fields[what]] = getattr(room, fields[what]) - (taken - limit)
    return replace(room, **less)


def _lighter(layers, plan: FoldPlan, first: FoldPlan, fold, to_class: bool, budget: Budget) -> FoldPlan:
    """Return a plan that meets target and budget as `plan` does and takes less, if one is found.

    A tighter target makes every layer faster, a tighter budget every memory smaller. Often it is enough that one layer
    of the `first` folding, which queues have made too slow or too large, is faster: then others need shorter queues.
    """
    limit = max(first.target, plan.bound)
    tries = []
    for k, (layer, now) in enumerate(zip(layers, first.layers, strict=True)):
        if layer.has_weights and not now.stages and not {layer.name, layer.origin} & {*fold}:
            tries += [
                replace(first, layers=(*first.layers[:k], option.fold, *first.layers[k + 1 :]))
                for option in options(layer, budget.family)
                if option.fold.cycles < now.cycles
            ]
    tries = [_estimated(layers, trial, budget) for trial in tries]
    for trial in sorted(tries, key=lambda trial: budget.weight(trial.area))[:TRIES]:
        if budget.weight(trial.area) >= budget.weight(plan.area):
            break
        trial = _estimated(layers, with_queues(layers, trial, to_class), budget)
        if trial.interval <= limit and not budget.over(trial.area):
            return min(plan, trial, key=lambda found: budget.weight(found.area))
    return plan


def _faster(layers, plan: FoldPlan, fold, to_class: bool, budget: Budget, wiring: Wiring | None) -> FoldPlan:
    """Return a plan within the budget that is faster than one that its queues have made slower, if one is found."""
    low = plan.target
    for _ in range(FASTER):
        middle = (low + plan.interval) // 2
        if middle <= low:
            break
        try:
            plan = _planned(layers, middle, fold, to_class, budget, wiring)
        except LrtcError:
            low = middle
    return plan


def _estimated(layers: Sequence[StreamLayer], plan: FoldPlan, budget: Budget) -> FoldPlan:
    """Return the plan with the area of every layer."""
    folds = zip(layers, plan.layers, strict=True)
    return replace(
        plan, layers=tuple(replace(fold, area=folded_area(layer, fold, budget.family)) for layer, fold in folds)
    )


def _wanted(target: int | None, budget: Budget) -> str:
    """Return what was asked for, in words."""
    wants = [] if target is None else [f"{target:,} cycles an image"]
    return " and ".join([*wants, *([budget.text] if budget.bound else [])])


def plan_folding(
    layers: Sequence[StreamLayer],
    target: int | None = None,
    fold: Mapping[str, Given] | None = None,
    budget: Budget | None = None,
    wiring: Wiring | None = None,
) -> FoldPlan:
    """Return the folding of the least area such that no stage needs more than `target` cycles an image.

    Without a target: the fastest that fits the budget; without either, the cycles of the slowest stage that folding
    cannot change. fold: layer (value name or origin) → (pe, simd) or "wired", which the target does not bind. LrtcError
    names every illegal folding with the legal ones, and what cannot be met with the best that can. wiring: of a target
    whose weights can be wires.
    """
    budget = budget or Budget()
    given = given_folds(layers, fold or {}, wiring is not None)
    inputs = named_beats((name, layer.type_of(name).size // layer.width) for name, layer in _inputs(layers))
    outputs = named_beats((layer.value, layer.output.size) for layer in stream_outputs(layers))
    floor = _floor(layers, inputs, outputs, target)
    while True:
        menus = [
            options(layer, budget.family, given.get(layer.name), _wired(layer, given.get(layer.name), wiring))
            for layer in layers
        ]
        aim = target if target is not None else fastest(menus, floor, budget) if budget.bound else floor
        chosen = least(menus, aim, budget) if aim is not None else None
        if chosen is None:
            raise _misfit(layers, menus, floor, aim, budget)
        unmade = [
            layer for layer, option in zip(layers, chosen, strict=True)
            if wiring and option.fold.stages and layer.name not in wiring.made
        ]  # fmt: skip
        for layer in unmade:
            wiring.make(layer)
        if not unmade:  # else what they take is known now, and may be more than a folding does
            fewest = total(least(menus, aim, Budget(budget.luts, budget.brams, budget.family))).lut
            return FoldPlan(tuple(option.fold for option in chosen), inputs, outputs, aim, least=fewest)


def _wired(layer: StreamLayer, given: Given | None, wiring: Wiring | None) -> LayerFold | None:
    """Return what a layer is with its weights as wires, if that is asked for or may be chosen."""
    if wiring is None or not layer.has_weights:
        return None
    if given == WIRED:
        return wiring.exact(layer)
    return wiring.guess(layer) if wiring.free and given is None else None


def _inputs(layers: Sequence[StreamLayer]):
    return stream_inputs(layers).items()


def _floor(layers, inputs, outputs, target: int | None) -> int:
    """Return the cycles that no folding goes below; LrtcError if the target does."""
    floors = {layer.name: least_cycles(layer, 1) for layer in layers}
    floors = ends("input", inputs) | floors | ends("output", outputs)
    floor = max(floors.values())
    if target is not None and target < floor:
        slowest = max(floors, key=floors.__getitem__)
        wider = _wider(layers, target) if slowest.startswith("input") or _is_serial(layers, slowest) else None
        hint = f"ask for at least {floor} cycles an image" + (
            f", or send {wider} elements a beat (--input-lanes {wider})" if wider else ""
        )
        raise LrtcError(f"a target of {target} cycles an image cannot be met: {slowest} needs {floor}", hint=hint)
    return floor


def _is_serial(layers: Sequence[StreamLayer], name: str) -> bool:
    return any(layer.serial for layer in layers if layer.name == name)


def _wider(layers: Sequence[StreamLayer], target: int) -> int | None:
    """Return the least legal number of elements in a beat with which every input takes no more than `target` cycles."""
    legal = set.intersection(*(set(legal_widths(layer, name)) for name, layer in _inputs(layers)))
    sizes = [layer.type_of(name).size for name, layer in _inputs(layers)]
    return min((width for width in legal if all(size <= target * width for size in sizes)), default=None)


def _misfit(layers: Sequence[StreamLayer], menus: Sequence[Menu], floor: int, target: int | None, budget: Budget):
    """Return the error of a budget that cannot be met: the best that can, what is short, the layer that takes most."""
    best = fastest(menus, floor, budget)
    slowest = max((o.fold.cycles for menu in menus for o in menu), default=floor)
    aim = max(slowest if target is None or best is None else target, floor)
    anyhow = least(menus, aim, Budget(None, budget.brams, budget.family)) or least(
        menus, aim, Budget(family=budget.family)
    )
    took, over = total(anyhow), budget.over(total(anyhow)) or ["LUTs"]
    worst = max(anyhow, key=lambda o: budget.uses(o.area).get(over[0], (o.area.lut,)))
    hint = f"the fastest that fits takes {best:,} cycles an image, queues left out" if best else "no folding takes less"
    return _Misfit(
        f"{_wanted(target if best else None, budget)} cannot be met for lack of {over[0]}: {took.text} are the least "
        f"estimated, of which {worst.fold.name} takes {worst.area.text}",
        hint=hint,
    )
