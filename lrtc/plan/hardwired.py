"""A layer with its weights wired in: full adders over the bits of a window, in pipeline stages of some gates each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from lrtc.ir import Elem
from lrtc.plan.dots import dots
from lrtc.plan.gates import ONE, Gate, Gates
from lrtc.plan.heap import put_constant
from lrtc.plan.sharing import compared, totals
from lrtc.plan.tables import cheaper, tables


@dataclass(frozen=True)
class Wired:
    """Gates between `inputs` bits and `outputs` (literals); signals 1 to `inputs` are the input bits.

    gates: signal → gate, each behind what it reads. stage: signal → the stage that it stands in, from 0; every output
    is registered at the end of the last one.
    """

    inputs: int
    gates: dict[int, Gate]
    outputs: tuple[int, ...]
    stage: dict[int, int]
    stages: int

    @cached_property
    def delays(self) -> dict[int, int]:
        """Return signal → the most stages that it is read after its own, for the signals that are."""
        found: dict[int, int] = {}
        reads = [(literal, self.stage[signal]) for signal, gate in self.gates.items() for literal in gate.ins]
        for literal, at in [*reads, *((literal, self.stages - 1) for literal in self.outputs)]:
            later = at - self.stage.get(literal >> 1, 0)
            if literal > ONE and later > found.get(literal >> 1, 0):
                found[literal >> 1] = later
        return found

    @property
    def size(self) -> int:
        """Return the functions of at most 5 inputs that the gates take: a table of 6 is two."""
        return sum(gate.size for gate in self.gates.values())

    @property
    def flops(self) -> int:
        """Return the number of flip-flops for data."""
        return sum(self.delays.values()) + len(self.outputs)


def finish(gates: Gates, outputs: Sequence[int], levels: int | None) -> Wired:
    """Return the netlist of the outputs in stages of at most `levels` gates in a row; None: in one stage."""
    live = gates.live(outputs)
    stage = {s: (gates.level[s] - 1) // levels if levels else 0 for s in live}
    last = max((stage[literal >> 1] for literal in outputs if literal >> 1 in stage), default=0)
    return Wired(gates.inputs, {s: gates.gates[s] for s in live}, tuple(outputs), stage, last + 1)


def decided(
    weights: np.ndarray, levels: np.ndarray, flips: np.ndarray, elem: Elem, per_stage: int | None = None, taps: int = 0
) -> Wired:
    """Return the netlist of z[o] = (sum of w[o,i] * x[i] >= levels[o]) != flips[o] for integer weights [O, fan].

    Inputs are the bits of x, element after element, bit 0 first; then `taps` valid bits: the elements of a tap that is
    not valid count 0, and their bits are 0.
    """
    gates = Gates(weights.shape[1] * elem.bits + taps)
    bits, valid = _inputs(gates, weights, elem, taps)
    own = dots(gates, bits, elem, weights, valid)
    least = [-((dot.offset - int(level)) // dot.scale) for dot, level in zip(own, levels, strict=True)]
    carries = compared(gates, [dot.heap for dot in own], least, [dot.most for dot in own])
    few = tables(gates, bits, elem, weights, levels, valid)
    found = [literal ^ int(flip != 0) for literal, flip in zip(cheaper(gates, carries, few), flips, strict=True)]
    return finish(gates, found, per_stage)


def summed(weights: np.ndarray, elem: Elem, acc_bits: int, per_stage: int | None = None, taps: int = 0) -> Wired:
    """Return the netlist of acc[o] = sum of w[o,i] * x[i] in two's complement of acc_bits, output after output.

    Inputs are those of `decided`.
    """
    gates, heaps = Gates(weights.shape[1] * elem.bits + taps), []
    bits, valid = _inputs(gates, weights, elem, taps)
    for dot in dots(gates, bits, elem, weights, valid):
        heaps.append({column + dot.scale - 1: literals for column, literals in dot.heap.items()})
        put_constant(heaps[-1], dot.offset, acc_bits)
    found = [literal for bits in totals(gates, heaps, acc_bits) for literal in bits]
    return finish(gates, found, per_stage)


def _inputs(gates: Gates, weights: np.ndarray, elem: Elem, taps: int) -> tuple[list[list[int]], list[int]]:
    """Return the literals of the bits of each element, and of the valid bits of the taps."""
    width, fan = elem.bits, weights.shape[1]
    bits = [[gates.input(i * width + k) for k in range(width)] for i in range(fan)]
    return bits, [gates.input(fan * width + t) for t in range(taps)]
