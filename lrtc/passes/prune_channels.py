"""Remove channels that never change, or that nobody reads, with the neurons that compute them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.interp import threshold
from lrtc.ir import Graph, Node, tensor
from lrtc.ir.ops import Affine, Const, Conv2d, Linear, MaxPool2d, Threshold
from lrtc.passes.fold_thresholds import FoldThresholds
from lrtc.passes.merge_affine import MergeAffine
from lrtc.passes.rewrite import Rewriter

DOTS = (Conv2d, Linear)


@dataclass(frozen=True)
class Cut:
    """What happens at one threshold: keep [C] bool, and value [C] of the removed channels that never change."""

    keep: np.ndarray
    value: np.ndarray


@dataclass(frozen=True)
class PruneChannels:
    """A threshold whose level its accumulator cannot cross makes a constant channel: what it adds to the sums of the
    next layer becomes an offset there, which its thresholds take up. With zero padding that share depends on the
    border, so such a channel stays. A channel that meets only zero weights goes in any case. One layer's constants
    can make the next layer's: each round removes a channel, and the last finds none.
    """

    name: str = "prune-channels"

    def run(self, graph: Graph) -> Graph:
        while cuts := {node.out: cut for node in graph.nodes if (cut := find_cut(graph, node)) is not None}:
            graph = FoldThresholds().run(MergeAffine().run(_Pruner(graph, cuts).run()))
        return graph


def find_cut(graph: Graph, node: Node) -> Cut | None:
    """Return which channels of a threshold can go, or None if none can."""
    if not isinstance(node.op, Threshold):
        return None
    dot = graph.producers.get(node.ins[0])
    if dot is None or not is_plain_dot(dot) or len(graph.users[dot.out]) != 1 or dot.out in graph.outputs:
        return None
    readers = dot_readers(graph, node.out)
    if not readers:
        return None
    fact, rows = graph.facts[node.ins[0]], graph.const(node.ins[1])
    ends = threshold(node.op, np.stack([fact.low, fact.high]), rows)
    constant = ends[0] == ends[1]
    unread = np.ones(len(constant), dtype=bool)
    for reader in readers:
        used = (graph.const(reader.ins[1]) != 0).reshape(-1, len(constant)).any(axis=0)
        unread &= ~used
        if isinstance(reader.op, Conv2d) and any(reader.op.padding):
            constant &= ~used
    keep = ~(constant | unread)
    if keep.all():
        return None
    if not keep.any():
        keep[0] = True
    return None if keep.all() else Cut(keep, np.where(constant, ends[0], 0))


def is_plain_dot(node: Node) -> bool:
    """Return whether a node is a dot product over all channels of its input."""
    return isinstance(node.op, Linear) or (isinstance(node.op, Conv2d) and node.op.groups == 1)


def dot_readers(graph: Graph, name: str) -> list[Node] | None:
    """Return the dot products that read a value, directly or through max-pools; None if anything else does."""
    if name in graph.outputs:
        return None
    found: list[Node] = []
    for user in graph.users[name]:
        if isinstance(user.op, MaxPool2d):
            below = dot_readers(graph, user.out)
            if below is None:
                return None
            found += below
        elif is_plain_dot(user) and user.ins[0] == name and user.ins[1] != name:
            found.append(user)
        else:
            return None
    return found


class _Pruner:
    """Rewrites the graph with all cuts at once; `cut` of a value says which of its channels are gone."""

    def __init__(self, graph: Graph, cuts: dict[str, Cut]) -> None:
        self.graph = graph
        self.rewriter = Rewriter(graph)
        self.cuts = cuts
        self.cut: dict[str, Cut] = {}

    def run(self) -> Graph:
        graph, rewriter = self.graph, self.rewriter
        for node in graph.nodes:
            if isinstance(node.op, DOTS):
                self._dot(node)
            elif isinstance(node.op, Threshold) and node.out in self.cuts:
                cut = self.cuts[node.out]
                rows = self._const(node.ins[1], cut.keep)
                self._replace(node, [rewriter.map(node.ins[0]), rows], cut)
            elif isinstance(node.op, MaxPool2d) and node.ins[0] in self.cut:
                cut = self.cut[node.ins[0]]
                more = [self._const(name, cut.keep) for name in node.ins[1:]]
                self._replace(node, [rewriter.map(node.ins[0]), *more], cut)
            else:
                rewriter.keep(node)
        return rewriter.finish()

    def _replace(self, node: Node, operands: list[str], cut: Cut) -> None:
        self.cut[node.out] = cut
        self.rewriter.replace(node, self.rewriter.builder.add(node.op, operands, node.out, node.origin))

    def _const(self, name: str, keep: np.ndarray) -> str:
        """Add the columns of a constant that stay."""
        old = self.graph.producers[name]
        assert isinstance(old.op, Const)
        return self._add_const(old, np.ascontiguousarray(old.op.value[..., keep]))

    def _add_const(self, old: Node, value: np.ndarray) -> str:
        type_ = tensor(value.shape, old.type.elem, old.type.layout.axes)
        return self.rewriter.builder.const(old.out, value, type_, old.origin)

    def _dot(self, node: Node) -> None:
        """Drop input channels that are gone, and outputs that the threshold below drops."""
        graph, builder = self.graph, self.rewriter.builder
        above = self.cut.get(node.ins[0])
        (below,) = [self.cuts[u.out] for u in graph.users[node.out] if u.out in self.cuts] or [None]
        if above is None and below is None:
            self.rewriter.keep(node)
            return
        old = graph.producers[node.ins[1]]
        weight = graph.const(node.ins[1])
        if below is not None:
            weight = weight[below.keep]
        offset = None
        if above is not None:
            gone = weight.astype(np.int64) * np.where(above.keep, 0, above.value)
            offset = gone.reshape(len(weight), -1).sum(axis=1)
            weight = weight[..., above.keep]
        name = self._add_const(old, np.ascontiguousarray(weight))
        result = builder.add(node.op, [self.rewriter.map(node.ins[0]), name], node.out, node.origin)
        if offset is not None and offset.any():
            rows = np.stack([np.ones_like(offset), offset]).astype(np.int32)
            operands = [result, builder.const(f"{node.out}_offset", rows, origin=node.origin)]
            result = builder.add(Affine(), operands, f"{node.out}_sum", node.origin)
        self.rewriter.replace(node, result)
