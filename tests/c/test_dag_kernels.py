"""Graphs made by hand for what is no chain of ±1: groups, ternary activations, levels, sums, moves, indices."""

from __future__ import annotations

import numpy as np
import pytest
from c_programs import assert_equal, to_c, to_program
from graph_maker import INTEGER, Maker

from lrtc.backends.c.formulas import FORMULA
from lrtc.check.emulate import run_emulated
from lrtc.ir import B1, T2, U8, Elem, Graph, tensor
from lrtc.ir.ops import Clamp, Crop, Flatten, Maximum, MaxPool2d, Pad, Rearrange, SumPool2d, TopK

U2, I4 = Elem("u", 2), Elem("i", 4)


def depthwise() -> Graph:
    m = Maker("depthwise", (6, 5, 2))
    x = m.decide(m.conv(m.x, 66), B1)
    x = m.decide(m.conv(x, 66, elem=B1, groups=66, stride=(1, 2)), T2)
    return m.done(m.linear_on_image(m.conv(x, 132, groups=66, elem=INTEGER), 4))


def groups_of_words() -> Graph:
    """Groups as zeros of a dense kernel: 64 channels a group on bits, on pairs, on bytes, on an input."""
    m = Maker("groups_words", (4, 5, 4))
    x = m.decide(m.conv(m.x, 128, groups=4, elem=B1), B1)
    x = m.decide(m.conv(x, 40, groups=2, elem=B1), T2)
    x = m.decide(m.conv(x, 64, groups=2, elem=INTEGER), U2)
    x = m.decide(m.conv(x, 34, groups=2), I4)
    return m.done(m.linear_on_image(m.conv(x, 6, groups=2, elem=INTEGER), 3))


def dilated() -> Graph:
    m = Maker("dilated", (9, 8, 2))
    x = m.decide(m.conv(m.x, 33, (2, 2), dilation=(3, 2), padding=(2, 0, 1, 3)), B1)
    x = m.decide(m.conv(x, 33, dilation=(2, 3), padding=(2, 2, 3, 3), stride=(1, 2)), T2)
    x = m.decide(m.conv(x, 5, dilation=(2, 1), padding=(2, 2, 1, 1)), U2)
    x = m.decide(m.conv(x, 5, dilation=(1, 2), padding=(0, 1, 2, 0)), I4)
    return m.done(m.linear_on_image(m.conv(x, 5, dilation=(2, 2), padding=(3, 3, 3, 3), elem=INTEGER), 3))


def ternary_activations() -> Graph:
    m = Maker("ternary", (5, 6, 1))
    x = m.decide(m.conv(m.x, 33), T2)
    x = m.decide(m.conv(x, 32, elem=B1, padding=(1, 0, 2, 1)), T2)
    x = m.decide(m.conv(x, 65, (1, 1), padding=(0, 0, 0, 0)), T2)
    x = m.decide(m.conv(x, 31, elem=INTEGER, stride=(2, 1)), T2)
    return m.done(m.affine(m.linear_on_image(x, 5)))


def ternary_pools() -> Graph:
    m = Maker("ternary_pools", (9, 9, 1))
    x = m.pool(m.decide(m.conv(m.x, 40), T2), True, (3, 2), (2, 1), (1, 0, 1, 0))
    x = m.b.add(SumPool2d((2, 3), (1, 2), (1, 0, 0, 1)), [x], "avg", "avg")
    return m.done(m.linear_on_image(m.decide(x, Elem("i", 3)), 4))


def one_level_to_t2() -> Graph:
    """Two of the three values."""
    m = Maker("one_level", (3, 3, 2))
    return m.done(m.decide(m.conv(m.x, 33), T2, count=1))


def signed_slices() -> Graph:
    m = Maker("signed_slices", (4, 4, 3))
    x = m.decide(m.x, Elem("i", 5))
    x = m.decide(m.conv(x, 20, elem=B1), INTEGER)
    x = m.decide(m.conv(x, 9, (1, 1), padding=(0, 0, 0, 0)), Elem("i", 1))
    return m.done(m.linear_on_image(x, 3))


