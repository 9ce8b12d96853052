"""Hard-wired layers: the netlist answers as the integers do, in every stage, whatever the elements and weights."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtc import interp
from lrtc.ir import B1, T2, U8, Elem, GraphBuilder, tensor, verify
from lrtc.ir.ops import Linear, Threshold
from lrtc.plan import hardwired
from lrtc.plan.gates import ONE, ZERO, Gates
from lrtc.plan.hardwired import Wired, decided, summed
from lrtc.plan.regroup import GROUP, regroup

ELEMS = (B1, T2, U8, Elem("u", 2), Elem("i", 3))
WEIGHTS = {"bipolar": (-1, 1), "ternary": (-1, 0, 1), "integer": tuple(range(-5, 8))}


def answers(wired: Wired, bits: np.ndarray) -> np.ndarray:
    """Return bool [N, outputs] for input bits [N, inputs]; a gate may only read what was there in its stage."""
    values = {0: np.zeros(len(bits), bool)} | dict(enumerate(bits.T, 1))

    def read(literal: int) -> np.ndarray:
        return values[literal >> 1] ^ bool(literal & 1)

    for signal, gate in wired.gates.items():
        assert all(wired.stage.get(literal >> 1, 0) <= wired.stage[signal] < wired.stages for literal in gate.ins)
        total = sum(read(literal).astype(int) for literal in gate.ins)
        if gate.kind == "table":
            place = sum(read(literal).astype(int) << k for k, literal in enumerate(gate.ins))
            values[signal] = np.array([gate.table >> k & 1 for k in range(1 << len(gate.ins))], bool)[place]
        else:
            values[signal] = {"xor": total % 2, "and": total == 2, "maj": total >= 2}[gate.kind].astype(bool)
    return np.stack([read(literal) for literal in wired.outputs], 1)


def drawn(elem: Elem, rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return elements int64 [N, fan] and their bits bool [N, fan * bits]."""
    legal = [v for v in range(elem.low, elem.high + 1) if v or elem.kind != "b"]
    x = rng.choice(legal, shape).astype(np.int64)
    return x, bits_of(x, elem)


