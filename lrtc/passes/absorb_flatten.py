"""linear(flatten(x), w) → linear(x, w′): the columns of w are permuted once, here and nowhere else (DESIGN D3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.ir import Graph, tensor
from lrtc.ir.ops import Flatten, Linear
from lrtc.passes.rewrite import Rewriter


@dataclass(frozen=True)
class AbsorbFlatten:
    """w [O, C·H·W] becomes w′ [O,H,W,C]: torch flattens channel by channel, values lie pixel by pixel."""

    name: str = "absorb-flatten"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        for node in graph.nodes:
            flat = graph.producers.get(node.ins[0]) if node.ins else None
            if not isinstance(node.op, Linear) or flat is None or not isinstance(flat.op, Flatten):
                rewriter.keep(node)
                continue
            shape = graph.types[flat.ins[0]].shape
            value = columns(graph.const(node.ins[1]), shape, flat.op.order)
            weight = graph.producers[node.ins[1]]
            name = rewriter.builder.const(weight.out, value, tensor(value.shape, weight.type.elem), weight.origin)
            operands = [rewriter.map(flat.ins[0]), name]
            rewriter.replace(node, rewriter.builder.add(node.op, operands, node.out, node.origin))
        return rewriter.finish()


def columns(w: np.ndarray, shape: tuple[int, ...], order: str) -> np.ndarray:
    """Return w [O, prod(shape)] as [O, *shape], its columns read in the order of the flatten."""
    if len(shape) == 3 and order == "CHW":
        rows, cols, channels = shape
        return np.ascontiguousarray(w.reshape(-1, channels, rows, cols).transpose(0, 2, 3, 1))
    return w.reshape(-1, *shape)