def many_levels() -> Graph:
    """All 255 levels of a byte: bisection, with a row for all channels, and with flips."""
    m = Maker("levels", (4, 4, 2))
    x = m.decide(m.conv(m.x, 5), U8, shared=True, flips=False)
    x = m.decide(m.conv(x, 4, elem=INTEGER), U8)
    return m.done(m.linear_on_image(m.decide(x, Elem("u", 4), count=9, shared=True), 3))


def levels_of_bits() -> Graph:
    """Thresholds on ±1 and on bytes of the input."""
    m = Maker("levels_bits", (3, 3, 33))
    x = m.decide(m.decide(m.decide(m.x, B1), B1), U2, count=1)
    return m.done(m.linear_on_image(m.add(x, m.decide(m.x, T2)), 3))


def residual() -> Graph:
    """A binary residual network: sums fused into the convolution, written over the shortcut."""
    m = Maker("residual", (6, 6, 3))
    x = m.conv(m.x, 33, elem=INTEGER)
    for _ in range(3):
        x = m.add(m.conv(m.decide(x, B1), 33), x)
    x = m.b.add(SumPool2d((6, 6), (6, 6)), [x], "gap", "gap")
    return m.done(m.affine(m.linear_on_image(x, 5), (-1, 2)))


def sums_of_everything() -> Graph:
    m = Maker("sums_of_all", (3, 4, 35))
    bits, pairs, small = m.decide(m.x, B1), m.decide(m.x, T2), m.decide(m.x, I4)
    x = m.add(m.add(bits, pairs), m.add(small, m.x))
    x = m.add(m.affine(x, (-3, 4)), m.add(bits, bits))
    shift = m.b.const("shift", m.rng.integers(-300, 300, (3, 4, 35)).astype(np.int32))
    x = m.b.add(Clamp(-500, 400), [m.add(x, shift)], "clamp", "clamp")
    return m.done(m.linear_on_image(m.decide(m.b.add(Clamp(0, None), [x], "relu", "relu"), B1), 3))


def moves() -> Graph:
    """Everything that moves packed elements."""
    m = Maker("moves", (5, 5, 2))
    bits, pairs = m.decide(m.conv(m.x, 64), B1), m.decide(m.conv(m.x, 33), T2)
    bits = m.concat(bits, m.decide(m.conv(m.x, 3), B1))  # whole words
    bits = m.concat(
        m.b.add(Pad((1, 0, 2, 1), -1), [bits], "pad", "pad"), m.b.add(Pad((1, 0, 2, 1), 1), [bits], "pad", "p")
    )
    pairs = m.b.add(Pad((1, 0, 2, 1), -1), [m.concat(pairs, pairs)], "pad", "pad")
    bits = m.b.add(Crop((1, 1, 0, 2)), [bits], "crop", "crop")
    pairs = m.b.add(Crop((1, 1, 0, 2)), [m.channels(pairs, m.rng.permutation(66))], "crop", "crop")
    bits = m.channels(bits, m.rng.integers(0, 134, 66))
    scores = m.linear_on_image(m.concat(bits, bits), 4)
    for order, x in (("CHW", bits), ("HWC", pairs), ("CHW", pairs)):
        flat = m.b.add(Flatten(order), [x], "flat", "flat")
        scores = m.add(scores, m.linear(m.channels(flat, m.rng.permutation(m.b.facts[flat].type.size)), 4))
    return m.done(scores)


