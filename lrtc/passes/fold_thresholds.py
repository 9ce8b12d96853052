"""sign(f(x)) of an integer x → threshold(x): scale, bias, batchnorm, ReLU vanish into a few integers a channel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lrtc.interp import MEANING
from lrtc.ir import B1, T2, Graph, Node
from lrtc.ir.ops import (
    Affine,
    BatchNorm,
    Clamp,
    Divide,
    Quantize,
    ScaleBias,
    Sign,
    Ternarize,
    Threshold,
)  # fmt: skip
from lrtc.passes.rewrite import Rewriter

MONOTONE = (ScaleBias, BatchNorm, Divide, Affine, Clamp)
DECISIONS = (Sign, Ternarize, Quantize, Threshold)


@dataclass(frozen=True)
class FoldThresholds:
    """The levels are found by bisection on the very float32 function that torch evaluates, so rounding, ties,
    negative and zero gammas agree by construction. A bipolar channel that cannot change gets a level at its lower
    bound; of several levels one that is never reached stands one above the upper bound.
    """

    name: str = "fold-thresholds"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        for node in graph.nodes:
            chain = chain_above(graph, node) if isinstance(node.op, DECISIONS) else None
            if chain is None or (isinstance(node.op, Threshold) and len(chain) == 1):
                rewriter.keep(node)
                continue
            source = chain[0].ins[0]
            fact = graph.facts[source]
            op, count = folded(graph, node)
            base = -1 if op.out == B1 else op.base
            rows = levels(decision(graph, chain), fact.low, fact.high, base, count)
            name = rewriter.builder.const(f"{node.out}_t", rows, origin=node.origin)
            origin = "+".join(dict.fromkeys(n.origin for n in chain if n.origin))
            operands = [rewriter.map(source), name]
            rewriter.replace(node, rewriter.builder.add(op, operands, node.out, origin))
        return rewriter.finish()


def folded(graph: Graph, node: Node) -> tuple[Threshold, int]:
    """Return the threshold op that replaces a decision, and how many levels it has."""
    match node.op:
        case Sign():
            return Threshold(B1), 1
        case Ternarize():
            return Threshold(T2), 2
        case Quantize(out=out, low=low, high=high):
            return Threshold(out, None if low == out.low else low), high - low
        case Threshold():
            return node.op, len(graph.const(node.ins[1])) - 1
    raise TypeError(node.op)


def chain_above(graph: Graph, node: Node) -> list[Node] | None:
    """Return the nodes from an integer value down to `node`, all channel-wise and monotone, or None."""
    chain = [node]
    while graph.types[chain[0].ins[0]].elem.is_float:
        above = graph.producers.get(chain[0].ins[0])
        if above is None or not isinstance(above.op, MONOTONE):
            return None
        chain.insert(0, above)
    above = graph.producers.get(chain[0].ins[0])
    while above is not None and isinstance(above.op, (Affine, Clamp)):
        chain.insert(0, above)
        above = graph.producers.get(above.ins[0])
    return chain


def decision(graph: Graph, chain: list[Node]) -> Callable[[np.ndarray], np.ndarray]:
    """Return v [N,C] integers → int64 [N,C]: what the decision at the end of the chain says of each."""

    def code(v: np.ndarray) -> np.ndarray:
        value = v.astype(np.int32)
        for node in chain:
            value = MEANING[type(node.op)](node.op, value, *(graph.const(name) for name in node.ins[1:]))
        return value.astype(np.int64)

    return code


def levels(
    code: Callable[[np.ndarray], np.ndarray], low: np.ndarray, high: np.ndarray, base: int, count: int
) -> np.ndarray:
    """Return int32 rows (level 1 … level K, flip) [K+1,C] of the threshold that equals `code` on low..high.

    `code` must be monotone in each channel, with values base … base+K (for K = 1: any two values around base + ½).
    Level k is where code − base first reaches k, going up, or first falls below K + 1 − k, going down. About
    log2(high − low) evaluations of K rows.
    """
    first, last = code(low[None])[0], code(high[None])[0]
    falls = last < first
    ranks = np.arange(1, count + 1)[:, None]
    wanted = np.where(falls, count + 1 - ranks, ranks)  # [K,C]: the code's height that level k tells apart

    def reached(v: np.ndarray) -> np.ndarray:
        return (code(v) - base >= wanted) != falls

    below = np.broadcast_to(low, wanted.shape) - 1
    above = np.broadcast_to(high, wanted.shape) + 1
    always = reached(np.broadcast_to(low, wanted.shape))
    above = np.where(always, low, above)
    while (open_ := above - below > 1).any():
        middle = np.where(open_, (below + above) >> 1, low)
        yes = reached(middle)
        below = np.where(open_ & ~yes, middle, below)
        above = np.where(open_ & yes, middle, above)
    if count == 1:  # a constant channel: level at the lower bound, flip says which constant
        never = above[0] > high
        above[0, never], falls = low[never], falls ^ never
    return np.concatenate([above, falls[None]]).astype(np.int32)
