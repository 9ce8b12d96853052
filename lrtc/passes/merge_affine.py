"""affine(affine(x)) → affine(x)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.ir import Graph
from lrtc.ir.ops import Affine
from lrtc.passes.rewrite import Rewriter


@dataclass(frozen=True)
class MergeAffine:
    """(x·m + o)·m′ + o′ = x·(m·m′) + (o·m′ + o′), in integers; only where the products fit 32 bits."""

    name: str = "merge-affine"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        for node in graph.nodes:
            above = rewriter.node(rewriter.map(node.ins[0])) if isinstance(node.op, Affine) else None
            if above is None or not isinstance(above.op, Affine):
                rewriter.keep(node)
                continue
            m, o = rewriter.builder.facts[above.ins[1]].const.astype(np.int64)
            m2, o2 = graph.const(node.ins[1]).astype(np.int64)
            rows = np.stack([m * m2, o * m2 + o2])
            if np.abs(rows).max() >= 1 << 31:
                rewriter.keep(node)
                continue
            name = rewriter.builder.const(f"{node.out}_rows", rows.astype(np.int32), origin=node.origin)
            rewriter.replace(node, rewriter.builder.add(node.op, [above.ins[0], name], node.out, node.origin))
        return rewriter.finish()
