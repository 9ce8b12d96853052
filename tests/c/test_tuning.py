"""Kernels chosen by measured cost: the optimum, budgets that cannot be met, tables that travel."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from c_programs import assert_equal, to_c
from graphs import random_network
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from lrtc.asked import octets
from lrtc.check.cores import CORES
from lrtc.check.emulate import build_network, run_emulated, runs_here
from lrtc.cli import app
from lrtc.driver import Model, compile, open_model, random_feeds
from lrtc.errors import LrtcError
from lrtc.ir import feed_rows
from lrtc.plan.select import Budget, Layer, Option, select
from lrtc.tuning import compile_tuned, legal_kernels, read_tuning, tune, write_text

SHARED = (("f", 7), ("g", 11), ("h", 30))
option = st.builds(
    Option, st.just("k"), st.integers(0, 40), st.integers(0, 40), st.integers(0, 20), st.booleans(),
    st.lists(st.sampled_from(SHARED), unique=True).map(tuple),
)  # fmt: skip
networks = st.lists(st.lists(option, min_size=1, max_size=4), max_size=4).map(
    lambda rows: [Layer(f"l{i}", f"layer {i}", tuple(options)) for i, options in enumerate(rows)]
)


def flash_of(chosen: tuple[Option, ...]) -> int:
    return sum(o.flash for o in chosen) + sum(size for _, size in {part for o in chosen for part in o.shared})


@settings(max_examples=300, deadline=None)
@given(
    networks, st.sampled_from(["speed", "flash", "ram"]), st.none() | st.integers(0, 150),
    st.none() | st.integers(0, 20), st.booleans(),
)  # fmt: skip
def test_the_choice_is_the_best_of_all(layers, objective, flash, ram, constant_time):
    budget = Budget(objective, flash, ram, constant_time)
    allowed = [
        chosen
        for chosen in product(*(layer.options for layer in layers))
        if (flash is None or 3 + flash_of(chosen) <= flash)
        and (ram is None or max((2, *(o.ram for o in chosen))) <= ram)
        and not (constant_time and any(not o.constant_time for o in chosen))
    ]

    def merit(chosen):
        cost, size, most = sum(o.cost for o in chosen), flash_of(chosen), max((2, *(o.ram for o in chosen)))
        return {"speed": (cost, size), "flash": (size, cost), "ram": (most, cost, size)}[objective]

    if not allowed:
        with pytest.raises(LrtcError, match=r"^--(constant-time|flash|ram)"):
            select(layers, budget, 3, 2)
    else:
        assert merit(select(layers, budget, 3, 2)) == min(map(merit, allowed))


def test_a_budget_that_cannot_be_met_says_the_least_and_what_blocks():
    layers = [Layer("a", "conv1", (Option("x", 1, 40, 9),)), Layer("b", "fc", (Option("x", 1, 400, 7, False),))]
    with pytest.raises(LrtcError, match=r"--flash 300: the network needs at least 450 bytes; fc alone takes 400"):
        select(layers, Budget(flash=300), flash=10)
    with pytest.raises(LrtcError, match=r"--ram 8: the network needs at least 9 bytes; conv1 needs them"):
        select(layers, Budget(ram=8))
    layers = [Layer("a", "conv1", (Option("x", 1, 40, 9), Option("y", 2, 90, 5), Option("z", 1, 20, 5, False)))]
    with pytest.raises(LrtcError, match=r"at least 90 bytes with --ram 6 and --constant-time; conv1 alone takes 90"):
        select(layers, Budget(flash=80, ram=6, constant_time=True))
    with pytest.raises(LrtcError, match=r"--ram 4: the network needs at least 5 bytes with --constant-time; conv1"):
        select(layers, Budget(ram=4, constant_time=True))
    layers = [Layer("b", "fc", (Option("x", 1, 400, 7, False),))]
    with pytest.raises(LrtcError, match=r"--constant-time(.|\n)*fc: no kernel of constant time"):
        select(layers, Budget(constant_time=True))


@pytest.fixture(scope="module")
def model():
    network = random_network(202, channels=(33, 64), size=(6, 6))
    return Model(network.name, network)


@pytest.fixture(scope="module")
def tuning(model):
    return tune(model, "cortex-m0")


def test_what_was_measured_is_what_the_choice_costs(model, tuning, tmp_path):
    """The parts of many builds add up to the one that was chosen, cycle by cycle."""
    from lrtc.driver import random_feeds
    from lrtc.ir import feed_rows

    result, chosen = compile_tuned(model, tuning, Budget())
    image = {name: value[-1:] for name, value in random_feeds(result.graph, 3).items()}
    done = run_emulated(
        dict(result.files), result.name, feed_rows(result.graph, image), tuning.core, result.ports
    )  # fmt: skip
    assert sum(done.cycles.values()) == pytest.approx(chosen.cost, rel=0.01)
    assert {step.nodes[0].out: step.kernel.name for step in result.plan.steps if step.kernel} == chosen.kernels
    assert all(len(layer.options) >= 2 for layer in tuning.layers)
    assert [line.split(":")[0] for line in chosen.lines()] == [layer.name for layer in tuning.layers]


def test_a_flash_budget_holds_for_the_linked_program(model, tuning, tmp_path):
    least, _ = compile_tuned(model, tuning, Budget("flash"))
    smallest = build_network(dict(least.files), least.name, tuning.core, tmp_path).sizes.flash
    for budget in (smallest + 64, smallest + 1500):
        result, _ = compile_tuned(model, tuning, Budget(flash=budget))
        assert build_network(dict(result.files), result.name, tuning.core, tmp_path).sizes.flash <= budget
    with pytest.raises(LrtcError, match=r"--flash 100: the network needs at least [\d,]+ bytes"):
        compile_tuned(model, tuning, Budget(flash=100))


def test_a_chosen_network_is_exact(model, tuning):
    _, chosen = compile_tuned(model, tuning, Budget("ram"))
    network = to_c(model.graph, images=3, kernels=chosen.kernels)
    done = run_emulated(network.files, network.name, network.x, "cortex-m0", network.classes)
    assert_equal(network, done.logits)


def test_kernels_of_constant_time_take_the_same_instructions_for_every_image():
    """All of the digits network, those of the menu in turns; one that lists active inputs does not."""
    digits = open_model(Path("examples/mnist/mnist_ternary.pt"))
    first = compile(digits, "c")
    rows, legal = feed_rows(first.graph, random_feeds(first.graph, 4)), legal_kernels(first)
    for turn in range(max(map(len, legal.values()))):
        kernels = {key: names[min(turn, len(names) - 1)] for key, names in legal.items()}
        result = compile(digits, "c", verify=False, kernels=kernels)
        constant = all(step.kernel.constant_time for step in result.plan.steps if step.kernel)
        cost = run_emulated(dict(result.files), result.name, rows, "cortex-m4", result.ports).cost
        assert (len({*cost}) == 1) == constant, kernels


def test_a_table_travels_and_knows_its_network(model, tuning, tmp_path):
    path = tmp_path / "t.json"
    path.write_text(write_text(tuning))
    assert read_tuning(path) == tuning
    compile_tuned(Model("other_name", replace(model.graph, name="other_name")), read_tuning(path), Budget())
    other = random_network(203)
    with pytest.raises(LrtcError, match="measured on another network"):
        compile_tuned(Model(other.name, other), read_tuning(path), Budget())
    path.write_text('{"format": 1, "layers": 3}')
    with pytest.raises(LrtcError, match="no table of `lrtc tune`"):
        read_tuning(path)
    with pytest.raises(LrtcError, match="No such file"):
        read_tuning(tmp_path / "none.json")


@pytest.mark.parametrize("core", [c for c in ("host", "cortex-m55", "rv32imc_zbb", "avr") if runs_here(c)])
def test_this_machine_and_boards_count_by_layer_too(core):
    """To a few instructions on boards: a run as a whole, without hooks, costs what the layers and the call do."""
    graph = random_network(7, size=(3, 5))
    opened = Model(graph.name, graph)
    found = tune(opened, core)
    assert found.lanes == CORES[core].lanes
    result, chosen = compile_tuned(opened, found, Budget())
    assert result.options["lanes"] == found.lanes
    network = to_c(graph, images=1, kernels=chosen.kernels, lanes=found.lanes)
    done = run_emulated(network.files, network.name, network.x, core, network.classes)
    assert_equal(network, done.logits)
    data = any(not option.constant_time for option in chosen.options)
    assert data or abs(done.cost[0] - chosen.cost) < 0.02 * done.cost[0] + 200


def test_a_table_holds_for_its_lanes_only(model, tuning):
    with pytest.raises(LrtcError, match="--lanes 64: the table was measured with 32 lanes"):
        compile_tuned(model, tuning, Budget(), lanes=64)


@pytest.mark.parametrize(("text", "value"), [("65536", 65536), ("64K", 65536), ("1M", 1 << 20), ("2KiB", 2048)])
def test_sizes_are_read(text, value):
    assert octets(text, "--flash") == value


def test_a_missing_compiler_still_writes_sources_but_none_that_break_a_promise(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    words = ["compile", "examples/mnist/mnist_ternary.pt", "--core", "avr", "-o", str(tmp_path / "net")]
    run = CliRunner().invoke(app, [*words, "--constant-time"])
    assert "no compiler for avr: avr-gcc" in str(run.exception)
    assert not (tmp_path / "net").exists()
    run = CliRunner().invoke(app, words)
    assert f"the sources, with the default kernels, are in {tmp_path / 'net'}" in str(run.exception)
    assert "`apt-get install gcc-avr avr-libc`" in str(run.exception)
    assert (tmp_path / "net" / "mnist_ternary.c").is_file()


def test_a_plan_is_shown_under_budgets():
    words = ["show", "examples/mnist/mnist_ternary.pt", "--ram", "1016"]
    run = CliRunner().invoke(app, [*words, "--plan", "--core", "cortex-m0"])
    assert "conv2, bn2, sign2: count, " in run.stdout
    assert run.stdout.splitlines()[-1].startswith("arena: 1,016 bytes")
    assert "go with --plan" in str(CliRunner().invoke(app, words).exception)  # alone they would mean nothing


def test_wrong_options_are_named():
    for arguments, says in (
        (["--optimize", "sped", "--core", "cortex-m0"], "did you mean 'speed'"),
        (["--flash", "lots", "--core", "cortex-m0"], "--flash lots: bytes like"),
        (["--flash", "64K"], "needs a core to measure on"),
        (["--target", "verilog", "--core", "cortex-m0"], "only --target c"),
    ):
        run = CliRunner().invoke(app, ["compile", "examples/mnist/mnist_ternary.pt", *arguments])
        assert says in str(run.exception)
