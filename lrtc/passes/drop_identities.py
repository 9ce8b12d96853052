"""y = identity(x) → x."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.ir import Graph, Node
from lrtc.ir.ops import Flatten, Identity, Rearrange
from lrtc.passes.rewrite import Rewriter


@dataclass(frozen=True)
class DropIdentities:
    """Remove what does nothing: `identity`, `flatten` of a vector, `rearrange` that leaves axes and shape alone."""

    name: str = "drop-identities"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        for node in graph.nodes:
            if isinstance(node.op, Identity) or _as_it_is(node, graph):
                rewriter.replace(node, rewriter.map(node.ins[0]))
            else:
                rewriter.keep(node)
        return rewriter.finish()


def _as_it_is(node: Node, graph: Graph) -> bool:
    if isinstance(node.op, Flatten):
        return len(graph.types[node.ins[0]].shape) == 1
    if not isinstance(node.op, Rearrange):
        return False
    shape = graph.types[node.ins[0]].shape
    moving = [axis for axis in node.op.axes if shape[axis] > 1]
    return node.op.shape == shape and moving == sorted(moving)
