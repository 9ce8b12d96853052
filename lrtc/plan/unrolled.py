"""The unrolled style: the stages of a stream, with the weights of every layer wired in and a window a cycle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from lrtc.errors import Fault
from lrtc.ir import Graph
from lrtc.plan.cost import NOTHING, Area, area
from lrtc.plan.fold import FoldPlan, LayerFold
from lrtc.plan.folding import plan_folding
from lrtc.plan.hardwired import Wired, decided, summed
from lrtc.plan.modules import end_parts, layer_parts
from lrtc.plan.queues import with_queues
from lrtc.plan.stream import StreamLayer, absorbed_posts

LEVELS = 4  # gates in a row between two registers, by default
SITES = 0.41  # LUT6 sites a gate, as `make bench-hw` maps them
MOST_PRODUCTS = 1 << 20  # of a layer: above, generating it takes minutes and no device holds it


def unrolled_faults(layers: Sequence[StreamLayer]) -> list[Fault]:
    """Return which layers are too large to be wired in."""
    return [
        Fault(
            layer.origin or layer.name,
            f"{layer.outputs * layer.fan:,} weights are too many to be wires; at most {MOST_PRODUCTS:,} a layer are "
            "supported: use --style stream",
        )
        for layer in layers
        if layer.has_weights and layer.outputs * layer.fan > MOST_PRODUCTS
    ]


def wire_layers(graph: Graph, layers: Sequence[StreamLayer], levels: int = LEVELS) -> dict[str, Wired]:
    """Return layer → its netlist, with a register after `levels` gates, for every layer with weights."""
    return {layer.name: wire_layer(graph, layer, levels) for layer in layers if layer.has_weights}


def wire_layer(graph: Graph, layer: StreamLayer, levels: int) -> Wired:
    """Return the netlist of a layer, its threshold included if that gives ±1, on the bits of a window.

    Where the input is ±1 and padded, the valid bits of the taps follow the window's bits.
    """
    weights, elem = _full_weights(graph, layer), layer.input.elem
    taps = layer.window.taps if layer.masks_taps else 0
    if not absorbed_posts(layer):
        return summed(weights, elem, layer.node.type.elem.bits, levels, taps)
    level, flip = graph.const(layer.posts[0].ins[1])
    return decided(weights, level, flip, elem, levels, taps)


def _full_weights(graph: Graph, layer: StreamLayer) -> np.ndarray:
    """Return weights int64 [O, whole window]: 0 outside the group of an output."""
    own = graph.const(layer.node.ins[1]).astype(np.int64).reshape(layer.outputs, layer.window.taps, -1)
    groups, channels = layer.groups, own.shape[2]
    full = np.zeros((layer.outputs, layer.window.taps, groups, channels), np.int64)
    group = np.arange(layer.outputs) * groups // layer.outputs
    full[np.arange(layer.outputs), :, group] = own
    return full.reshape(layer.outputs, -1)


def plan_unrolled(layers: Sequence[StreamLayer], wired: Mapping[str, Wired], to_class: bool) -> FoldPlan:
    """Return the plan with the layers in `wired` hard-wired, its queues, interval and latency."""
    plan = plan_folding(layers, None, {layer.name: (layer.outputs, layer.fan) for layer in layers if layer.has_weights})
    stages = {name: own.stages for name, own in wired.items()}
    folds = tuple(replace(fold, stages=stages.get(fold.name, 0)) for fold in plan.layers)
    plan = with_queues(layers, replace(plan, layers=folds), to_class)
    sized = (
        replace(fold, area=_area(layer, fold, wired.get(fold.name)))
        for layer, fold in zip(layers, plan.layers, strict=True)
    )
    return replace(plan, layers=tuple(sized))


def _area(layer: StreamLayer, fold: LayerFold, wired: Wired | None) -> Area:
    """Return what a layer takes, its weights being the netlist `wired` if there is one."""
    parts = [*layer_parts(layer, fold.pe, fold.simd, fold.queues), *(end_parts(layer, fold.pe) if layer.leaves else ())]
    done = ("lrtc_mvu", "lrtc_rom", *(("lrtc_threshold",) if absorbed_posts(layer) else ())) if wired else ()
    own = Area(round(SITES * len(wired.gates)), wired.flops + wired.stages) if wired else NOTHING
    return sum((area(part) for part in parts if part.module not in done), own)
