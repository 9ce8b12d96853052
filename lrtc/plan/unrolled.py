"""Which layers are hard-wired: those that a style or an option says, or those that take less so, by estimate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lrtc.errors import Fault
from lrtc.plan.budget import folded_area
from lrtc.plan.budget import options as options_of
from lrtc.plan.fold import WIRED, FoldPlan, Given, LayerFold, given_folds
from lrtc.plan.stream import StreamLayer
from lrtc.plan.wiring import Wiring

STYLES = ("auto", "stream", "unrolled")
MOST_PRODUCTS = 1 << 20  # of a layer: above, generating it takes minutes and no device holds it


def style_of(options: Mapping[str, object]) -> str:
    """Return the style: the one that was asked for; else "auto" if there is a rate or an area to choose by.

    What is wired cannot be loaded, so that reloadable networks are streams.
    """
    budget = options.get("budget")
    wanted = options.get("target_cycles") or (budget is not None and budget.bound)
    if options.get("reloadable") and options.get("style") in (None, "auto"):
        return "stream"
    return str(options.get("style") or ("auto" if wanted else "stream"))


def all_wired(layers: Sequence[StreamLayer]) -> dict[str, str]:
    """Return the folding in which the weights of every layer are wires."""
    return {layer.name: WIRED for layer in layers if layer.has_weights}


def wiring_faults(layers: Sequence[StreamLayer], fold: Mapping[str, object]) -> list[Fault]:
    """Return which layers are to be wired in and too large for it."""
    return [
        Fault(
            layer.origin or layer.name,
            f"{layer.outputs * layer.fan:,} weights are too many to be wires; at most {MOST_PRODUCTS:,} a layer are "
            "supported: use --style stream",
        )
        for layer in layers
        if layer.has_weights and layer.outputs * layer.fan > MOST_PRODUCTS
        and WIRED in (fold.get(layer.name), fold.get(layer.origin))
    ]  # fmt: skip


def reasons(
    layers: Sequence[StreamLayer], plan: FoldPlan, options: Mapping[str, object], wiring: Wiring, family: str
) -> tuple[str, ...]:
    """Return why the weights of layers lie in memories or are wires, a line each; areas are estimated.

    options: those of the target, in which no style may be given.
    """
    style = style_of(options)
    if style != "auto":
        why = "" if options.get("style") else ": neither a rate nor an area to choose another by"
        why = ": what can be loaded lies in memories" if options.get("reloadable") else why
        return (f"style {style}{why}",)
    given = given_folds(layers, options.get("fold") or {}, wires=True)
    lines = ["style auto: as wires or folded, whichever is estimated to take fewer LUTs at this rate"]
    for layer, fold in zip(layers, plan.layers, strict=True):
        if layer.has_weights:
            lines.append(f"  {layer.name}: {_reason(layer, fold, plan.target, given, wiring, family)}")
    return tuple(lines)


def _reason(
    layer: StreamLayer, fold: LayerFold, target: int, given: Mapping[str, Given], wiring: Wiring, family: str
) -> str:
    if layer.name in given:
        return "as was asked for"
    bare = replace(fold, queues=(0,) * len(fold.queues))
    mine = folded_area(layer, bare, family).lut
    if fold.stages:
        menu = [option for option in options_of(layer, family) if option.fold.cycles <= target]
        if not menu:
            return f"wires, {mine:,} LUTs; no folding is as fast"
        other = min(menu, key=lambda option: option.area.lut)
        return f"wires, {mine:,} LUTs; folded to {other.fold.pe} × {other.fold.simd} they would be {other.area.lut:,}"
    wired = wiring.guess(layer)
    if wired is None:
        return f"folded, {mine:,} LUTs; too many weights to be tried as wires"
    took, about = folded_area(layer, wired, family).lut, "" if layer.name in wiring.made else "about "
    return f"folded, {mine:,} LUTs; as wires they would be {about}{took:,}"


def wired_names(plan: FoldPlan) -> tuple[str, ...]:
    """Return the layers whose weights are wires."""
    return tuple(fold.name for fold in plan.layers if fold.stages)
