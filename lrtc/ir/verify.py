"""What makes a graph legal. Every pass's result goes through here; a failure is a bug of ours, not the user's."""

from __future__ import annotations

from lrtc.ir.graph import NAME, Graph
from lrtc.ir.ops import OPS, TypeRule


class IllegalGraph(AssertionError):
    """A graph that breaks a rule of the IR."""


def verify(graph: Graph) -> Graph:
    """Return the graph; IllegalGraph names the first node that breaks a rule."""
    known: set[str] = set()
    for value in graph.inputs:
        _name(value.name, known)
    for node in graph.nodes:
        if OPS.get(node.op.name) is not type(node.op):
            raise IllegalGraph(f"%{node.out}: {node.op!r} is not an op of the table")
        missing = [name for name in node.ins if name not in known]
        if missing:
            raise IllegalGraph(f"%{node.out}: operand %{missing[0]} is not defined before it")
        _name(node.out, known)
    if not graph.inputs or not graph.outputs:
        raise IllegalGraph(f"graph @{graph.name} needs an input and an output")
    for name in graph.outputs:
        if name not in known:
            raise IllegalGraph(f"output %{name} is not defined")
    if graph.named:
        if len(graph.named) != len(graph.outputs):
            raise IllegalGraph(f"{len(graph.named)} names for {len(graph.outputs)} outputs")
        taken: set[str] = set()
        for name in graph.named:
            _name(name, taken)
    _types(graph)
    return graph


def _name(name: str, known: set[str]) -> None:
    if not NAME.match(name):
        raise IllegalGraph(f"{name!r} is not a legal value name")
    if name in known:
        raise IllegalGraph(f"%{name} is defined twice")
    known.add(name)


def _types(graph: Graph) -> None:
    try:
        facts = graph.facts
    except TypeRule as error:
        raise IllegalGraph(str(error)) from error
    for node in graph.nodes:
        want = facts[node.out].type
        if (node.type.shape, node.type.elem) != (want.shape, want.elem):
            raise IllegalGraph(f"%{node.out}: {node.op.name} makes {want}, the node says {node.type}")
