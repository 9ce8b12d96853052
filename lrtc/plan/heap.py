"""Sums of bits as heaps: columns of literals, column k weighs 2^k, made smaller by full adders."""

from __future__ import annotations

from collections.abc import Iterable

from lrtc.plan.gates import ONE, Gates

Heap = dict[int, list[int]]  # column → literals


def put(heap: Heap, column: int, literals: Iterable[int]) -> None:
    """Put literals into a column."""
    heap.setdefault(column, []).extend(literals)


def put_constant(heap: Heap, value: int, columns: int) -> None:
    """Put the bits of a constant, modulo 2^columns."""
    for column in range(columns):
        if value >> column & 1:
            put(heap, column, [ONE])


def compress(gates: Gates, heap: Heap, column: int) -> None:
    """Add up a column until at most one literal is left; carries go into the next one.

    Constants first: an adder with one is smaller. Else the earliest first, which keeps the tree flat.
    """
    bits = heap.setdefault(column, [])
    bits.sort(key=lambda literal: (literal > ONE, gates.level[literal >> 1]))
    while len(bits) > 2:
        total, carry = gates.full(*bits[:3])
        del bits[:3]
        bits.append(total)
        put(heap, column + 1, [carry])
    if len(bits) == 2:
        total, carry = gates.half(*bits)
        bits[:] = [total]
        put(heap, column + 1, [carry])
