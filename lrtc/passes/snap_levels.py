"""Move threshold levels to the next value that the sum can take: equal functions get equal levels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.ir import B1, Graph
from lrtc.ir.ops import Conv2d, Linear, Threshold
from lrtc.passes.rewrite import Rewriter


@dataclass(frozen=True)
class SnapLevels:
    """A sum of n values of ±1 has n's parity, so every second integer is out of reach; border taps (which count 0)
    and zero weights change n, so only channels without either are snapped.
    """

    name: str = "snap-levels"

    def run(self, graph: Graph) -> Graph:
        rewriter = Rewriter(graph)
        for node in graph.nodes:
            rows = graph.const(node.ins[1]) if isinstance(node.op, Threshold) else None
            snapped = None if rows is None else snap(rows, *lattice(graph, node.ins[0]))
            if snapped is None or (snapped == rows).all():
                rewriter.keep(node)
                continue
            old = graph.producers[node.ins[1]]
            operands = [rewriter.map(node.ins[0]), rewriter.builder.const(old.out, snapped, origin=old.origin)]
            rewriter.replace(node, rewriter.builder.add(node.op, operands, node.out, node.origin))
        return rewriter.finish()


def lattice(graph: Graph, name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (start, step) [C]: a sum takes only values start + k·step; step 1 where nothing is known."""
    fact, node = graph.facts[name], graph.producers.get(name)
    step = np.ones_like(fact.low)
    if node is not None and isinstance(node.op, (Conv2d, Linear)) and graph.types[node.ins[0]].elem == B1:
        weight = graph.const(node.ins[1])
        full = (np.abs(weight) == 1).reshape(len(weight), -1).all(axis=1)
        padded = isinstance(node.op, Conv2d) and any(node.op.padding)
        step = np.where(full & (not padded), 2, 1)
    return fact.low, step


def snap(rows: np.ndarray, start: np.ndarray, step: np.ndarray) -> np.ndarray:
    """Return rows (levels, flip) with each level raised to the least value of the lattice that is not below it."""
    levels = rows[:-1].astype(np.int64)
    return np.concatenate([start + -((start - levels) // step) * step, rows[-1:]]).astype(np.int32)
