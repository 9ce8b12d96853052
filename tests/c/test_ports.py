"""Several inputs and outputs in C: every output equals the interpreter's, names that could break out stay inside."""

from __future__ import annotations

import re

import numpy as np
import pytest
from c_programs import Compiled, assert_equal, to_c, to_program
from graph_maker import Maker
from graphs import random_feeds
from graphs_ports import random_ports

from lrtc import interp
from lrtc.check.cores import CORES
from lrtc.check.emulate import run_emulated, run_self_test
from lrtc.check.host import run_self_test_host
from lrtc.check.toolchain import has_compiler
from lrtc.ir import B1, T2, U8, Graph, IllegalGraph, feed_rows, from_rows, tensor, verify
from lrtc.passes import run_pipeline

SEEDS = range(40)
HERE = [name for name in ("cortex-m0", "rv32ec", "rv32imc") if has_compiler(CORES[name])]  # 4, 6, 8 argument registers


@pytest.fixture(scope="module")
def networks() -> list[Compiled]:
    return [to_c(random_ports(seed), images=5, seed=seed) for seed in SEEDS]


@pytest.fixture(scope="module")
def program(networks, tmp_path_factory):
    return to_program(networks, tmp_path_factory.mktemp("ports"))


@pytest.mark.parametrize("seed", SEEDS)
def test_host_equals_the_interpreter(networks, program, seed):
    assert_equal(networks[seed], program.run(networks[seed].name, networks[seed].x))


def test_several_inputs_and_outputs_occur(networks):
    assert {len(network.ports.taken) for network in networks} == {1, 2, 3}
    assert {len(network.ports.given) for network in networks} >= {2, 3, 4, 5}


def test_sanitizers_find_nothing(networks, tmp_path):
    some = networks[::4]
    program = to_program(some, tmp_path, sanitize=True)
    for network in some:
        assert_equal(network, program.run(network.name, network.x))


@pytest.mark.parametrize("core", HERE)
def test_emulated_core_equals_the_interpreter(core, networks):
    most = max(networks, key=lambda n: len(n.ports.taken) + len(n.ports.given))  # more pointers than registers
    done = run_emulated(most.files, most.name, most.x[:2], core, most.ports)
    assert len(most.ports.taken) + len(most.ports.given) > 4
    assert (done.logits == most.want[:2]).all()


def test_the_emitted_self_tests_pass_and_can_fail(networks):
    for network in networks[:3]:
        assert run_self_test_host(network.files, network.name) == 0
    assert run_self_test(networks[0].files, networks[0].name, "cortex-m0") == 0
    test = f"{networks[1].name}_test.c"
    text = networks[1].files[test]
    last = list(re.finditer(r"(-?\d+)\},?\n\};", text))[-1]
    wrong = text[: last.start(1)] + str(int(last[1]) ^ 1) + text[last.end(1) :]
    assert run_self_test_host(networks[1].files | {test: wrong}, networks[1].name) != 0


@pytest.mark.parametrize("seed", range(0, 40, 5))
def test_passes_keep_every_output_and_its_name(seed):
    graph = random_ports(seed)
    after = run_pipeline(graph, "c", probe=random_feeds(graph, 6, seed))
    assert after.results == graph.results
    assert [v.name for v in after.inputs] == [v.name for v in graph.inputs]


def two_heads() -> Graph:
    """An image and a vector; a sign, its sums, and the sums again."""
    m = Maker("heads", (3, 4, 2))
    m.b.input("switch", tensor((5,), U8), scale=0.5)
    body = m.decide(m.conv(m.x, 6), B1)
    other = m.decide(m.linear("switch", 6), T2)
    sums = m.add(m.linear_on_image(body, 6), other)
    return verify(m.b.finish([m.decide(sums, B1), sums, other], ("int", "Int", "struct")))


def test_pointers_are_named_after_inputs_and_outputs(tmp_path):
    network = to_c(two_heads())
    header = network.files["heads.h"]
    assert (
        "void heads_run(const uint8_t *in_x, const uint8_t *in_switch, int32_t *out_int, int32_t *out_Int_2, "
        "int32_t *out_struct);"
    ) in header
    assert "#define HEADS_IN_SWITCH_BYTES 5 /* u8[5:C] */" in header
    assert "#define HEADS_OUT_INT_2_VALUES 6 /* i" in header
    assert "real data x becomes round(x / 0.5)" in header
    assert "heads_classify" not in header
    assert_equal(network, to_program([network], tmp_path).run("heads", network.x))


def test_one_output_of_several_inputs_is_classified(tmp_path):
    m = Maker("meet", (4,))
    m.b.input("other", tensor((3,), U8))
    network = to_c(m.done(m.add(m.linear(m.x, 5), m.linear("other", 5))))
    assert "int meet_classify(const uint8_t *in_x, const uint8_t *in_other);" in network.files["meet.h"]
    assert_equal(network, to_program([network], tmp_path).run("meet", network.x))
    assert run_self_test_host(network.files, "meet") == 0


def test_signs_and_unread_inputs_go_through(tmp_path):
    m = Maker("bare", (4,))
    m.b.input("unread", tensor((3,), U8))
    sign = m.decide(m.linear(m.x, 5), B1)
    network = to_c(m.done(sign, m.x))
    assert_equal(network, to_program([network], tmp_path).run("bare", network.x))
    assert set(np.unique(network.want[:, :5])) <= {-1, 1}


def test_rows_hold_inputs_and_outputs_in_order():
    graph = two_heads()
    feeds = random_feeds(graph, 3)
    rows = feed_rows(graph, dict(reversed(feeds.items())))
    assert np.array_equal(rows, np.concatenate([feeds["x"].reshape(3, -1), feeds["switch"]], axis=1))
    want = interp.answers(graph, feeds)
    together = np.concatenate(list(want.values()), axis=1)
    assert all(np.array_equal(got, want[name]) for name, got in from_rows(graph, together).items())


def test_the_interpreter_wants_every_input():
    graph = two_heads()
    with pytest.raises(ValueError, match="the inputs are x, the graph takes x, switch"):
        interp.answers(graph, np.zeros((1, 3, 4, 2), np.uint8))


def test_names_of_outputs_are_part_of_a_legal_graph():
    b = two_heads()
    for named, words in ((("a", "b"), "2 names for 3 outputs"), (("a", "a", "b"), "%a is defined twice")):
        with pytest.raises(IllegalGraph, match=words):
            verify(Graph(b.name, b.inputs, b.nodes, b.outputs, named))
