"""op(maxpool(x)) → maxpool(op(x)) for channel-wise monotone ops, so that pooling works on bits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.interp import batchnorm_coefficients
from lrtc.ir import B1, Graph, tensor
from lrtc.ir.ops import (
    BatchNorm,
    Clamp,
    Divide,
    MaxPool2d,
    Op,
    Quantize,
    ScaleBias,
    Sign,
    Ternarize,
    Threshold,
)  # fmt: skip
from lrtc.passes.rewrite import Rewriter


@dataclass(frozen=True)
class SinkPool:
    """A monotone function commutes with max; where it decreases, max becomes min (DESIGN D8).

    Holds for the rounded float32 functions too: rounding is monotone. Padded taps stay left out either way.
    turns: also for functions that may decrease, by their constants; else only for those that never do.
    """

    turns: bool = True
    name: str = "sink-pool"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        builder = rewriter.builder
        for node in graph.nodes:
            pool = rewriter.node(rewriter.map(node.ins[0])) if node.ins else None
            if pool is None or not isinstance(pool.op, MaxPool2d) or not rewriter.is_only_reader(node.ins[0]):
                rewriter.keep(node)
                continue
            rows = [graph.const(name) for name in node.ins[1:]]
            may_fall = not isinstance(node.op, (Sign, Ternarize, Quantize, Clamp))
            if may_fall and not self.turns:
                rewriter.keep(node)
                continue
            direction = monotone(node.op, rows, node.type.shape[-1])
            if direction is None:
                rewriter.keep(node)
                continue
            f = builder.facts[pool.ins[1]].const if len(pool.ins) == 2 else np.int8(1)
            f = (f * direction).astype(np.int8)
            moved = builder.add(node.op, [pool.ins[0], *map(rewriter.map, node.ins[1:])], node.out, node.origin)
            operands = [moved]
            if (f < 0).any():
                operands.append(builder.const(f"{pool.out}_f", f, tensor(f.shape, B1), pool.origin))
            rewriter.replace(node, builder.add(pool.op, operands, pool.out, pool.origin))
        return rewriter.finish()


def monotone(op: Op, rows: list[np.ndarray], channels: int) -> np.ndarray | None:
    """Return ±1 [C], the direction in which a channel-wise op is monotone, or None if it is not such an op."""
    match op:
        case Sign() | Ternarize() | Quantize() | Clamp():
            slope = np.ones(channels)
        case Divide():
            slope = rows[0][0]
        case ScaleBias():
            slope = rows[0][0]
        case BatchNorm(eps=eps, absolute=absolute):
            slope = batchnorm_coefficients(rows[0], eps, absolute)[0]
        case Threshold():
            slope = 1 - 2 * rows[0][-1]
        case _:
            return None
    return np.where(slope < 0, -1, 1)
