"""Hard-wired layers: the netlist answers as the integers do, in every stage, whatever the elements and weights."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lrtc.ir import B1, T2, U8, Elem
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
        values[signal] = {"xor": total % 2, "and": total == 2, "maj": total >= 2}[gate.kind].astype(bool)
    return np.stack([read(literal) for literal in wired.outputs], 1)


def drawn(elem: Elem, rng: np.random.Generator, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return elements int64 [N, fan] and their bits bool [N, fan * bits]."""
    legal = [v for v in range(elem.low, elem.high + 1) if v or elem.kind != "b"]
    x = rng.choice(legal, shape).astype(np.int64)
    bits = (x > 0)[..., None] if elem.kind == "b" else x[..., None] >> np.arange(elem.bits) & 1 != 0
    return x, bits.reshape(len(x), -1)


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
