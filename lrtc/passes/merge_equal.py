"""Two nodes that compute the same from the same operands become one."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.ir import Graph
from lrtc.ir.ops import Const
from lrtc.passes.rewrite import Rewriter


@dataclass(frozen=True)
class MergeEqual:
    """Common sub-graphs: equal op, equal operands; constants by element, layout and content."""

    name: str = "merge-equal"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        seen: dict[object, str] = {}
        for node in graph.nodes:
            if isinstance(node.op, Const):
                value = node.op.value
                key: object = (node.type, value.dtype.str, value.tobytes())
            else:
                key = (node.op, tuple(map(rewriter.map, node.ins)))
            if key in seen:
                rewriter.replace(node, seen[key])
            else:
                seen[key] = rewriter.keep(node)
        return rewriter.finish()
