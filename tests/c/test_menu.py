"""The kernel menu: a choice reaches the plan, each kernel computes every layer that it does not refuse."""

from __future__ import annotations

from dataclasses import replace

import pytest
from c_programs import assert_equal, to_c, to_program
from graph_maker import INTEGER, Maker

import lrtc
from lrtc.backends.c import plan_c
from lrtc.backends.c.menu import MENU, legal
from lrtc.errors import LrtcError
from lrtc.ir import B1, T2, Graph
from lrtc.passes import run_pipeline


def mixed() -> Graph:
    """Bits from bytes, bits from bits in groups, pairs, integers."""
    m = Maker("mixed", (6, 5, 3))
    x = m.threshold(m.conv(m.x, 36))
    x = m.decide(m.conv(x, 34, elem=B1, groups=2, stride=(1, 2)), T2)
    x = m.threshold(m.conv(x, 35))
    x = m.threshold(m.conv(x, 33))
    return m.done(m.linear_on_image(m.conv(x, 5, elem=INTEGER), 4))


def test_a_choice_by_layer_reaches_the_plan():
    graph = run_pipeline(mixed(), "c")
    layers = {step.nodes[0].out: step for step in plan_c(graph).steps if step.kernel}
    chosen = {name: legal(step.matrix)[-1] for name, step in layers.items()}
    got = {step.nodes[0].out: step.kind for step in plan_c(graph, chosen).steps if step.kernel}
    assert got == chosen == dict.fromkeys(layers, "integers")


def test_every_kernel_wherever_it_is_legal(tmp_path):
    networks = []
    for kernel in MENU:
        graph = mixed()
        graph = replace(graph, name=f"mixed_{kernel}")
        lanes = 128 if kernel == "count_wide" else 32
        networks.append(to_c(graph, images=4, kernels=kernel, lanes=lanes))
        assert kernel in {step.kind for step in networks[-1].plan.steps}
    program = to_program(networks, tmp_path, sanitize=True)
    for network in networks:
        assert_equal(network, program.run(network.name, network.x))


def test_bytes_are_known_before_any_text_is_made():
    for step in plan_c(run_pipeline(mixed(), "c")).steps:
        if step.kernel:
            assert step.scratch == step.kernel.scratch(step.matrix)
            assert step.kernel.constant_bytes(step.matrix) >= step.matrix.weights.size // 8 or step.kind in (
                "sums",
                "patterns",
            )


@pytest.mark.parametrize(
    ("kernels", "words"),
    [
        ("cuont", ["kernels: no kernel 'cuont' (did you mean 'count'?)", ", count, "]),
        ({"acc": "sum"}, ["kernels acc: no kernel 'sum' (did you mean 'sums'?)"]),
        (
            {"konv": "count"},
            ["kernels konv: no such convolution or linear layer (did you mean 'conv'?)", "known: conv"],
        ),
        ({"conv": "count", "fc": "sums"}, ["kernels conv: count is not possible: its input is u8", "kernels fc: sums"]),
    ],
)
def test_a_choice_that_cannot_be_is_refused_in_words(kernels, words):
    with pytest.raises(LrtcError) as caught:
        lrtc.compile(mixed(), "c", kernels=kernels)
    for word in words:
        assert word in str(caught.value)
