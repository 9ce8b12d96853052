"""Graphs made by hand, one for every kernel and for what random networks seldom hold."""

from __future__ import annotations

import numpy as np
import pytest
from c_programs import assert_equal, to_c, to_program
from graph_maker import INTEGER, Maker

from lrtc.check.emulate import run_emulated
from lrtc.ir import B1, T2, Elem, Graph, tensor
from lrtc.ir.ops import Conv2d, Threshold


def slices() -> Graph:
    """Too many additions for straight-line code: bit-planes of the input, gathered."""
    m = Maker("slices", (7, 6, 3))
    x = m.threshold(m.conv(m.x, 100, (5, 5), padding=(2, 1, 0, 2), stride=(2, 1)))
    return m.done(m.linear_on_image(x, 5))


def slices_of_pixels() -> Graph:
    m = Maker("slices_pixels", (4, 5, 99))
    x = m.conv(m.x, 33, (1, 1), elem=B1, padding=(0, 0, 0, 0), stride=(2, 2))
    return m.done(m.affine(m.linear_on_image(m.decide(x, T2), 4)))


def slices_of_a_vector() -> Graph:
    m = Maker("slices_vector", (784,))
    return m.done(m.linear(m.threshold(m.linear(m.x, 64)), 10, B1))


def slices_unfused() -> Graph:
    m = Maker("slices_plain", (5, 5, 2))
    return m.done(m.conv(m.x, 3, elem=B1))


def narrow_input() -> Graph:
    m = Maker("narrow", (6, 6, 1), Elem("u", 4))
    x = m.threshold(m.conv(m.x, 40, (2, 3), padding=(1, 0, 1, 1)))
    return m.done(m.linear_on_image(x, 3, B1))


def integer_weights_on_bytes() -> Graph:
    m = Maker("integers_u8", (6, 5, 2))
    x = m.threshold(m.conv(m.x, 34, elem=INTEGER, padding=(1, 2, 0, 1), stride=(1, 2)))
    return m.done(m.linear_on_image(x, 3))


def integer_layers() -> Graph:
    """No activation between: integers on integers, wide weights, an unfused affine map and threshold."""
    m = Maker("integers_i32", (4, 4, 2))
    x = m.affine(m.conv(m.x, 3), (-3, 4), (-9, 9))
    x = m.conv(x, 5, (2, 2), elem=Elem("i", 5), padding=(0, 1, 1, 0))
    return m.done(m.affine(x, (-2, 3)))


def planes_padded() -> Graph:
    m = Maker("planes_padded", (5, 5, 1))
    x = m.threshold(m.conv(m.x, 33))
    x = m.threshold(m.conv(x, 9, (3, 2), elem=INTEGER, padding=(2, 1, 1, 1), stride=(2, 1)))
    x = m.conv(x, 4, (2, 2), elem=Elem("i", 3), padding=(0, 1, 0, 1))
    return m.done(m.affine(x))


def planes_wide() -> Graph:
    m = Maker("planes_wide", (2, 2, 1))
    x = m.threshold(m.conv(m.x, 65))
    return m.done(m.conv(x, 3, (2, 2), elem=Elem("i", 13), padding=(0, 0, 0, 0)))


def pools_of_integers() -> Graph:
    m = Maker("pool_integers", (7, 7, 3))
    x = m.pool(m.x, False, (2, 3), (1, 2), (1, 0, 1, 1))
    x = m.conv(x, 5)
    x = m.pool(x, True, (3, 3), (2, 2), (1, 1, 1, 1))
    return m.done(m.affine(m.linear_on_image(m.threshold(x), 6)))


def pools_of_bits() -> Graph:
    m = Maker("pool_bits", (9, 8, 1))
    x = m.threshold(m.conv(m.x, 33))
    x = m.pool(x, True, (3, 2), (2, 1), (1, 1, 1, 0))
    return m.done(m.linear_on_image(m.pool(x, False, (2, 2), (1, 3)), 4))


def affine_after_pool() -> Graph:
    m = Maker("affine_after_pool", (5, 5, 1))
    return m.done(m.affine(m.pool(m.conv(m.threshold(m.conv(m.x, 5)), 33), True)))


def bytes_as_output() -> Graph:
    m = Maker("bytes_out", (5, 4, 3))
    return m.done(m.pool(m.x, True))


def bits_as_output() -> Graph:
    m = Maker("bits_out", (4, 3, 1))
    return m.done(m.threshold(m.conv(m.x, 33, padding=(0, 0, 0, 0))))


