"""Outputs of a hard-wired layer that read few bits: one truth table each, where that is no larger than adding up.

A 7-series LUT is any function of 6 bits, so whatever a level makes of a sum of so few is one LUT, and one level.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from lrtc.ir import Elem
from lrtc.plan.gates import Gates

MOST_BITS = 6  # that a table reads


def tables(
    gates: Gates, bits: Sequence[Sequence[int]], elem: Elem, weights: np.ndarray, levels: Sequence[int],
    valid: Sequence[int] = (),
) -> dict[int, int]:  # fmt: skip
    """Return output → the literal of (dot product >= level), for outputs that read at most 6 bits.

    Weights are integers [O, fan]; bits and valid are as in `lrtc.plan.dots.dots`, for whatever bits, and so is padding.
    """
    weights, found = np.asarray(weights, np.int64), {}
    by_tap = weights.reshape(len(weights), max(1, len(valid)), -1).sum(2)
    if elem.kind != "b" or not len(valid):
        by_tap = by_tap[:, :0]
    for o, (own, taps) in enumerate(zip(weights, by_tap, strict=True)):
        (columns,), (padded,) = own.nonzero(), taps.nonzero()
        reads = len(columns) * elem.bits
        if reads + len(padded) > MOST_BITS:
            continue
        literals = [*(bit for i in columns for bit in bits[i]), *(valid[t] for t in padded)]
        pattern = np.arange(1 << len(literals))[:, None] >> np.arange(len(literals)) & 1
        values = _values(pattern[:, :reads].reshape(len(pattern), len(columns), elem.bits), elem)
        total = values @ own[columns] + (1 - pattern[:, reads:]) @ taps[padded]
        ones = np.flatnonzero(total >= levels[o])
        found[o] = gates.table(literals, sum(1 << int(k) for k in ones))
    return found


def cheaper(gates: Gates, sums: Sequence[int], found: Mapping[int, int]) -> list[int]:
    """Return the literal of each output: of its table, or of its sum where the gates of that are there anyway or fewer.

    sums: the literals of all outputs by adding up. The gates of all outputs are no more than those of the sums.
    """
    outputs = [found.get(o, literal) for o, literal in enumerate(sums)]
    live = set(gates.live(outputs))
    for o, literal in found.items():
        more = set(gates.live([sums[o]])) - live
        shared = any(other >> 1 == literal >> 1 for k, other in enumerate(outputs) if k != o)
        if gates.size(more) < (0 if shared else gates.size([literal >> 1])):
            outputs[o] = sums[o]
            live = set(gates.live(outputs))
    return outputs if gates.size(live) <= gates.size(gates.live(sums)) else list(sums)


def _values(bits: np.ndarray, elem: Elem) -> np.ndarray:
    """Return elements int64 for their bits [..., bits], bit 0 first."""
    place = 1 << np.arange(elem.bits)
    if elem.kind == "b":
        return 2 * bits[..., 0] - 1
    if elem.kind in "it":
        place[-1] *= -1
    return bits @ place
