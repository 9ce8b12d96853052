"""An image input that only whole-image layers read → a vector of the same bytes, which packs without gaps."""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from lrtc.ir import Graph, Input, tensor
from lrtc.ir.ops import Linear, Threshold
from lrtc.passes.rewrite import Rewriter


@dataclass(frozen=True)
class FlattenInput:
    """x [H,W,C] becomes x [H·W·C] where only linears read it, or thresholds that only linears read.

    The bytes and their order stay. 28×28×1 bits in words of a channel each are 784 words; as a vector they are 25.
    """

    word: int = 32
    name: str = "flatten-input"

    def run(self, graph: Graph) -> Graph:
        wanted = {source.name for source in graph.inputs if self._wanted(graph, source)}
        if not wanted:
            return graph
        rewriter = Rewriter(graph)
        rewriter.builder.inputs.clear()
        rewriter.builder.facts.clear()
        for source in graph.inputs:
            type_ = tensor((prod(source.type.shape),), source.type.elem) if source.name in wanted else source.type
            name = rewriter.builder.input(source.name, type_, source.scale, source.zero_point)
            rewriter.names[source.name] = name
        flat = {name: rewriter.map(name) for name in wanted}
        for node in graph.nodes:
            if not node.ins or node.ins[0] not in flat:
                rewriter.keep(node)
                continue
            rows, held = graph.const(node.ins[1]), graph.producers[node.ins[1]]
            if isinstance(node.op, Linear):
                rows, axes = rows.reshape(len(rows), -1), "OI"
            else:
                rows, axes = np.tile(rows, graph.types[node.ins[0]].size // rows.shape[1]), "RC"
            name = rewriter.builder.const(held.out, rows, tensor(rows.shape, held.type.elem, axes), held.origin)
            out = rewriter.builder.add(node.op, [flat[node.ins[0]], name], node.out, node.origin)
            rewriter.replace(node, out)
            if isinstance(node.op, Threshold):
                flat[node.out] = out
        return rewriter.finish()

    def _wanted(self, graph: Graph, source: Input) -> bool:
        if len(source.type.shape) != 3 or source.type.shape[-1] % self.word == 0:
            return False
        users = graph.users[source.name]
        return source.name not in graph.outputs and bool(users) and all(
            isinstance(u.op, Linear) or (isinstance(u.op, Threshold) and self._linear_only(graph, u.out)) for u in users
        )  # fmt: skip

    def _linear_only(self, graph: Graph, name: str) -> bool:
        users = graph.users[name]
        return name not in graph.outputs and bool(users) and all(isinstance(u.op, Linear) for u in users)