def thresholded_input() -> Graph:
    m = Maker("bits_in", (5, 4, 35))
    rows = np.stack([m.rng.integers(0, 257, 35), m.rng.integers(0, 2, 35)]).astype(np.int32)
    x = m.b.add(Threshold(), [m.x, m.b.const("levels", rows)], "act", "act")
    return m.done(m.linear_on_image(x, 3))


def output_is_an_image() -> Graph:
    m = Maker("image_out", (4, 4, 1))
    return m.done(m.pool(m.conv(m.threshold(m.conv(m.x, 3)), 2), False))


def all_weights_zero() -> Graph:
    m = Maker("zeros", (3, 3, 2))
    zero = m.b.const("w", np.zeros((4, 3, 3, 2), np.int8), tensor((4, 3, 3, 2), T2))
    x = m.threshold(m.b.add(Conv2d((1, 1), (1, 1, 1, 1)), [m.x, zero], "conv", "c"))
    return m.done(m.linear_on_image(x, 2))


def one_of_everything() -> Graph:
    m = Maker("tiny", (1, 1, 1))
    return m.done(m.linear_on_image(m.threshold(m.conv(m.x, 1, (1, 1), padding=(0, 0, 0, 0))), 1, B1))


def words(n: int, elem: Elem) -> Graph:
    """A linear layer on n words."""
    m = Maker(f"words_{n}_{elem}", (32 * n - 5,))
    rows = np.stack([np.full(32 * n - 5, 128), np.zeros(32 * n - 5)]).astype(np.int32)
    x = m.b.add(Threshold(), [m.x, m.b.const("levels", rows)], "act", "act")
    return m.done(m.linear(x, 3, elem))


def wide_window() -> Graph:
    """More than 65,535 lanes: counts beyond 16 bits."""
    m = Maker("wide", (1, 1, 66000))
    rows = np.stack([np.full(66000, 100), np.zeros(66000)]).astype(np.int32)
    x = m.b.add(Threshold(), [m.x, m.b.const("levels", rows)], "act", "act")
    return m.done(m.linear(m.threshold(m.linear_on_image(x, 2, B1)), 2))


KINDS = {
    slices: "slices", slices_of_pixels: "slices", slices_of_a_vector: "slices", slices_unfused: "slices",
    narrow_input: "sums", integer_weights_on_bytes: "integers", integer_layers: "integers",
    planes_padded: "count_planes", planes_wide: "count_planes", pools_of_integers: "pool_integers",
    pools_of_bits: "pool_bits", affine_after_pool: "pool_integers", bytes_as_output: "pool_integers",
    bits_as_output: "map", thresholded_input: "map", output_is_an_image: "pool_integers", all_weights_zero: "slices",
    one_of_everything: "sums", wide_window: "count",
}  # fmt: skip
STRADDLING = [(n, elem) for n in (*range(1, 20), 31, 32, 33, 48) for elem in (B1, T2)]


@pytest.fixture(scope="module")
def networks():
    graphs = [make() for make in KINDS] + [words(n, elem) for n, elem in STRADDLING]
    return {graph.name: to_c(graph, images=5, seed=i) for i, graph in enumerate(graphs)}


@pytest.fixture(scope="module")
def program(networks, tmp_path_factory):
    return to_program(networks.values(), tmp_path_factory.mktemp("kernels"))


@pytest.mark.parametrize("make", KINDS, ids=lambda make: make.__name__)
def test_kernel(make, networks, program):
    network = networks[make().name]
    assert KINDS[make] in {step.kind for step in network.plan.steps}
    assert_equal(network, program.run(network.name, network.x))


@pytest.mark.parametrize(("n", "elem"), STRADDLING, ids=str)
def test_dot_products_of_any_number_of_words(n, elem, networks, program):
    network = networks[words(n, elem).name]
    assert_equal(network, program.run(network.name, network.x))


def test_every_kernel_under_sanitizers(networks, tmp_path):
    some = [networks[make().name] for make in KINDS if make is not wide_window]
    program = to_program(some, tmp_path, sanitize=True)
    for network in some:
        assert_equal(network, program.run(network.name, network.x))


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("make", [slices, integer_layers, planes_padded, pools_of_integers, bits_as_output])
def test_kernel_on_an_emulated_core(make, core, networks):
    network = networks[make().name]
    done = run_emulated(network.files, network.name, network.x, core, network.classes)
    assert_equal(network, done.logits)
