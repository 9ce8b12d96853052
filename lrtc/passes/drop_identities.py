"""y = identity(x) → x."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.ir import Graph, Node
from lrtc.ir.ops import Flatten, Identity
from lrtc.passes.rewrite import Rewriter


@dataclass(frozen=True)
class DropIdentities:
    """Remove what does nothing: `identity`, and `flatten` of a vector."""

    name: str = "drop-identities"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        for node in graph.nodes:
            if isinstance(node.op, Identity) or _flat_already(node, graph):
                rewriter.replace(node, rewriter.map(node.ins[0]))
            else:
                rewriter.keep(node)
        return rewriter.finish()


def _flat_already(node: Node, graph: Graph) -> bool:
    return isinstance(node.op, Flatten) and len(graph.types[node.ins[0]].shape) == 1
