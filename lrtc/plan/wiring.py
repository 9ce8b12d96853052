"""Layers whose weights are wires: their netlists, made when a plan takes them, and what they would take before that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lrtc.ir import Graph
from lrtc.plan.fold import LayerFold, wired_fold
from lrtc.plan.hardwired import Wired, decided, summed
from lrtc.plan.stream import StreamLayer, absorbed_posts

LEVELS = 8  # gates in a row between two registers, by default (D99)
# Heap bits of a layer that a plan considers as wires by itself: netlists of more take over some seconds to make.
MOST_DENSE, MOST_SPARSE = 1 << 16, 1 << 13
# Gates a heap bit, and flip-flops a gate where every gate has a register: little, as measured, so that what might pay
# is made, and then counted.
DENSE_GATES, SPARSE_GATES, FLOPS = 0.75, 1.25, 1.2


@dataclass
class Wiring:
    """The netlists of a graph's layers, a register after `levels` gates, each made once.

    free: whether a plan may wire layers by itself, not only those that it is told to.
    """

    graph: Graph
    levels: int = LEVELS
    free: bool = False
    made: dict[str, Wired] = field(default_factory=dict)

    def make(self, layer: StreamLayer) -> Wired:
        """Return the netlist of a layer, its threshold included if that gives ±1, on the bits of a window.

        Where the input is ±1 and padded, the valid bits of the taps follow the window's bits.
        """
        if layer.name not in self.made:
            self.made[layer.name] = _wire(self.graph, layer, self.levels)
        return self.made[layer.name]

    def exact(self, layer: StreamLayer) -> LayerFold:
        """Return the layer with its weights as wires."""
        wired = self.make(layer)
        return wired_fold(layer, wired.stages, wired.size, wired.flops)

    def guess(self, layer: StreamLayer) -> LayerFold | None:
        """Return the layer with its weights as wires: as made, or estimated; None if making them takes too long."""
        if layer.name in self.made:
            return self.exact(layer)
        bits, dense = heap_bits(self.graph, layer)
        if bits > (MOST_DENSE if dense else MOST_SPARSE):
            return None
        gates = round(bits * (DENSE_GATES if dense else SPARSE_GATES))
        return wired_fold(
            layer, 1 + 2 * layer.fan.bit_length() // self.levels, gates, round(gates * FLOPS / self.levels)
        )


@dataclass(frozen=True)
class Counted:
    """Layers with their weights as wires, by name, as they were counted elsewhere: plain data in place of netlists."""

    made: Mapping[str, LayerFold]
    free: bool = True

    def make(self, layer: StreamLayer) -> None:
        """Nothing is left to do."""

    def exact(self, layer: StreamLayer) -> LayerFold:
        """Return the layer with its weights as wires."""
        return self.made[layer.name]

    def guess(self, layer: StreamLayer) -> LayerFold | None:
        """Return the same; None for a layer that was not counted."""
        return self.made.get(layer.name)


def heap_bits(graph: Graph, layer: StreamLayer) -> tuple[int, bool]:
    """Return how many bits the sums of a layer have in all, and whether every weight is ±1."""
    size = np.abs(graph.const(layer.node.ins[1]).astype(np.int64))
    ones = sum(int((size >> k & 1).sum()) for k in range(int(size.max(initial=0)).bit_length()))
    return ones * layer.input.elem.bits, bool((size == 1).all()) and layer.groups == 1


def _wire(graph: Graph, layer: StreamLayer, levels: int) -> Wired:
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
