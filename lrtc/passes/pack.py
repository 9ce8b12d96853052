"""Give packed layouts to discrete values: the last axis in words of `word` bits."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lrtc.ir import Graph
from lrtc.ir.ops import Const


@dataclass(frozen=True)
class Pack:
    """Lay `b1` and `t2` values and weights out as bit-planes in words. Types only: no value changes."""

    word: int = 32
    name: str = "pack"

    def run(self, graph: Graph) -> Graph:
        nodes = []
        for node in graph.nodes:
            if node.type.elem.is_discrete and not (isinstance(node.op, Const) and len(node.type.shape) < 2):
                node = replace(node, type=node.type.with_word(self.word))
            nodes.append(node)
        return replace(graph, nodes=tuple(nodes))
