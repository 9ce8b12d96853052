"""Sums of bits as heaps: columns of literals, column k weighs 2^k, made smaller by full adders.

A comparison sum >= level is the carry out of 2^K − level + sum: the level goes into the heap as constant bits, and only
the carry is built.
"""

from __future__ import annotations

from collections.abc import Iterable

from lrtc.plan.gates import ONE, ZERO, Gates

Heap = dict[int, list[int]]  # column → literals


def put(heap: Heap, column: int, literals: Iterable[int]) -> None:
    """Put literals into a column."""
    heap.setdefault(column, []).extend(literals)


def put_constant(heap: Heap, value: int, columns: int) -> None:
    """Put the bits of a constant, modulo 2^columns."""
    for column in range(columns):
        if value >> column & 1:
            put(heap, column, [ONE])


def compress(gates: Gates, heap: Heap, column: int, least: int = 1) -> None:
    """Add up a column until at most `least` literals are left; carries go into the next one.

    Constants first: an adder with one is smaller. Else the earliest first, which keeps the tree flat.
    """
    bits = heap.setdefault(column, [])
    bits.sort(key=lambda literal: (literal > ONE, gates.level[literal >> 1]))
    while len(bits) > max(2, least):
        total, carry = gates.full(*bits[:3])
        del bits[:3]
        bits.append(total)
        put(heap, column + 1, [carry])
    if len(bits) == 2 and least == 1:
        total, carry = gates.half(*bits)
        bits[:] = [total]
        put(heap, column + 1, [carry])


def at_least(gates: Gates, heap: Heap, level: int, most: int) -> int:
    """Return the literal of (sum of the heap) >= level, for sums from 0 to `most`; the heap is used up."""
    if level <= 0 or level > most:
        return ONE if level <= 0 else ZERO
    columns = max(1, most.bit_length())
    put_constant(heap, (1 << columns) - level, columns)
    for column in range(columns):
        compress(gates, heap, column)
    found = ZERO
    for literal in heap.get(columns, []):
        found = gates.either(found, literal)
    return found


def total(gates: Gates, heap: Heap, columns: int) -> list[int]:
    """Return the literals of the heap's sum modulo 2^columns, bit 0 first; the heap is used up."""
    for column in range(columns):
        compress(gates, heap, column)
    return [heap[column][0] if heap.get(column) else ZERO for column in range(columns)]
