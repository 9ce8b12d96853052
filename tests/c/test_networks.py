"""Random networks: interpreter = C on this machine = C under sanitizers = C on emulated cores, every logit."""

from __future__ import annotations

import numpy as np
import pytest
from c_programs import Compiled, assert_equal, to_c, to_program
from graphs import random_network

from lrtc.check.cores import CORES
from lrtc.check.emulate import run_emulated, run_self_test, runs_here
from lrtc.check.firmware import build_firmware
from lrtc.check.host import run_self_test_host
from lrtc.check.machine import MAILBOX, Machine
from lrtc.ir import T2, U8, GraphBuilder, tensor
from lrtc.ir.ops import Linear

SEEDS = range(48)
SANITIZED = range(100, 114)
HERE = [name for name, core in CORES.items() if runs_here(name) and core.family != "avr"]
EMULATED = {201: {}, 202: {"channels": (33, 64)}, 203: {"head": "integer"}, 204: {"weights": ("b1",), "size": (6, 9)}}


@pytest.fixture(scope="module")
def networks() -> list[Compiled]:
    return [to_c(random_network(seed), seed=seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def program(networks, tmp_path_factory):
    return to_program(networks, tmp_path_factory.mktemp("host"))


@pytest.mark.parametrize("index", SEEDS)
def test_host_equals_the_interpreter(networks, program, index):
    assert_equal(networks[index], program.run(networks[index].name, networks[index].x))


def test_every_arena_is_the_least_possible(networks):
    assert [n.name for n in networks if not n.plan.arena.is_least] == []


def test_native_popcount_gives_the_same(networks, tmp_path):
    flags = ("-march=native",)
    some = networks[:8]
    program = to_program(some, tmp_path, extra=flags)
    for network in some:
        assert_equal(network, program.run(network.name, network.x))


def test_sanitizers_find_nothing(tmp_path):
    networks = [to_c(random_network(seed), seed=seed) for seed in SANITIZED]
    program = to_program(networks, tmp_path, sanitize=True)
    for network in networks:
        assert_equal(network, program.run(network.name, network.x))


@pytest.mark.parametrize("core", HERE)
@pytest.mark.parametrize("seed", EMULATED)
def test_emulated_core_equals_the_interpreter(seed, core):
    network = to_c(random_network(seed, **EMULATED[seed]), images=3, seed=seed)
    done = run_emulated(network.files, network.name, network.x, core, network.classes)
    assert_equal(network, done.logits)
    assert (done.cost > 0).all()
    by_layer = CORES[core].unicorn or CORES[core].family == "host"
    assert sum(done.profile.values()) == (done.cost[-1] if by_layer else 0)
    end = 8 if CORES[core].family == "host" else 4  # the linker rounds .bss up to a pointer
    assert done.sizes.bss == -(-network.plan.arena.size // end) * end
    assert 0 < done.stack < 1024


def test_the_emitted_self_test_passes_and_can_fail():
    network = to_c(random_network(7))
    assert run_self_test_host(network.files, network.name) == 0
    assert run_self_test(network.files, network.name, "cortex-m0") == 0
    wrong = dict(network.files)
    test = f"{network.name}_test.c"
    head, tail = wrong[test].split("_expected[2]", 1)
    value = tail.split("{", 2)[2].split(",")[0].rstrip("},")
    wrong[test] = head + "_expected[2]" + tail.replace("{" + value, "{" + str(int(value) + 1), 1)
    assert wrong[test] != network.files[test]
    assert run_self_test_host(wrong, network.name) == 1
    assert run_self_test(wrong, network.name, "cortex-m4") == 1


def test_ties_go_to_the_lowest_index(tmp_path):
    """Pairs of equal classes: classify answers what argmax does, and the self-test holds it to that."""
    b = GraphBuilder("ties")
    x = b.input("x", tensor((6,), U8))
    w = np.random.default_rng(0).choice((-1, 0, 1), (4, 6)).astype(np.int8).repeat(2, axis=0)
    x = b.add(Linear(), [x, b.const("w", w, tensor(w.shape, T2, "OI"))], "fc", "fc")
    network = to_c(b.finish([x]), images=30)
    assert len(set(network.want.argmax(axis=1))) > 2
    assert run_self_test_host(network.files, "ties") == 0
    roots = ["ties_classify"]
    core = Machine(build_firmware(network.files, "cortex-m0", tmp_path, sources=["ties.c"], roots=roots))
    for image, want in zip(network.x, network.want.argmax(axis=1), strict=True):
        core.write(MAILBOX, image.tobytes())
        assert core.call("ties_classify", MAILBOX) == want
