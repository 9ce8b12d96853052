"""linear(flatten(x), w) → linear(x, w′): the columns of w are permuted once, here and nowhere else (DESIGN D3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.ir import Graph, Node, tensor
from lrtc.ir.ops import Flatten, Linear, Rearrange
from lrtc.passes.rewrite import Rewriter


@dataclass(frozen=True)
class AbsorbFlatten:
    """w [O, C·H·W] becomes w′ [O,H,W,C]: torch flattens channel by channel, values lie pixel by pixel.

    A `rearrange` is absorbed likewise: a linear contracts all axes, so their order is that of its columns.
    """

    name: str = "absorb-flatten"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        for node in graph.nodes:
            flat = _flat(graph, node.ins[0]) if isinstance(node.op, Linear) else None
            if flat is None:
                rewriter.keep(node)
                continue
            value = graph.const(node.ins[1])
            while flat is not None:
                source, shape = flat.ins[0], graph.types[flat.ins[0]].shape
                value, flat = _columns(value, flat, shape), _flat(graph, source)
            weight = graph.producers[node.ins[1]]
            name = rewriter.builder.const(weight.out, value, tensor(value.shape, weight.type.elem), weight.origin)
            operands = [rewriter.map(source), name]
            rewriter.replace(node, rewriter.builder.add(node.op, operands, node.out, node.origin))
        return rewriter.finish()


def _flat(graph: Graph, name: str) -> Node | None:
    """Return what makes a value, if it only moves elements."""
    node = graph.producers.get(name)
    return node if node is not None and isinstance(node.op, (Flatten, Rearrange)) else None


def _columns(w: np.ndarray, node: Node, shape: tuple[int, ...]) -> np.ndarray:
    """Return w [O, …] as [O, *shape], its columns read in the order in which a node puts the elements of `shape`."""
    axes = tuple(range(len(shape)))
    if isinstance(node.op, Rearrange):
        axes = node.op.axes
    elif len(shape) == 3 and node.op.order == "CHW":
        axes = (2, 0, 1)
    moved = w.reshape(-1, *(shape[axis] for axis in axes))
    return np.ascontiguousarray(moved.transpose(0, *(1 + axes.index(axis) for axis in range(len(shape)))))
