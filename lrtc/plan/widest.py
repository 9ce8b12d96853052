"""Types that hold whatever constants of the same types are loaded: a network whose weights and levels are not fixed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from lrtc.errors import Fault, LrtcError
from lrtc.ir import Elem, Graph, Node, TypeRule
from lrtc.ir.op import Fact, integers
from lrtc.ir.ops import Affine, Conv2d, Linear, MaxPool2d, Threshold, TopK
from lrtc.plan.stream import JOINS

MULTIPLIER_BITS = 16  # of an integer scale at the end
LOGIT = Elem("i", 32)
LEAVE = "leave --reloadable out, or "


def widest(graph: Graph) -> Graph:
    """Return the graph with the type of every value as wide as any weights, levels and scales of their types make it.

    LrtcError names all that loading could not change, or that no type holds.
    """
    faults, facts = list(_fixed(graph)), {value.name: Fact.of(value.type) for value in graph.inputs}
    nodes = []
    for node in graph.nodes:
        try:
            facts[node.out] = _fact(graph, node, [facts[name] for name in node.ins])
        except TypeRule as error:
            faults.append(Fault(_where(node), f"with any weights of its type, {error}; {LEAVE}make the layer smaller"))
            facts[node.out] = graph.facts[node.out]
        nodes.append(replace(node, type=facts[node.out].type))
    if faults:
        raise LrtcError(f"{graph.name} cannot be reloadable", faults)
    return replace(graph, nodes=tuple(nodes))


def _fact(graph: Graph, node: Node, ins: list[Fact]) -> Fact:
    if isinstance(node.op, (Conv2d, Linear)):
        x, w = ins[0], graph.types[node.ins[1]]
        ends = [a * int(b) for a in (w.elem.low, w.elem.high) for b in (min(x.low.min(), 0), max(x.high.max(), 0))]
        fan, ones = w.size // w.shape[0], np.ones(w.shape[0], np.int64)
        return integers(fan * min(ends) * ones, fan * max(ends) * ones, node.type.shape)
    if isinstance(node.op, Threshold):
        return Fact.of(node.type)
    if isinstance(node.op, Affine):
        return Fact.of(node.type.with_elem(LOGIT))
    return node.op.infer(ins)


def _fixed(graph: Graph) -> Iterator[Fault]:
    """Yield what is wiring and depends on values."""
    for node in graph.compute_nodes():
        constants = [name for name in node.ins if graph.const(name) is not None]
        if isinstance(node.op, JOINS) and constants:
            yield Fault(_where(node), f"a constant beside a stream cannot be loaded; {LEAVE}move it into a threshold")
        if isinstance(node.op, MaxPool2d) and constants:
            yield Fault(_where(node), f"directions of a max-pool are wiring; {LEAVE}pool before the batchnorm")
        if isinstance(node.op, Affine):
            if any(not isinstance(reader.op, TopK) for reader in graph.users[node.out]):
                what = "an integer scale amid the network cannot be loaded"
                yield Fault(_where(node), f"{what}; {LEAVE}let a sign or a quantiser follow it")
            if (most := int(np.abs(graph.const(node.ins[1])[0].astype(np.int64)).max())) >> (MULTIPLIER_BITS - 1):
                yield Fault(_where(node), f"a multiplier of {most}; {MULTIPLIER_BITS} bits with a sign can be loaded")


def _where(node: Node) -> str:
    return node.origin or f"%{node.out}"
