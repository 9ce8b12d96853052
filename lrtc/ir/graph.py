"""The graph: a typed, immutable tuple of nodes in topological order. networkx is a view of it."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import networkx
import numpy as np

from lrtc.ir.ops import Const, Fact, Op, TypeRule, elem_of
from lrtc.ir.types import F32, TensorType, tensor

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
VARIANT = re.compile(r"_v[0-9]+(?=_|\Z)")


@dataclass(frozen=True)
class Input:
    """An input of the graph, integers k that stand for (k − zero_point)·scale.

    Real data x becomes k = clamp(rint(x/scale) + zero_point). A zero point of one half lets 0 and 1 stand for −1 and +1
    (scale 2): k = clamp(rint(x/scale + 1/2)).
    """

    name: str
    type: TensorType
    scale: float = 1.0
    zero_point: float = 0.0


@dataclass(frozen=True)
class Node:
    """out = op(ins), of `type`. origin: the dotted PyTorch path it came from, for people; every pass keeps it."""

    out: str
    op: Op
    ins: tuple[str, ...]
    type: TensorType
    origin: str = ""


@dataclass(frozen=True)
class Graph:
    """name, inputs, nodes in topological order, outputs (names of values).

    named: what the outputs are called outside, where the model says so; passes rename values, never inputs or these.
    """

    name: str
    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[str, ...]
    named: tuple[str, ...] = ()

    @property
    def results(self) -> tuple[str, ...]:
        """Return what each output is called outside: `named`, else logits, or out0, out1, …"""
        several = tuple(f"out{k}" for k in range(len(self.outputs)))
        return self.named or (several if len(several) > 1 else ("logits",))

    @property
    def is_plain(self) -> bool:
        """Return whether there is one input and one output."""
        return len(self.inputs) == len(self.outputs) == 1

    @cached_property
    def facts(self) -> dict[str, Fact]:
        """Return what is proven of every value (type without layout, constant, per-channel bounds)."""
        facts = {value.name: Fact.of(value.type) for value in self.inputs}
        for node in self.nodes:
            facts[node.out] = node.op.infer([facts[name] for name in node.ins])
        return facts

    @cached_property
    def types(self) -> dict[str, TensorType]:
        """Return the type, with its layout, of every value."""
        return {v.name: v.type for v in self.inputs} | {n.out: n.type for n in self.nodes}

    @cached_property
    def producers(self) -> dict[str, Node]:
        """Return value → the node that makes it (inputs have none)."""
        return {node.out: node for node in self.nodes}

    @cached_property
    def users(self) -> dict[str, tuple[Node, ...]]:
        """Return value → the nodes that read it, in order, once each."""
        found: dict[str, list[Node]] = {name: [] for name in self.types}
        for node in self.nodes:
            for name in dict.fromkeys(node.ins):
                found[name].append(node)
        return {name: tuple(nodes) for name, nodes in found.items()}

    def const(self, name: str) -> np.ndarray | None:
        """Return the constant that `name` is, or None."""
        return self.facts[name].const

    def compute_nodes(self) -> tuple[Node, ...]:
        """Return the nodes that are not constants."""
        return tuple(node for node in self.nodes if not isinstance(node.op, Const))

    def view(self) -> networkx.DiGraph:
        """Return the networkx graph of the values: an edge from each operand to its result."""
        graph = networkx.DiGraph()
        for value in self.inputs:
            graph.add_node(value.name, type=value.type)
        for node in self.nodes:
            graph.add_node(node.out, type=node.type, op=node.op, origin=node.origin)
            graph.add_edges_from((name, node.out) for name in node.ins)
        return graph


class GraphBuilder:
    """Builds a Graph node by node; types come from the type rules, names are made unique and legal."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.inputs: list[Input] = []
        self.nodes: list[Node] = []
        self.facts: dict[str, Fact] = {}

    def fresh(self, hint: str) -> str:
        """Return an unused legal value name (ASCII identifier) that resembles `hint`."""
        return unique_name(hint, self.facts)

    def input(self, name: str, type_: TensorType, scale: float = 1.0, zero_point: float = 0.0) -> str:
        """Add an input; return its name."""
        name = self.fresh(name)
        self.inputs.append(Input(name, type_, scale, zero_point))
        self.facts[name] = Fact.of(type_)
        return name

    def const(self, name: str, value: np.ndarray, type_: TensorType | None = None, origin: str = "") -> str:
        """Add a constant (float32 → f32, else narrowest integer unless `type_` says more); return its name."""
        if type_ is None:
            type_ = tensor(value.shape, F32 if value.dtype == np.float32 else elem_of(value))
        return self.add(Const(value, type_), (), name, origin)

    def add(self, op: Op, ins: Iterable[str], name: str, origin: str = "", word: int = 0) -> str:
        """Add a node; return the name of its value. TypeRule if the operands do not fit."""
        ins = tuple(ins)
        fact = op.infer([self.facts[i] for i in ins])
        name = self.fresh(name)
        type_ = fact.type.with_word(word) if word else fact.type
        self.facts[name] = fact
        self.nodes.append(Node(name, op, ins, type_, origin))
        return name

    def copy(self, node: Node, ins: Iterable[str] | None = None, op: Op | None = None) -> str:
        """Add `node` again, with other operands or another op if given; return its (possibly new) name."""
        ins = node.ins if ins is None else ins
        return self.add(op or node.op, ins, node.out, node.origin, node.type.layout.word)

    def finish(self, outputs: Iterable[str], named: tuple[str, ...] = ()) -> Graph:
        """Return the graph, without nodes that no output needs, names without gaps."""
        graph = Graph(self.name, tuple(self.inputs), tuple(self.nodes), tuple(outputs), named)
        return with_plain_names(without_dead_nodes(graph))


def unique_name(hint: str, taken: Container[str]) -> str:
    """Return a legal value name that is not taken: the hint made an identifier, with _v2, _v3, … where needed."""
    base = re.sub(r"[^A-Za-z0-9_]+", "_", hint)[:48].strip("_") or "v"
    base = f"v{base}" if base[0].isdigit() else base
    base = VARIANT.sub("", base) or base
    name, k = base, 2
    while name in taken:
        name, k = f"{base}_v{k}", k + 1
    return name


def with_plain_names(graph: Graph) -> Graph:
    """Return the graph with values renamed in order, so that equal graphs have equal names."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for old in (*(v.name for v in graph.inputs), *(n.out for n in graph.nodes)):
        names[old] = unique_name(old, taken)
        taken.add(names[old])
    if all(old == new for old, new in names.items()):
        return graph
    inputs = tuple(replace(v, name=names[v.name]) for v in graph.inputs)
    nodes = tuple(replace(n, out=names[n.out], ins=tuple(names[i] for i in n.ins)) for n in graph.nodes)
    return replace(graph, inputs=inputs, nodes=nodes, outputs=tuple(names[name] for name in graph.outputs))


def without_dead_nodes(graph: Graph) -> Graph:
    """Return the graph without the nodes that no output needs (inputs stay)."""
    needed, kept = set(graph.outputs), []
    for node in reversed(graph.nodes):
        if node.out in needed:
            needed.update(node.ins)
            kept.append(node)
    return replace(graph, nodes=tuple(reversed(kept)))


__all__ = ["NAME", "Graph", "GraphBuilder", "Input", "Node", "TypeRule", "without_dead_nodes"]
