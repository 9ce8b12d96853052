"""Dot products with constant weights as bit heaps, one an output, with what outputs have in common built once.

Dense ±1 weights: inputs stand in groups of 7, whose sums have 64 patterns of weights up to complement (the argument of
the Four Russians). The lowest bit of such a sum is the same for every pattern, up to complement, so the lowest bits of
all groups are again bits with dense ±1 weights, and are grouped again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrtc.ir import Elem
from lrtc.plan.gates import Gates
from lrtc.plan.heap import Heap, put
from lrtc.plan.regroup import GROUP, regroup


@dataclass(frozen=True)
class Dot:
    """One output: scale · (sum of the heap) + offset, and the most that the heap's sum can be."""

    heap: Heap
    scale: int
    offset: int
    most: int


def dots(
    gates: Gates, bits: Sequence[Sequence[int]], elem: Elem, weights: np.ndarray, valid: Sequence[int] = ()
) -> list[Dot]:
    """Return a Dot for every row of integer weights [O, fan] on `fan` elements, given as literals, bit 0 first.

    A bipolar x is 2·bit − 1. −b is ~b − 1, so that a negative weight adds complements. valid: a literal for each tap of
    fan / taps elements in a row; bits of a tap that is not valid are 0, and a bipolar tap then counts as −1, which is
    taken back.
    """
    weights = weights.astype(np.int64)
    size, bipolar = np.abs(weights), elem.kind == "b"
    heaps: list[Heap] = [{} for _ in weights]
    offset, most = np.zeros(len(weights), np.int64), np.zeros(len(weights), np.int64)
    for k in range(elem.bits):
        negative = not bipolar and elem.kind in "it" and k == elem.bits - 1
        signs = np.sign(weights) * (-1 if negative else 1)
        for b in range(int(size.max(initial=0)).bit_length()):
            _add(gates, heaps, k + b, [literals[k] for literals in bits], signs * (size >> b & 1))
        offset -= (size * (signs < 0)).sum(1) << k
        most += size.sum(1) << k
    if bipolar:
        found = [Dot(heap, 2, int(-m), int(m)) for heap, m in zip(heaps, most, strict=True)]
        by_tap = weights.reshape(len(weights), max(1, len(valid)), -1).sum(2)
        return [_padded(dot, valid, own) for dot, own in zip(found, by_tap, strict=True)] if valid else found
    return [Dot(heap, 1, int(o), int(m)) for heap, o, m in zip(heaps, offset, most, strict=True)]


def _padded(dot: Dot, valid: Sequence[int], sums: np.ndarray) -> Dot:
    """Return a Dot of scale 1 to which the sum of a tap's weights is added where the tap is not valid.

    Of a negative sum, −s·(1 − v) is s·v − s.
    """
    heap: Heap = {column + 1: literals for column, literals in dot.heap.items()}
    for literal, own in zip(valid, sums.tolist(), strict=True):
        for b in range(abs(own).bit_length()):
            if abs(own) >> b & 1:
                put(heap, b, [literal ^ int(own > 0)])
    return Dot(heap, 1, dot.offset + int(sums[sums < 0].sum()), 2 * dot.most + int(np.abs(sums).sum()))


def _add(gates: Gates, heaps: list[Heap], column: int, literals: Sequence[int], signs: np.ndarray) -> None:
    """Add signs[o, i] · literals[i], −1 being the complement, to a column of every heap."""
    if len(heaps) > 1 and signs.all():
        literals, signs = _share_groups(gates, heaps, column, list(literals), signs)
    for heap, own in zip(heaps, signs, strict=True):
        put(heap, column, (literal ^ int(s < 0) for literal, s in zip(literals, own, strict=True) if s))


def _share_groups(
    gates: Gates, heaps: list[Heap], column: int, literals: list[int], signs: np.ndarray
) -> tuple[list[int], np.ndarray]:
    """Add groups of literals to the columns above; return what is left of this column: lowest bits, with signs."""
    while len(literals) >= 3:
        size = GROUP if len(literals) >= GROUP else 3
        order = regroup(signs.T) if size == GROUP else np.arange(len(literals))
        cut = len(order) - len(order) % size
        kept, kept_signs = [], []
        for group in order[:cut].reshape(-1, size):
            base, own = _share_group(gates, heaps, column, [literals[i] for i in group], signs[:, group])
            kept.append(base)
            kept_signs.append(own)
        rest = order[cut:]
        literals = [*(literals[i] for i in rest), *kept]
        signs = np.column_stack([signs[:, rest], *kept_signs])
    return literals, signs


def _share_group(
    gates: Gates, heaps: list[Heap], column: int, literals: Sequence[int], signs: np.ndarray
) -> tuple[int, np.ndarray]:
    """Add a group; return the signal of the lowest bit as a literal, and its sign by output."""
    patterns, which = np.unique(signs, axis=0, return_inverse=True)
    sums = [_sum([x ^ int(s < 0) for x, s in zip(literals, own, strict=True)], gates) for own in patterns]
    for heap, k in zip(heaps, which.ravel(), strict=True):
        for j, literal in enumerate(sums[k][1:], 1):
            put(heap, column + j, [literal])
    low = np.array([-1 if found[0] & 1 else 1 for found in sums])
    return sums[0][0] & ~1, low[which.ravel()]


def _sum(literals: Sequence[int], gates: Gates) -> tuple[int, ...]:
    """Return the bits of the sum of 3 or 7 literals."""
    if len(literals) == 3:
        return gates.full(*literals)
    (a, a2), (b, b2) = gates.full(*literals[:3]), gates.full(*literals[3:6])
    low, carry = gates.full(a, b, literals[6])
    return low, *gates.full(a2, b2, carry)
