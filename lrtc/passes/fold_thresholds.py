"""sign(f(x)) of an integer x → threshold(x): scale, bias and batchnorm vanish into one integer a channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lrtc.interp import MEANING
from lrtc.ir import Graph, Node
from lrtc.ir.ops import Affine, BatchNorm, ScaleBias, Sign, Threshold
from lrtc.passes.rewrite import Rewriter

MONOTONE = (ScaleBias, BatchNorm, Affine)


@dataclass(frozen=True)
class FoldThresholds:
    """The levels are found by bisection on the very float32 function that torch evaluates, so rounding, ties,
    negative and zero gammas agree by construction. A channel that cannot change gets a level at its lower bound.
    """

    name: str = "fold-thresholds"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        for node in graph.nodes:
            chain = chain_above(graph, node) if isinstance(node.op, Sign) else None
            if chain is None:
                rewriter.keep(node)
                continue
            source = chain[0].ins[0]
            fact = graph.facts[source]
            rows = levels(decision(graph, chain), fact.low, fact.high)
            name = rewriter.builder.const(f"{node.out}_t", rows, origin=node.origin)
            origin = "+".join(dict.fromkeys(n.origin for n in chain if n.origin))
            operands = [rewriter.map(source), name]
            rewriter.replace(node, rewriter.builder.add(Threshold(), operands, node.out, origin))
        return rewriter.finish()


def chain_above(graph: Graph, node: Node) -> list[Node] | None:
    """Return the nodes from an integer value down to `node`, all channel-wise and monotone, or None."""
    chain = [node]
    while graph.types[chain[0].ins[0]].elem.kind not in "ui":
        above = graph.producers.get(chain[0].ins[0])
        if above is None or not isinstance(above.op, MONOTONE):
            return None
        chain.insert(0, above)
    above = graph.producers.get(chain[0].ins[0])
    while above is not None and isinstance(above.op, Affine):
        chain.insert(0, above)
        above = graph.producers.get(above.ins[0])
    return chain


def decision(graph: Graph, chain: list[Node]) -> Callable[[np.ndarray], np.ndarray]:
    """Return v [C] integers → bool [C]: whether the sign at the end of the chain is +1."""

    def positive(v: np.ndarray) -> np.ndarray:
        value = v.astype(np.int32)[None, :]
        for node in chain:
            value = MEANING[type(node.op)](node.op, value, *(graph.const(name) for name in node.ins[1:]))
        return value[0] > 0

    return positive


def levels(positive: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """Return int32 rows (level, flip) [2,C] with positive(v) = (v ≥ level) ≠ flip for all v in low..high.

    `positive` must be monotone in each channel; about log2(high − low) evaluations of whole rows.
    """
    first, last = positive(low), positive(high)
    below, above = low.copy(), high.copy()  # positive(below) == first; positive(above) == last
    varies = first != last
    while (open_ := varies & (above - below > 1)).any():
        middle = (below + above) >> 1
        same = positive(middle) == first
        below = np.where(open_ & same, middle, below)
        above = np.where(open_ & ~same, middle, above)
    level = np.where(varies, above, low)
    flip = np.where(varies, first, ~first)
    return np.stack([level, flip.astype(np.int64)]).astype(np.int32)