def turns() -> Graph:
    """Axes in another order and elements in another shape: bits, pairs, bytes, integers, vectors; with stages fused."""
    m = Maker("turns", (5, 4, 3))

    def turn(x: str, axes: tuple[int, ...], shape: tuple[int, ...]) -> str:
        return m.b.add(Rearrange(axes, shape), [x], "turn", "turn")

    bits, pairs = m.decide(m.conv(m.x, 33), B1), m.decide(m.conv(m.x, 40), T2)
    bits = turn(bits, (2, 0, 1), (33, 5, 4))
    pairs = turn(turn(pairs, (1, 2, 0), (4, 40, 5)), (0, 1, 2), (2, 2, 200))
    wide = m.conv(m.x, 6)
    both = m.add(turn(wide, (2, 1, 0), (10, 3, 4)), turn(wide, (1, 0, 2), (10, 3, 4)))
    decided = m.decide(turn(m.x, (2, 1, 0), (2, 1, 30)), T2)
    flat = turn(m.b.add(Flatten("CHW"), [wide], "flat", "flat"), (0,), (6, 5, 4))
    scores = m.linear_on_image(bits, 3)
    for x in (pairs, both, decided, flat, turn(m.x, (1, 2, 0), (60, 1, 1))):
        scores = m.add(scores, m.linear_on_image(x, 3))
    return m.done(scores)


def moves_of_integers() -> Graph:
    m = Maker("moves_i", (5, 4, 3))
    x = m.conv(m.x, 5)
    x = m.concat(m.x, x, m.affine(x, (-2, 3)))
    x = m.b.add(Pad((1, 0, 0, 2), -7), [m.channels(x, (12, 0, 3, 3, 9, 1))], "pad", "pad")
    x = m.b.add(Crop((0, 2, 1, 0)), [x], "crop", "crop")
    flat = m.b.add(Flatten("CHW"), [x], "flat", "flat")
    return m.done(m.affine(m.b.add(Flatten("HWC"), [m.add(flat, flat)], "same", "same"), (-2, 3)))


def decided_moves() -> Graph:
    """Moves with a threshold fused: words fill across the operands."""
    m = Maker("decided_moves", (3, 3, 30))
    x = m.conv(m.x, 31)
    bits, pairs = m.decide(m.concat(m.x, x, m.x), B1), m.decide(m.concat(x, m.x, x), T2)
    padded = m.decide(m.b.add(Pad((0, 1, 1, 0), 99), [m.x], "pad", "pad"), B1)
    x = m.add(m.linear_on_image(bits, 2), m.linear_on_image(pairs, 2))
    flat = m.decide(m.b.add(Flatten("CHW"), [padded], "flat", "flat"), T2)
    return m.done(m.add(x, m.linear(flat, 2)))


def indices() -> Graph:
    m = Maker("indices", (40,))
    return m.done(m.b.add(TopK(5), [m.linear(m.x, 20)], "top", "top"))


def index_of_bits() -> Graph:
    m = Maker("index_of_bits", (40,))
    return m.done(m.b.add(TopK(1), [m.decide(m.x, B1)], "top", "top"))


def scores_of_indices() -> Graph:
    m = Maker("scores_of_indices", (300,))
    top = m.b.add(TopK(3), [m.x], "top", "top")
    return m.done(m.affine(top))


def sums_grouped() -> Graph:
    """Straight-line code with groups and dilation."""
    m = Maker("sums_grouped", (7, 7, 3))
    x = m.decide(m.conv(m.x, 33, groups=3, dilation=(2, 1), stride=(1, 2)), B1)
    return m.done(m.linear_on_image(x, 2))


def maxima() -> Graph:
    """Words of bits and of trits, integers of different widths, and a constant, over a plane and a bit."""
    m = Maker("maxima", (4, 3, 3))
    a, b = (m.conv(m.x, 33, kernel=(1, 1)) for _ in range(2))
    shape = m.b.facts[a].type.shape
    limit = m.b.const("limit", m.rng.integers(-200, 200, shape).astype(np.int32))
    x = m.b.add(Maximum(least=True), [m.b.add(Maximum(), [a, b], "most", "most"), limit], "least", "least")
    ones, trits = ([m.decide(value, elem) for value in (x, a, b)] for elem in (B1, T2))
    for least in (False, True):
        ones[0] = m.b.add(Maximum(least), ones[:2], "ones", "ones")
        trits[0] = m.b.add(Maximum(least), trits[:2], "trits", "trits")
        ones, trits = [ones[0], ones[-1]], [trits[0], trits[-1]]
    mixed = m.b.add(Maximum(), [ones[0], trits[0]], "mixed", "mixed")
    fixed = m.b.const("fixed", m.rng.choice((-1, 1), shape).astype(np.int8), tensor(shape, B1))
    flat = [m.linear_on_image(v, 2) for v in (mixed, m.b.add(Maximum(), [ones[0], fixed], "some", "some"))]
    return m.done(m.b.add(Maximum(least=True), flat, "end", "end"))


