"""A self-test that says what differs, and layers that are timed: on this machine and on emulated cores."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
from c_programs import to_c
from graphs import random_network

from lrtc.backends.c import emit
from lrtc.check.cores import core_named
from lrtc.check.firmware import build_firmware
from lrtc.check.machine import Machine
from lrtc.check.toolchain import STRICT, compiler_for, has_compiler, host_cc, write_files
from lrtc.passes import run_pipeline

GRAPH = random_network(0, channels=(5,), size=(3, 4), layers=(1, 1), head="affine", classes=(3,))
MAIN = """
#include "net0.h"
#include <stdio.h>
static void say(char c) { putchar(c); }
int main(void) { return net0_selftest_report(say); }
"""
TIMED = """
#include "net0.h"
#include "net0_profile.h"
#include <stdio.h>
uint32_t lrtc_ticks(void);
static uint32_t ticks;
uint32_t lrtc_ticks(void) { return ticks += 7u; }
static void say(char c) { putchar(c); }
int main(void) { net0_profile_init(); if (net0_selftest()) return 1; net0_profile_report(say); return 0; }
"""


def files(wrong: bool = False, **options: object) -> dict[str, str]:
    """Return a small network; `wrong`: the second vector expects other values in two places."""
    network = to_c(GRAPH, images=3)
    want = network.want.astype(np.int64)
    if wrong:
        want[1, 0] -= 100000
        want[1, 2] += 5
    return dict(emit(run_pipeline(GRAPH, "c"), "net0", {"vectors": (network.x, want), **options}).files)


def run(folder: Path, made: dict[str, str], main: str, *flags: str) -> tuple[int, str]:
    """Return status and output of a program around the network, all of it compiled without a warning."""
    write_files({**made, "main.c": main}, folder)
    cc = host_cc().path
    own = [path for path in made if path.endswith(".c")]
    for path in own:
        subprocess.run([cc, "-std=c99", *STRICT, *flags, "-c", path], cwd=folder, check=True)
    objects = [path.replace(".c", ".o") for path in own]
    subprocess.run([cc, "-std=c99", *flags, "main.c", *objects, "-o", "program"], cwd=folder, check=True)
    done = subprocess.run([str(folder / "program")], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_a_report_says_pass_and_how_many(tmp_path: Path):
    assert run(tmp_path, files(report=True), MAIN) == (0, "PASS, 3 vectors\n")


def test_a_report_says_the_first_difference_of_a_vector_and_the_sum(tmp_path: Path):
    want = to_c(GRAPH, images=3).want[1, 0]
    said = f"vector 1, value 0: want {want - 100000}, got {want}\nFAIL, 2 values differ\n"
    assert run(tmp_path, files(wrong=True, report=True, prefix=""), MAIN) == (2, said)


@pytest.mark.parametrize("core", ["cortex-m0", "cortex-m33", "rv32imc"])
@pytest.mark.parametrize("wrong", [False, True])
def test_a_report_goes_through_semihosting(core: str, wrong: bool, tmp_path: Path):
    if not has_compiler(core_named(core)):
        assert core == "rv32imc", "pip has a compiler for Cortex-M"
        return
    defines = ["LRTC_SELFTEST_MAIN", "LRTC_SELFTEST_SEMIHOSTING"]
    made = files(wrong=wrong, report=True, context=True)
    sources = ["net0.c", "net0_test.c"]
    machine = Machine(build_firmware(made, core, tmp_path, sources=sources, defines=defines))
    assert machine.status == wrong
    assert machine.output.endswith("FAIL, 2 values differ\n" if wrong else "PASS, 3 vectors\n")


def test_layers_are_timed_by_a_clock_of_ones_own(tmp_path: Path):
    """A clock that moves by 7 whenever it is read: each layer takes one reading."""
    made = files(profile={})
    layers = re.findall(r"NET0_PROFILE_LAYER\((\d+)\)", made["net0.c"])
    assert layers == [str(k) for k in range(len(layers))]
    status, said = run(tmp_path, made, TIMED, "-DLRTC_PROFILE=4")
    assert status == 0
    assert [line.split(": ")[1] for line in said.splitlines()] == ["7 ticks"] * len(layers)


def test_predictions_stand_beside_what_was_measured(tmp_path: Path):
    names = re.findall(r'"(net0_\w+): "', files(profile={})["net0_profile.c"])
    counts = {name: 1000 + k for k, name in enumerate(names)}
    _, said = run(tmp_path, files(profile=counts), TIMED, "-DLRTC_PROFILE=4")
    assert said.splitlines() == [f"{n}: 7 ticks, {count} instructions predicted" for n, count in counts.items()]


def test_without_the_macro_nothing_is_compiled_in(tmp_path: Path):
    plain = sections(files(), tmp_path / "plain")
    assert plain == sections(files(profile={}), tmp_path / "timed")


def sections(made: dict[str, str], folder: Path) -> list[tuple[str, bytes]]:
    from elftools.elf.elffile import ELFFile

    write_files(made, folder)
    tool, flags = compiler_for(core_named("cortex-m0"))
    subprocess.run([*tool.command, *flags, "-std=c99", "-O2", "-c", "net0.c"], cwd=folder, check=True)
    with (folder / "net0.o").open("rb") as file:
        elf = ELFFile(file)
        return [(s.name, s.data()) for s in elf.iter_sections() if s.name.startswith((".text", ".rodata"))]


@pytest.mark.parametrize(("core", "clock"), [("cortex-m4", 1), ("cortex-m0", 2), ("rv32imc", 3)])
def test_every_clock_compiles_without_a_warning(core: str, clock: int, tmp_path: Path):
    if not has_compiler(core_named(core)):
        assert core == "rv32imc", "pip has a compiler for Cortex-M"
        return
    tool, flags = compiler_for(core_named(core))
    made = files(profile={}, context=True, prefix="acme_", report=True)
    write_files(made, tmp_path)
    words = ["-std=c99", "-O2", "-ffreestanding", *STRICT, f"-DLRTC_PROFILE={clock}"]
    own = [path for path in made if path.endswith(".c")]
    subprocess.run([*tool.command, *flags, *words, "-c", *own], cwd=tmp_path, check=True)
