"""Sizes, worst-case stack and the report of costs: they add up, and nothing is deeper than what was promised."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from c_programs import to_c
from graphs import random_network
from typer.testing import CliRunner

from lrtc.boards import board_named
from lrtc.check.cores import CORES
from lrtc.check.cycles import TIMINGS, block_cycles
from lrtc.check.emulate import run_emulated, runs_here
from lrtc.check.stack import worst_stack
from lrtc.check.toolchain import compiler_for
from lrtc.cli import app
from lrtc.driver import compile, random_feeds
from lrtc.errors import LrtcError
from lrtc.report.costs import at_cpi, core_sizes, cost_json, cost_lines, cost_report, hertz

MNIST = Path(__file__).parents[2] / "examples" / "mnist" / "mnist_ternary.pt"
HERE = [name for name in CORES if runs_here(name) and compiler_for(CORES[name])[0].name != "zig"]


@pytest.mark.parametrize("core", HERE)
@pytest.mark.parametrize("seed", [1, 7])
def test_no_run_is_deeper_than_the_worst_case(core, seed):
    network = to_c(random_network(seed, size=(3, 5)), images=2)
    done = run_emulated(network.files, network.name, network.x, core, network.classes)
    worst = worst_stack(network.files, network.name, CORES[core])
    assert done.stack <= worst.bytes <= done.stack + 256, worst
    assert worst.path[0].startswith(network.name)


def test_recursion_and_unbounded_frames_are_refused():
    alone = "__attribute__((noinline, noipa)) int"
    text = f"{alone} a_run(int n);\n{alone} b(int n);\nint a_run(int n) {{ return n ? b(n - 1) + 1 : 0; }}\n"
    files = {"a.h": "", "a.c": text + "int b(int n) { return a_run(n) + 2; }\n"}
    with pytest.raises(LrtcError, match="no bound: a_run calls b calls a_run"):
        worst_stack(files, "a", CORES["cortex-m4"])
    files["a.c"] = "int a_run(int n);\nint a_run(int n) { volatile char x[n]; x[0] = 1; return x[0]; }\n"
    with pytest.raises(LrtcError, match="the stack of a_run has no bound"):
        worst_stack(files, "a", CORES["cortex-m4"])


def test_calls_are_counted_on_the_path_with_most_of_them_whatever_its_bytes():
    alone = "__attribute__((noinline, noipa)) int"
    leaf, middle = "int b(int n) { return n + 1; }\n", "int c(int n) { return 2 + b(n) * 3; }\n"
    wide = "int d(int n) { volatile char x[600]; x[n & 7] = 1; return x[0]; }\n"
    run = "int a_run(int n) { return c(n) * 3 + d(n) * 5; }\n"
    declared = "".join(f"{alone} {f}(int n);\n" for f in ("a_run", "b", "c", "d"))
    worst = worst_stack({"a.h": "", "a.c": declared + leaf + middle + wide + run}, "a", CORES["cortex-m4"])
    assert (worst.calls, worst.path) == (3, ("a_run", "d"))


@pytest.fixture(scope="module")
def result():
    return compile(MNIST, "c")


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m4"])
def test_a_report_adds_up(result, core):
    report = cost_report(result, core, random_feeds(result.graph, 1))
    (size,) = core_sizes(result, [core], must=True)
    assert report.sizes == size.sizes
    assert report.stack == size.stack
    assert sum(row.flash for row in report.rows) == size.sizes.flash
    assert max(row.ram for row in report.rows) == size.sizes.ram == result.plan.arena.size
    assert sum(row.instructions for row in report.rows) == report.instructions
    assert sum(row.cycles for row in report.rows) == report.cycles
    assert 1.1 < report.cycles / report.instructions < 1.6
    assert [row.macs for row in report.rows] == [28224, 225792, 294912, 10240, 0]
    assert all(row.kernel and row.instructions > 1000 for row in report.rows[:-1])


def test_time_and_energy_follow_from_cycles(result):
    report = cost_report(result, "cortex-m4", random_feeds(result.graph, 1))
    data = cost_json(report, 64e6, 100.0, 3.0)
    assert data["seconds"] == report.cycles / 64e6
    assert data["joules"] == pytest.approx(100e-6 * 64 * 3.0 * data["seconds"])  # 6.4 mA at 3 V for that long
    assert any(line.startswith("latency: ") and line.endswith("at 64 MHz") for line in cost_lines(report, 64e6, 1, 3))


def test_cycles_an_instruction_stand_in_for_a_table(result):
    """Where no timing table is public, a person who measured the part says how many; AVR's emulator counts cycles."""
    report = cost_report(result, "cortex-m7", random_feeds(result.graph, 1))
    assert report.cycles is None
    assert any("then give --cpi" in line for line in cost_lines(report, 160e6, None, None))
    given = at_cpi(report, 1.25)
    assert given.cycles == round(report.instructions * 1.25)
    assert [row.cycles for row in given.rows] == [round(row.instructions * 1.25) for row in report.rows]
    lines = cost_lines(given, 160e6, None, None)
    assert lines[-1] == "cycles: 1.25 an instruction, as given"
    assert any(line.startswith("latency: ") for line in lines)
    with pytest.raises(LrtcError, match="counts cycles itself"):
        at_cpi(replace(report, instructions=None, cycles=7, exact=True), 2)


def test_a_board_file_with_a_current_gives_energy():
    run = CliRunner().invoke(app, ["report", str(MNIST), "--board", "nrf52840-dk", "--json"])
    said, current = json.loads(run.stdout), board_named("nrf52840-dk").current
    assert current.volts == 3
    assert said["joules"] == pytest.approx(said["cycles"] * current.ua_per_mhz * 1e-12 * current.volts)


def test_loads_in_a_row_overlap_and_lists_count():
    m4, m0 = TIMINGS["m4"], TIMINGS["m0"]
    loads = [("ldr", "r0, [r1]"), ("ldr", "r2, [r3]"), ("adds", "r0, r0, r2")]
    assert (block_cycles(m4, loads, False), block_cycles(m0, loads, False)) == (4, 5)
    lists = [("push", "{r4-r7, lr}"), ("ldm.w", "r0!, {r1, r2, r3}")]
    assert block_cycles(m4, lists, False) == 6 + 4
    assert block_cycles(m0, [("bne", "#4")], True) == 3


@pytest.mark.parametrize(("text", "value"), [("64MHz", 64e6), ("1.2 GHz", 1.2e9), ("32768", 32768), ("16m", 16e6)])
def test_frequencies_are_read(text, value):
    assert hertz(text) == value


@pytest.mark.parametrize("text", ["", "fast", "-1MHz", "0", "nan"])
def test_other_words_are_no_frequency(text):
    with pytest.raises(LrtcError, match="a frequency like 64MHz"):
        hertz(text)


def test_the_commands_print_tables_and_json():
    run = CliRunner().invoke(app, ["size", str(MNIST), "--core", "cortex-m0", "--json"])
    (row,) = json.loads(run.stdout)["cores"]
    assert row["flash"] == row["sizes"]["text"] + row["sizes"]["rodata"] + row["sizes"]["data"]
    run = CliRunner().invoke(app, ["report", str(MNIST), "--core", "cortex-m3", "--clock", "72MHz"])
    assert run.exit_code == 0
    assert "conv2" in run.stdout
    assert "latency: " in run.stdout
    run = CliRunner().invoke(app, ["size", str(MNIST), "--core", "cortex-m44"])
    assert isinstance(run.exception, LrtcError)
    assert "did you mean 'cortex-m4'?" in str(run.exception)
