"""Outputs side by side in 64 bits or a vector: every width, by arithmetic and by the instructions that count ones."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from c_programs import assert_equal, to_c, to_program
from graph_maker import Maker
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from menu_layers import Layer, layers, network

from lrtc.backends.c import plan_c
from lrtc.backends.c.menu import legal
from lrtc.check.emulate import run_emulated, runs_here
from lrtc.check.native import processor_flags
from lrtc.driver import Model
from lrtc.errors import LrtcError
from lrtc.ir import B1, T2, Graph
from lrtc.passes import run_pipeline
from lrtc.tuning import tune

ABLE = {"avx512f", "avx512vl", "avx512_vpopcntdq"} <= processor_flags()
FLAGS = ("-mavx512f", "-mavx512vl", "-mavx512vpopcntdq") if ABLE else ("-mavx2",) if "avx2" in processor_flags() else ()


@settings(
    max_examples=1, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
)
@given(st.lists(layers(inputs=("b1",), weights=("b1", "t2")), min_size=12, max_size=12))
def test_random_layers_of_every_width(drawn):
    networks = []
    for i, layer in enumerate(drawn):
        graph = run_pipeline(network(layer, f"n{i}"), "c")
        lanes = (64, 128, 256, 512)[i % 4]
        if any(step.kernel and "count_wide" in legal(step.matrix) for step in plan_c(graph, lanes=lanes).steps):
            networks.append(to_c(network(layer, f"n{i}"), images=4, seed=i, lanes=lanes, kernels="count_wide"))
            assert "count_wide" in {step.kind for step in networks[-1].plan.steps}
    assert len(networks) > 6
    for flags, options in (((), {"sanitize": True}), (FLAGS, {})):
        with tempfile.TemporaryDirectory() as folder:
            program = to_program(networks, Path(folder), flags, **options)
            for compiled in networks:
                assert_equal(compiled, program.run(compiled.name, compiled.x))


@pytest.mark.parametrize("flags", [f for f in ("-mpopcnt",) if "popcnt" in processor_flags()])
@pytest.mark.parametrize("channels", [31, 32, 33, 64, 95, 130])
def test_two_words_at_once_where_the_processor_counts(channels, flags, tmp_path):
    m = Maker(f"both{channels}", (3, 3, 2))
    x = m.threshold(m.conv(m.x, channels, (1, 1), padding=(0,) * 4))
    made = to_c(m.done(m.linear_on_image(m.threshold(m.conv(x, 5, (2, 2), B1)), 3)), images=6, kernels="count")
    program = to_program([made], tmp_path, (flags,), sanitize=True)
    assert_equal(made, program.run(made.name, made.x))


@pytest.mark.parametrize("core", [c for c in ("host",) if runs_here(c)])
def test_it_is_the_cheapest_where_64_bits_choose_it(core):
    graph = network(Layer(3, (2, 2, 256), "b1", "t2", 0.6, 64, None, 1, "t2"), "few")
    (layer,) = tune(Model("few", graph), core, lanes=64).layers
    assert min(layer.options, key=lambda option: option.cost).kernel == "count_wide"
    (step,) = [s for s in plan_c(run_pipeline(graph, "c"), lanes=64).steps if s.kernel]
    assert step.kind == "count_wide"


def late_layer(elem) -> Graph:
    """Few pixels, many channels: what a vector of outputs is for."""
    m = Maker(f"late_{elem}", (3, 3, 2))
    x = m.threshold(m.conv(m.x, 64, (1, 1), padding=(0,) * 4))
    return m.done(m.linear_on_image(m.threshold(m.conv(x, 66, (3, 3), elem)), 3))


@pytest.mark.parametrize("elem", [B1, T2], ids=str)
def test_it_is_chosen_where_vectors_are_and_time_is_constant(elem):
    chosen = to_c(late_layer(elem), images=1, lanes=256)
    assert [step.kind for step in chosen.plan.steps if step.kernel][1] == "count_wide"
    assert all(step.kernel.constant_time for step in chosen.plan.steps if step.kernel)
    assert "count_wide" not in {step.kind for step in to_c(late_layer(elem), images=1, lanes=32).plan.steps}


def test_on_a_core_without_vectors():
    compiled = to_c(late_layer(T2), images=2, lanes=128, kernels="count_wide")
    done = run_emulated(compiled.files, compiled.name, compiled.x, "cortex-m0", compiled.classes)
    assert_equal(compiled, done.logits)


def test_it_is_refused_by_name_in_words_of_32():
    graph = run_pipeline(late_layer(B1), "c")
    layer = next(step.nodes[0].out for step in plan_c(graph).steps if step.kernel)
    with pytest.raises(LrtcError, match="count_wide is not possible"):
        to_c(late_layer(B1), images=1, kernels={layer: "count_wide"})
