"""Every kernel of the menu on random layers that it may have: interpreter = sanitized C = C on an emulated core."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from c_programs import Compiled, assert_equal, to_c, to_program
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from menu_layers import Layer, layers, network

from lrtc.backends.c import plan_c
from lrtc.backends.c.menu import legal
from lrtc.check.emulate import run_emulated
from lrtc.passes import run_pipeline

SLOW = {
    "deadline": None, "derandomize": True, "suppress_health_check": list(HealthCheck), "phases": [Phase.generate],
}  # fmt: skip  # shrinking would compile for minutes


def with_every_kernel(drawn: list[Layer]) -> list[Compiled]:
    """Return every layer compiled with every kernel that it may have."""
    found = []
    for i, layer in enumerate(drawn):
        graph = run_pipeline(network(layer, f"n{i}"), "c")
        (step,) = [s for s in plan_c(graph).steps if s.kernel] or [None]
        for kernel in legal(step.matrix) if step else ():
            compiled = to_c(network(layer, f"n{i}_{kernel}"), images=4, seed=layer.seed, kernels=kernel)
            assert [s.kind for s in compiled.plan.steps if s.kernel] == [kernel]
            found.append(compiled)
    return found


@settings(max_examples=2, **SLOW)
@given(st.lists(layers(), min_size=6, max_size=6))
def test_every_kernel_on_random_layers(drawn):
    networks = with_every_kernel(drawn)
    with tempfile.TemporaryDirectory() as folder:
        program = to_program(networks, Path(folder), sanitize=True)
        for compiled in networks:
            assert_equal(compiled, program.run(compiled.name, compiled.x))


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
@settings(max_examples=1, **SLOW)
@given(drawn=st.lists(layers(), min_size=3, max_size=3))
def test_every_kernel_on_an_emulated_core(core, drawn):
    for compiled in with_every_kernel(drawn):
        done = run_emulated(compiled.files, compiled.name, compiled.x, core, compiled.classes)
        assert_equal(compiled, done.logits)
