"""Neurons that always say the same, or always the opposite, become one."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.ir import B1, Graph, Node, tensor
from lrtc.ir.ops import MaxPool2d, Threshold
from lrtc.passes.prune_channels import dot_readers, is_plain_dot
from lrtc.passes.rewrite import Rewriter
from lrtc.passes.snap_levels import lattice


@dataclass(frozen=True)
class MergeNeurons:
    """Two channels of a threshold with equal weights (up to sign) and equal levels are equal (up to sign). What
    reads the second reads the first instead: its weights are added there. Done where the sums are still weights of
    the same element, so never on bipolar readers; the second channel then meets zeros only and prune-channels takes
    it away. Max-pools in between stop it (max does not commute with a sign).
    """

    name: str = "merge-neurons"

    def run(self, graph: Graph) -> Graph:
        new: dict[str, np.ndarray] = {}  # constant → its new value
        for node in graph.nodes:
            twins = find_twins(graph, node)
            for reader in dot_readers(graph, node.out) or () if twins else ():
                weight = new.get(reader.ins[1], graph.const(reader.ins[1]))
                new[reader.ins[1]] = move_weights(weight, twins, graph.types[reader.ins[1]].elem.high)
        if not new:
            return graph
        rewriter = Rewriter(graph)
        for node in graph.nodes:
            if node.out in new:
                value = new[node.out]
                type_ = tensor(value.shape, node.type.elem, node.type.layout.axes)
                rewriter.replace(node, rewriter.builder.const(node.out, value, type_, node.origin))
            else:
                rewriter.keep(node)
        return rewriter.finish()


def find_twins(graph: Graph, node: Node) -> list[tuple[int, int, int]]:
    """Return (first, second, sign) for channels of a bipolar threshold with second = sign · first, always."""
    if not isinstance(node.op, Threshold) or node.op.out != B1:
        return []
    dot = graph.producers.get(node.ins[0])
    if dot is None or not is_plain_dot(dot):
        return []
    readers = dot_readers(graph, node.out)
    ternary = readers and all(
        graph.types[r.ins[1]].elem.kind == "t" and len(graph.users[r.ins[1]]) == 1 for r in readers
    )
    if not ternary or any(isinstance(user.op, MaxPool2d) for user in graph.users[node.out]):
        return []
    weight = graph.const(dot.ins[1]).reshape(node.type.shape[-1], -1)
    level, flip = graph.const(node.ins[1])
    start, step = lattice(graph, node.ins[0])
    seen: dict[tuple, tuple[int, int]] = {}
    twins = []
    for c, row in enumerate(weight):
        used = np.flatnonzero(row)
        sign = int(np.sign(row[used[0]])) if used.size else 1
        # −acc ≥ level ⇔ not (acc ≥ 1 − level): a negated row is the same neuron with another level and flip
        mine = int(level[c]) if sign > 0 else 1 - int(level[c])
        mine += (int(start[c]) - mine) % int(step[c])
        key = ((row * sign).tobytes(), mine)
        says = int(flip[c]) ^ (sign < 0)
        if key in seen:
            first, other = seen[key]
            twins.append((first, c, 1 if says == other else -1))
        else:
            seen[key] = (c, says)
    return twins


def move_weights(weight: np.ndarray, twins: list[tuple[int, int, int]], high: int) -> np.ndarray:
    """Return weights [O, …, C] where each second channel's were added to the first's, if all results fit ±high."""
    weight = weight.copy()
    for first, second, sign in twins:
        total = weight[..., first] + sign * weight[..., second]
        if np.abs(total).max() <= high:
            weight[..., first], weight[..., second] = total, 0
    return weight
