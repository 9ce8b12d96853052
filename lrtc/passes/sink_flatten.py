"""op(flatten(x)) → flatten(op(x)) where the op does not tell elements of one channel apart."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.ir import Graph
from lrtc.ir.ops import (
    Affine,
    BatchNorm,
    Clamp,
    Divide,
    Flatten,
    Quantize,
    ScaleBias,
    Sign,
    Ternarize,
    Threshold,
)  # fmt: skip
from lrtc.passes.rewrite import Rewriter

CHANNELWISE = (ScaleBias, BatchNorm, Divide, Threshold, Affine)
ELEMENTWISE = (Sign, Ternarize, Quantize, Clamp)


@dataclass(frozen=True)
class SinkFlatten:
    """Brings `flatten` down to the `linear` that absorbs it: past signs, and past anything when H = W = 1."""

    name: str = "sink-flatten"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        builder = rewriter.builder
        for node in graph.nodes:
            flat = rewriter.node(rewriter.map(node.ins[0])) if node.ins else None
            movable = flat is not None and isinstance(flat.op, Flatten) and rewriter.is_only_reader(node.ins[0])
            if movable:
                shape = builder.facts[flat.ins[0]].type.shape
                single = shape[:-1] in ((), (1, 1))
                movable = isinstance(node.op, ELEMENTWISE) or (single and isinstance(node.op, CHANNELWISE))
            if not movable:
                rewriter.keep(node)
                continue
            operands = [flat.ins[0], *map(rewriter.map, node.ins[1:])]
            moved = builder.add(node.op, operands, node.out, node.origin)
            rewriter.replace(node, builder.add(flat.op, [moved], flat.out, flat.origin))
        return rewriter.finish()