def bits_of(x: np.ndarray, elem: Elem) -> np.ndarray:
    """Return the bits bool [N, fan * bits] of elements [N, fan]."""
    bits = (x > 0)[..., None] if elem.kind == "b" else x[..., None] >> np.arange(elem.bits) & 1 != 0
    return bits.reshape(len(x), -1)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ELEMS), st.sampled_from(sorted(WEIGHTS)), st.integers(1, 24), st.integers(1, 9),
    st.sampled_from((None, 1, 3)), st.integers(0, 99),
)  # fmt: skip
def test_netlists_equal_integers(elem, kind, fan, outputs, per_stage, seed):
    rng = np.random.default_rng(seed)
    weights = rng.choice(WEIGHTS[kind], (outputs, fan))
    x, bits = drawn(elem, rng, (40, fan))
    acc = x @ weights.T
    levels = acc[0] + rng.integers(-2, 3, outputs)  # ties and near misses
    levels[: outputs // 4] = rng.choice((-10_000, 10_000))  # never, always
    flips = rng.integers(0, 2, outputs)
    assert np.array_equal(answers(decided(weights, levels, flips, elem, per_stage), bits), (acc >= levels) != flips)
    width = int(np.abs(acc).max()).bit_length() + 1
    got = answers(summed(weights, elem, width, per_stage), bits).reshape(40, outputs, width)
    assert np.array_equal((got << np.arange(width)).sum(-1), acc & (1 << width) - 1)


@pytest.mark.parametrize("fan", [6, 7, 8, 13, 49, 56])
def test_dense_rows_of_every_length(fan):
    """Groups of 7, groups of groups, and what is left."""
    rng = np.random.default_rng(fan)
    weights = rng.choice((-1, 1), (12, fan))
    x, bits = drawn(B1, rng, (60, fan))
    acc = x @ weights.T
    assert np.array_equal(answers(decided(weights, acc[0], np.zeros(12), B1, 2), bits), acc >= acc[0])


FEW = {"bits": (B1, 6), "signs": (T2, 3), "codes": (Elem("u", 2), 3), "signed": (Elem("i", 3), 2)}  # 6 bits


@pytest.mark.parametrize("name", sorted(FEW))
@pytest.mark.parametrize("weights", [(-1, 0, 1), (-3, 0, 1, 2)], ids=["ternary", "integers"])
def test_outputs_of_few_bits_are_the_interpreters_on_every_pattern(name, weights):
    """64 patterns of 6 bits, 40 outputs with levels of every kind: most are one table, none differs."""
    (elem, fan), rng = FEW[name], np.random.default_rng(len(name))
    legal = [v for v in range(elem.low, elem.high + 1) if v or elem.kind != "b"]
    x = np.array(list(product(legal, repeat=fan)))
    w = rng.choice(weights, (40, fan)).astype(np.int8)
    rows = np.stack([rng.integers(-4, 5, 40), rng.integers(0, 2, 40)]).astype(np.int32)
    b = GraphBuilder("few")
    kind = T2 if weights == (-1, 0, 1) else Elem("i", 3)
    acc = b.add(Linear(), [b.input("x", tensor((fan,), elem)), b.const("w", w, tensor(w.shape, kind, "OI"))], "acc")
    graph = verify(b.finish([b.add(Threshold(), [acc, b.const("t", rows)], "bits")]))
    wired = decided(w, *rows, elem)
    got = answers(wired, bits_of(x, elem))
    assert np.array_equal(np.where(got, 1, -1), interp.run(graph, x).reshape(len(x), -1))
    assert all(gate.kind == "table" or len(gate.ins) == 2 for gate in wired.gates.values())
    assert max(len(gate.ins) for gate in wired.gates.values()) <= 6


def test_tables_of_padded_bits_add_the_tap_back():
    """Two taps of two bits and their valid bits are six: a table for every pattern that padding makes."""
    rng = np.random.default_rng(2)
    w = rng.choice((-1, 0, 1), (30, 4))
    bits = np.array(list(product((False, True), repeat=6)))
    bits = bits[~(bits[:, :4] & ~np.repeat(bits[:, 4:], 2, axis=1)).any(axis=1)]  # 0 where a tap is not valid
    acc = ((2 * bits[:, :4].astype(int) - 1) * np.repeat(bits[:, 4:], 2, axis=1)) @ w.T
    levels = rng.integers(-2, 3, 30)
    wired = decided(w, levels, np.zeros(30), B1, taps=2)
    assert np.array_equal(answers(wired, bits), acc >= levels)
    assert any(len(gate.ins) == 6 for gate in wired.gates.values())


def test_tables_are_taken_where_they_are_no_larger(monkeypatch):
    """Sparse ternary rows take fewer gates with tables than without, whatever the level; dense ones have none."""
    rng = np.random.default_rng(4)
    for zeros in (0.0, 0.5, 0.8, 0.9, 0.97):
        w = rng.choice((-1, 1), (24, 40)) * (rng.random((24, 40)) >= zeros)
        levels = rng.integers(-2, 3, 24)
        wired = decided(w, levels, np.zeros(24), B1)
        with monkeypatch.context() as patch:
            patch.setattr(hardwired, "tables", lambda *_: {})
            without = decided(w, levels, np.zeros(24), B1)
        kinds = {gate.kind for gate in wired.gates.values()}
        assert wired.size <= without.size == len(without.gates)
        assert ("table" in kinds) == (zeros >= 0.8), zeros
        assert wired.size < without.size or zeros < 0.8


def test_tables_are_as_small_as_they_can_be():
    """Bits that change nothing are left out; what is a gate is that gate; a complement is the same table."""
    gates = Gates(4)
    a, b, c, d = (gates.input(k) for k in range(4))
    assert gates.table([a, b], 0b1000) == gates.both(a, b)
    assert gates.table([b, a], 0b1101) == gates.both(a ^ 1, b) ^ 1
    assert gates.table([a, b ^ 1], 0b0110) == gates.xor((a, b)) ^ 1
    assert gates.table([a, b, c, d], 0xFF00) == d
    assert gates.table([a, d], 0b1111) == ONE
    three = gates.table([a, b, c], 0b10010110)
    assert gates.table([c, a, b, d ^ 1], 0b0110100101101001) == three ^ 1
    assert gates.gates[three >> 1].ins == (a, b, c)


def test_gates_are_made_once():
    gates = Gates(3)
    a, b, c = (gates.input(k) for k in range(3))
    total, carry = gates.full(a, b, c)
    made = len(gates.gates)
    assert gates.full(a ^ 1, c ^ 1, b ^ 1) == (total ^ 1, carry ^ 1)
    assert gates.full(ZERO, a, a ^ 1) == (ONE, ZERO)
    assert gates.full(ONE, a, a) == (ONE, a)
    assert len(gates.gates) == made


def test_regrouping_leaves_fewer_patterns_and_repeats():
    signs = np.random.default_rng(3).choice((-1, 1), (64, 32))

    def patterns(order):
        groups = (signs[order[k : k + GROUP]] for k in range(0, 63, GROUP))
        return sum(len(np.unique((group * group[-1]).T, axis=0)) for group in groups)

    order = regroup(signs)
    assert sorted(order) == list(range(64))
    assert patterns(order) < 0.8 * patterns(np.arange(64))
    assert np.array_equal(order, regroup(signs))
