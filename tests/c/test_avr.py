"""AVR: tables in flash, every kernel on simavr, layers timed, kernels chosen for a board, images that run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from c_programs import assert_equal, to_c
from graph_maker import INTEGER, Maker
from graphs import random_network

from lrtc.backends.c.menu import legal
from lrtc.boards import board_named
from lrtc.check.cores import core_named
from lrtc.check.emulate import run_emulated, runs_here
from lrtc.check.firmware import Firmware, Sizes, tables_beyond
from lrtc.check.toolchain import STRICT, compiler_for, run_tool, which, write_files
from lrtc.driver import Model, compile, open_model, random_feeds
from lrtc.errors import DoesNotFit
from lrtc.flashing import Network, network_of, prepare
from lrtc.ir import B1, T2, Elem, Graph
from lrtc.tuning import kernels_within, ram_steps, smallest_kernels, table_bytes, tune

NET = Path(__file__).parent.parent.parent / "examples" / "mnist" / "mnist_ternary.pt"
HERE = [name for name in ("avr",) if runs_here(name)]  # avr-gcc and simavr are not to be had from pip
here = pytest.mark.parametrize("core", HERE)


def convolutions() -> Graph:
    """Bits, pairs and integers; a border in two axes; more channels than a word."""
    m = Maker("avr", (7, 6, 1))
    x = m.threshold(m.conv(m.x, 34))
    x = m.threshold(m.conv(x, 35, elem=T2))
    x = m.decide(m.conv(x, 9, elem=B1, stride=(2, 1)), T2)
    return m.done(m.affine(m.linear_on_image(m.threshold(m.conv(x, 8, elem=INTEGER)), 5)))


def many_weights(inputs: int, outputs: int) -> Graph:
    m = Maker("many", (inputs,))
    return m.done(m.linear(m.threshold(m.linear(m.decide(m.x, B1), outputs)), 3))


@here
def test_tables_lie_in_flash_and_every_kernel_is_exact(core: str):
    plain = to_c(convolutions(), images=2)
    layers = {step.nodes[0].out: legal(step.matrix) for step in plain.plan.steps if step.kernel}
    layers = {layer: [n for n in names if n != "tables"] for layer, names in layers.items()}  # theirs are too large
    for turn in range(max(map(len, layers.values()))):
        kernels = {layer: names[min(turn, len(names) - 1)] for layer, names in layers.items()}
        made = to_c(convolutions(), images=2, kernels=kernels)
        done = run_emulated(made.files, made.name, made.x, core, made.classes)
        assert_equal(made, done.logits)
        assert done.sizes.data == 0
        assert done.sizes.bss == made.plan.arena.size


@here
@pytest.mark.parametrize("elem", [B1, T2], ids=str)
def test_tables_of_the_input_lie_in_ram(core: str, elem: Elem):
    m = Maker("looked_up", (5, 4, 2))
    x = m.threshold(m.conv(m.x, 34, (1, 1), padding=(0,) * 4))
    x = m.decide(m.conv(x, 35, (1, 1), elem=elem, padding=(0,) * 4), T2)
    made = to_c(m.done(m.linear_on_image(x, 3)), images=2, kernels="tables")
    assert "tables" in {step.kind for step in made.plan.steps}
    done = run_emulated(made.files, made.name, made.x, core, made.classes)
    assert_equal(made, done.logits)


@here
@pytest.mark.parametrize("standard", ["gnu99", "c99"])
def test_the_text_is_clean_and_right_in_either_language(core: str, standard: str, tmp_path: Path):
    """-std=c99 has no address spaces: then tables lie in RAM. GCC 5.4 calls some of them uninitialized in flash."""
    made = to_c(convolutions(), images=1)
    write_files(made.files, tmp_path)
    tool, flags = compiler_for(core_named(core))
    own = [path for path in made.files if path.endswith(".c")]
    subprocess.run(
        [*tool.command, *flags, f"-std={standard}", "-O2", *STRICT, "-Wno-uninitialized", "-c", *own],
        cwd=tmp_path,
        check=True,
    )
    said = run_tool(["avr-objdump", "-h", f"{made.name}.o"], tmp_path, "sections").output
    assert (".progmem.data" in said) == (standard == "gnu99")


@here
def test_more_tables_than_an_avr_reaches_are_refused(core: str):
    made = to_c(many_weights(900, 600), images=1, kernels="count")
    assert "bytes of tables do not fit the 64 KiB of flash in which an AVR reads them" in made.files["many.c"]
    with pytest.raises(DoesNotFit, match=r"does not fit AVR \(ATmega2560\): [\d,]+ bytes of tables, .* too many"):
        run_emulated(made.files, made.name, made.x, core, made.classes)


def test_tables_that_are_linked_too_high_are_refused():
    objects = ((0x100, 4, "low"), (0xFFF0, 0x20, "table"), (0x20000, 9, "lrtc_images"), (0x800200, 9, "arena"))
    firmware = Firmware(b"", "avr", Sizes(0, 0, 0, 0), (), {}, objects)
    assert tables_beyond(firmware).startswith("its tables reach 16 bytes beyond the first 64 KiB")
    assert tables_beyond(Firmware(b"", "cortex-m4", Sizes(0, 0, 0, 0), (), {}, objects)) == ""


@here
def test_layers_are_timed_on_the_board(core: str):
    made = to_c(convolutions(), images=2, profile={})
    done = run_emulated(made.files, made.name, made.x, core, made.classes)
    assert_equal(made, done.logits)
    assert [name.split("_")[1] for name in done.cycles] == [str(i + 1) for i in range(len(made.plan.steps))]
    assert abs(sum(done.cycles.values()) - done.cost[-1]) < 200 * len(done.cycles), "the hooks and the calls"
    assert not done.profile


@here
def test_tuning_measures_what_fits(core: str, monkeypatch):
    network = random_network(3, size=(3, 5))
    first = compile(Model("net3", network), "c", verify=False)
    found = tune(Model("net3", network), core)
    assert found.unit == "cycles"
    assert {layer.key for layer in found.layers} == {s.nodes[0].out for s in first.plan.steps if s.kernel}
    assert all(o.cost > 0 and o.flash > 0 for layer in found.layers for o in layer.options)

    def narrow(files, name, x, on, classes):
        if "sliced" in files[f"{name}.c"] or "lrtc_list" in files[f"{name}.c"]:
            raise DoesNotFit("too large")
        return run_emulated(files, name, x, on, classes)

    monkeypatch.setattr("lrtc.tuning.run_emulated", narrow)
    left = tune(Model("net3", network), core)
    assert {layer.key for layer in left.layers} == {layer.key for layer in found.layers}
    assert not any("active" in o.kernel for layer in left.layers for o in layer.options)


def test_kernels_are_chosen_within_limits():
    result = compile(open_model(NET), "c", verify=False)
    steps, small = ram_steps(result), smallest_kernels(result)
    least = compile(open_model(NET), "c", verify=False, kernels=small)
    assert least.plan.arena.peak == steps[0]
    assert steps == sorted(set(steps))
    for limit in steps:
        chosen = kernels_within(result, 1 << 20, limit)
        made = compile(open_model(NET), "c", verify=False, kernels=chosen)
        assert made.plan.arena.peak <= limit
    assert kernels_within(result, 1 << 20, steps[0] - 1) is None
    within = kernels_within(result, table_bytes(result) - 100, 1 << 20)
    assert table_bytes(compile(open_model(NET), "c", verify=False, kernels=within)) <= table_bytes(result) - 100


@here
@pytest.mark.parametrize(("board", "part"), [("arduino-mega", "atmega2560"), ("arduino-uno", "atmega328p")])
def test_an_image_of_a_board_runs_and_passes(core: str, board: str, part: str, tmp_path: Path):
    """Over its UART; in the Uno's 2 KiB of RAM with other kernels, and not where C cannot be compiled again."""
    model = open_model(NET)
    network = network_of(model, random_feeds(model.graph, 1))
    made = prepare(network, board_named(board))
    assert bool(made.kernels) == (board == "arduino-uno")
    (tmp_path / "net.elf").write_bytes(made.built.firmware.elf)
    simavr = which("simavr")
    said = run_tool([simavr.path, "-m", part, "-f", "16000000", "net.elf"], tmp_path, board, seconds=60).output
    assert f"mnist_ternary on {board}: PASS, 1 vectors" in said
    if board == "arduino-uno":
        with pytest.raises(DoesNotFit, match=r"RAM: [\d,]+ bytes and \d+ of stack needed, 2,048 there"):
            prepare(Network(network.name, network.files), board_named(board))


def test_an_avr_gets_its_input_from_flash_in_its_self_test():
    text = to_c(random_network(3), images=2).files["net3_test.c"]
    assert "static const LRTC_ROM uint8_t net3_inputs" in text
    assert np.count_nonzero([line.startswith("#define LRTC_ROM") for line in text.splitlines()]) == 2
