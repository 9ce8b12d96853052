"""DAGs over all ops, drawn by hypothesis: interpreter = C on the host, under sanitizers, on emulated cores."""

from __future__ import annotations

from collections import Counter

import pytest
from c_programs import Compiled, assert_equal, to_c, to_program
from drawn import examples
from graphs_dag import random_dag

from lrtc.backends.c.formulas import FORMULA
from lrtc.check.emulate import run_emulated
from lrtc.check.host import run_self_test_host

COUNT = 56
SANITIZED = range(0, COUNT, 4)
EMULATED = (3, 17, 31, 42)


@pytest.fixture(scope="module")
def networks() -> list[Compiled]:
    return [to_c(random_dag(k, rng=drawn), images=5, seed=k) for k, drawn in enumerate(examples(COUNT))]


@pytest.fixture(scope="module")
def program(networks, tmp_path_factory):
    return to_program(networks, tmp_path_factory.mktemp("dags"))


@pytest.mark.parametrize("k", range(COUNT))
def test_host_equals_the_interpreter(networks, program, k):
    assert_equal(networks[k], program.run(networks[k].name, networks[k].x))


def test_sanitizers_find_nothing(networks, tmp_path):
    some = [networks[k] for k in SANITIZED]
    program = to_program(some, tmp_path, sanitize=True)
    for network in some:
        assert_equal(network, program.run(network.name, network.x))


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("k", EMULATED)
def test_emulated_core_equals_the_interpreter(k, core, networks):
    network = networks[k]
    done = run_emulated(network.files, network.name, network.x[:2], core, network.classes)
    assert (done.logits == network.want[:2]).all()
    assert done.sizes.bss == network.plan.arena.size


def test_the_emitted_self_tests_pass(networks):
    for network in networks[:6]:
        assert run_self_test_host(network.files, network.name) == 0


def test_every_kind_of_step_and_stage_occurs(networks):
    steps = [step for network in networks for step in network.plan.steps]
    kinds = Counter(step.kind for step in steps)
    # drawn in test_menu_layers, test_wide, test_sliced; by hand in test_dag_kernels, test_kernels, test_tables
    elsewhere = {
        "count",
        "count_wide",
        "tables",
        "sums",
        "patterns",
        "pool_bits",
        "place_words",
        "rearrange",
        "sliced8",
        "sliced16",
        "sliced_nibbles",
    }
    assert set(FORMULA) - set(kinds) <= elsewhere
    stages = Counter(stage.kind for step in steps for stage in step.stages)
    assert set(stages) == {"affine", "clamp", "add", "greatest", "least", "levels"}
