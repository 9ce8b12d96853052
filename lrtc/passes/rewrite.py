"""What the passes share: copying a graph node by node with replacements."""

from __future__ import annotations

from lrtc.ir import Graph, GraphBuilder, Node
from lrtc.ir.ops import Op


class Rewriter:
    """Builds a new graph while an old one is walked; `map` leads from old to new value names."""

    def __init__(self, graph: Graph) -> None:
        self.old = graph
        self.builder = GraphBuilder(graph.name)
        self.names: dict[str, str] = {}
        for value in graph.inputs:
            self.names[value.name] = self.builder.input(value.name, value.type, value.scale, value.zero_point)

    def map(self, name: str) -> str:
        """Return the new name of an old value."""
        return self.names[name]

    def keep(self, node: Node, op: Op | None = None) -> str:
        """Copy a node (with another op if given) onto the new operands; return its new name."""
        self.names[node.out] = self.builder.copy(node, [self.names[name] for name in node.ins], op)
        return self.names[node.out]

    def replace(self, node: Node, name: str) -> None:
        """Let the new value `name` stand for the old node's value."""
        self.names[node.out] = name

    def node(self, name: str) -> Node | None:
        """Return the new graph's node that makes `name`, or None for an input."""
        return next((n for n in reversed(self.builder.nodes) if n.out == name), None)

    def finish(self) -> Graph:
        """Return the new graph without dead nodes."""
        return self.builder.finish((self.names[name] for name in self.old.outputs), self.old.named)

    def is_only_reader(self, name: str) -> bool:
        """Return whether the old value `name` has one reader and is no output."""
        return len(self.old.users[name]) == 1 and name not in self.old.outputs
