"""Random DAGs over all ops: interpreter = C on this machine = C under sanitizers = C on emulated cores."""

from __future__ import annotations

from collections import Counter

import pytest
from c_programs import Compiled, assert_equal, to_c, to_program
from graphs_dag import random_dag

from lrtc.backends.c.formulas import FORMULA
from lrtc.check.emulate import run_emulated
from lrtc.check.host import run_self_test_host

SEEDS = range(64)
SANITIZED = range(0, 64, 4)
EMULATED = (3, 17, 31, 42)


@pytest.fixture(scope="module")
def networks() -> list[Compiled]:
    return [to_c(random_dag(seed), images=5, seed=seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def program(networks, tmp_path_factory):
    return to_program(networks, tmp_path_factory.mktemp("dags"))


@pytest.mark.parametrize("seed", SEEDS)
def test_host_equals_the_interpreter(networks, program, seed):
    assert_equal(networks[seed], program.run(networks[seed].name, networks[seed].x))


def test_sanitizers_find_nothing(networks, tmp_path):
    some = [networks[seed] for seed in SANITIZED]
    program = to_program(some, tmp_path, sanitize=True)
    for network in some:
        assert_equal(network, program.run(network.name, network.x))


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
@pytest.mark.parametrize("seed", EMULATED)
def test_emulated_core_equals_the_interpreter(seed, core, networks):
    network = networks[seed]
    done = run_emulated(network.files, network.name, network.x[:2], core, network.classes)
    assert (done.logits == network.want[:2]).all()
    assert done.sizes.bss == network.plan.arena.size


def test_the_emitted_self_tests_pass(networks):
    for network in networks[:6]:
        assert run_self_test_host(network.files, network.name) == 0


def test_every_kind_of_step_and_stage_occurs(networks):
    steps = [step for network in networks for step in network.plan.steps]
    kinds = Counter(step.kind for step in steps)
    assert set(FORMULA) - set(kinds) <= {
        "sums",
        "pool_bits",
        "place_words",
        "sliced8",
        "sliced16",
        "sliced_nibbles",
    }  # by hand
    stages = Counter(stage.kind for step in steps for stage in step.stages)
    assert set(stages) == {"affine", "clamp", "add", "levels"}
