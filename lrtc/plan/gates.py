"""A netlist of full adders for hard-wired layers: literals, gates that are made once, and in which stage each stands.

A literal is 2·signal + complement; signal 0 is the constant 0, so that the literals 0 and 1 are the bits 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ZERO, ONE = 0, 1


@dataclass(frozen=True)
class Gate:
    """A gate. kind: "xor" or "and" of some literals, "maj": at least two of three, "table": bit k of `table`.

    k: the values of `ins`, the first at the LSB.
    """

    kind: str
    ins: tuple[int, ...]
    table: int = 0

    @property
    def size(self) -> int:
        """Return the functions of 5 inputs that it takes, two of which are a LUT6."""
        return 2 if len(self.ins) > 5 and self.kind == "table" else 1


def is_complement(literal: int) -> int:
    """Return 1 for the complement of a signal."""
    return literal & 1


class Gates:
    """Builds a netlist over `inputs` signals, 1 to `inputs`; equal gates, up to complement, are one.

    level: signal → gates on the longest way to it.
    """

    def __init__(self, inputs: int) -> None:
        self.inputs = inputs
        self.gates: list[Gate | None] = [None] * (inputs + 1)
        self.level = [0] * (inputs + 1)
        self._made: dict[Gate, int] = {}

    def _make(self, kind: str, ins: tuple[int, ...], table: int = 0) -> int:
        gate = Gate(kind, ins, table)
        signal = self._made.get(gate)
        if signal is None:
            signal = self._made[gate] = len(self.gates)
            self.gates.append(gate)
            self.level.append(1 + max(self.level[literal >> 1] for literal in ins))
        return 2 * signal

    def input(self, k: int) -> int:
        """Return the literal of input k, counted from 0."""
        return 2 * (k + 1)

    def xor(self, literals: Iterable[int]) -> int:
        """Return the sum of literals modulo 2."""
        complement, odd = 0, set()
        for literal in literals:
            complement ^= literal & 1
            if literal > ONE:
                odd ^= {literal & ~1}
        if len(odd) < 2:
            return (odd.pop() if odd else ZERO) ^ complement
        return self._make("xor", tuple(sorted(odd))) ^ complement

    def both(self, a: int, b: int) -> int:
        """Return a and b."""
        a, b = min(a, b), max(a, b)
        if a == ZERO or a ^ b == 1:
            return ZERO
        return b if a in (ONE, b) else self._make("and", (a, b))

    def either(self, a: int, b: int) -> int:
        """Return a or b."""
        return self.both(a ^ 1, b ^ 1) ^ 1

    def majority(self, a: int, b: int, c: int) -> int:
        """Return whether at least two of three are 1; the complement of all three gives the complement."""
        a, b, c = sorted((a, b, c))
        if a == b or b == c:
            return b
        if a ^ b == 1 or b ^ c == 1:
            return c if a ^ b == 1 else a
        if a <= ONE:
            return self.both(b, c) if a == ZERO else self.either(b, c)
        complement = a & 1
        return self._make("maj", (a ^ complement, b ^ complement, c ^ complement)) ^ complement

    def full(self, a: int, b: int, c: int) -> tuple[int, int]:
        """Return (sum, carry) of three bits: one LUT6_2."""
        return self.xor((a, b, c)), self.majority(a, b, c)

    def half(self, a: int, b: int) -> tuple[int, int]:
        """Return (sum, carry) of two bits."""
        return self.xor((a, b)), self.both(a, b)

    def table(self, literals: Sequence[int], table: int) -> int:
        """Return bit k of a table, k: the values of input signals' literals, the first at the LSB.

        Inputs that change nothing are left out, and gates of two inputs are those of `both` and `xor`.
        """
        places = sorted(range(len(literals)), key=lambda k: literals[k])
        turn = sum((literals[k] & 1) << k for k in range(len(literals)))
        ones = [bool(table >> (k ^ turn) & 1) for k in range(1 << len(literals))]  # by the signals, not their literals
        for k in reversed(range(len(literals))):
            if all(ones[p] == ones[p ^ 1 << k] for p in range(len(ones))):
                places.remove(k)
        ins = tuple(literals[k] & ~1 for k in places)
        bits = [ones[sum((p >> j & 1) << k for j, k in enumerate(places))] for p in range(1 << len(ins))]
        flip = int(bits[0])
        value = sum((bit ^ flip) << p for p, bit in enumerate(bits))
        if len(ins) < 2:
            return (ins[0] if ins else ZERO) ^ flip
        if len(ins) == 2:
            a, b = ins
            some = {2: (a, b ^ 1), 4: (a ^ 1, b), 8: (a, b)}.get(value)
            two = {6: self.xor(ins), 14: self.either(a, b)}.get(value) if some is None else self.both(*some)
            return two ^ flip
        return self._make("table", ins, value) ^ flip

    def size(self, signals: Iterable[int]) -> int:
        """Return the functions of 5 inputs that the gates of signals take; inputs and constants take none."""
        return sum(self.gates[signal].size for signal in signals if signal > self.inputs)

    def live(self, outputs: Sequence[int]) -> list[int]:
        """Return the signals that the outputs need, inputs and constants left out, each behind what it reads."""
        found, waiting = set(), [literal >> 1 for literal in outputs]
        while waiting:
            signal = waiting.pop()
            if signal > self.inputs and signal not in found:
                found.add(signal)
                waiting += [literal >> 1 for literal in self.gates[signal].ins]
        return sorted(found)