def input_as_output() -> Graph:
    m = Maker("input_out", (2, 2, 3))
    return m.done(m.b.add(Flatten("HWC"), [m.x], "flat", "flat"))


def integer_pool_at_the_end() -> Graph:
    m = Maker("pool_end", (4, 4, 2))
    return m.done(m.b.add(MaxPool2d(), [m.b.add(SumPool2d((2, 2), (1, 1)), [m.x], "avg", "avg")], "pool", "pool"))


KINDS = {
    depthwise: {"integers"}, groups_of_words: {"sums", "count", "pairs", "slices"}, dilated: {"sums", "pairs"},
    ternary_activations: {"pairs"}, ternary_pools: {"pool_integers", "pool_sums"}, one_level_to_t2: {"slices"},
    signed_slices: {"slices"}, many_levels: {"slices"}, levels_of_bits: {"map"}, residual: {"count", "pool_sums"},
    sums_of_everything: {"map"}, moves: {"join", "concat", "place_words", "channels", "flatten"},
    moves_of_integers: {"join", "place", "channels", "flatten"}, decided_moves: {"concat", "place"},
    turns: {"rearrange"},
    indices: {"topk"}, index_of_bits: {"topk"}, scores_of_indices: {"topk", "map"}, sums_grouped: {"sums"},
    maxima: {"map", "maximum_words"}, input_as_output: {"map"}, integer_pool_at_the_end: {"pool_integers", "pool_sums"},
}  # fmt: skip
# in test_kernels, test_wide, test_sliced
ELSEWHERE = {"count_planes", "count_wide", "pool_bits", "sliced8", "sliced16", "sliced_nibbles", "tables"}


@pytest.fixture(scope="module")
def networks():
    chosen = {residual: "count"}
    return {make: to_c(make(), images=6, seed=i, kernels=chosen.get(make, "")) for i, make in enumerate(KINDS)}


@pytest.fixture(scope="module")
def program(networks, tmp_path_factory):
    return to_program(networks.values(), tmp_path_factory.mktemp("dag_kernels"))


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_kernel(make, networks, program):
    network = networks[make]
    assert KINDS[make] <= {step.kind for step in network.plan.steps}
    assert_equal(network, program.run(network.name, network.x))


def test_every_kernel_under_sanitizers(networks, tmp_path):
    program = to_program(networks.values(), tmp_path, sanitize=True)
    for network in networks.values():
        assert_equal(network, program.run(network.name, network.x))


EMULATED = [groups_of_words, ternary_activations, many_levels, residual, moves, decided_moves, maxima]


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("make", EMULATED)
def test_kernel_on_an_emulated_core(make, core, networks):
    network = networks[make]
    done = run_emulated(network.files, network.name, network.x[:2], core, network.classes)
    assert (done.logits == network.want[:2]).all()


def test_every_kind_of_step_is_tested(networks):
    kinds = {step.kind for network in networks.values() for step in network.plan.steps}
    assert kinds | ELSEWHERE == set(FORMULA)


def test_a_residual_sum_lies_where_its_shortcut_lay(networks):
    """Of three sums none needs memory of its own: one map of integers, the packed bits, one window."""
    plan = networks[residual].plan
    sums = [step for step in plan.steps if any(stage.kind == "add" for stage in step.stages)]
    assert len(sums) == 3
    assert len({plan.buffers[step.y] for step in sums}) == 1
    assert plan.arena.size == 6 * 6 * 33 * 4 + 6 * 6 * 2 * 4 + 9 * 2 * 4


def test_only_vectors_of_scores_are_classified(networks):
    for make, classified in ((residual, True), (indices, False), (one_level_to_t2, False), (input_as_output, True)):
        header = networks[make].files[f"{networks[make].name}.h"]
        assert (f"int {networks[make].name}_classify" in header) == classified
