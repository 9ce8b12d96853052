"""Examples with a network in their folder: every command of their READMEs, and the figures that they say."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import lrtc
from lrtc.check.cores import core_named
from lrtc.check.toolchain import compiler_for
from lrtc.cli import app

ROOT = Path(__file__).parent.parent
FOLDERS = ["motions", "letters", "mnist"]


def text(folder: str) -> str:
    return (ROOT / "examples" / folder / "README.md").read_text(encoding="utf-8")


def commands(folder: str) -> list[str]:
    """Return the commands of a README that are promised to work as written: those in blocks of sh."""
    lines = "\n".join(re.findall(r"^```sh\n(.*?)^```", text(folder), re.M | re.S)).splitlines()
    return [line for line in lines if line.startswith("lrtc ")]


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with the examples in it, as in a person's checkout."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "build").mkdir()
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_commands_work_as_written(checkout: None, folder: str):
    assert commands(folder)
    for command in commands(folder):
        done = CliRunner().invoke(app, shlex.split(command)[1:], catch_exceptions=False)
        assert done.exit_code == 0, command + "\n" + done.output


def test_motions_are_told_on_a_cortex_m0plus_within_the_ram_that_is_said():
    folder = ROOT / "examples" / "motions"
    with np.load(folder / "motions.npz") as held:
        x, y = held["x"], held["y"]
    result = lrtc.compile(folder / "motions.pt", core="cortex-m0plus")
    engines = result.verify(x, y, engines=["torch", "interp", "c", "cortex-m0plus"], slow_images=len(x))
    assert [(v.engine, v.images, v.equal) for v in engines] == [
        (engine, 40, True) for engine in ("torch", "interp", "c", "cortex-m0plus")
    ]
    assert {v.accuracy for v in engines} == {0.975}
    assert "**97.50 %**" in text("motions")
    costs = result.report("cortex-m0plus", x)
    assert costs.arena.size < 2048
    assert f"#define MOTIONS_ARENA_BYTES {costs.arena.size} " in result.files["motions.h"]
    assert f"**{costs.arena.size} bytes of arena**" in text("motions")
    tool, _ = compiler_for(core_named("cortex-m0plus"))
    version = subprocess.run([*tool.command, "-dumpversion"], capture_output=True, text=True, check=True).stdout
    if version.startswith("13.2"):  # the compiler that the README names
        ram = costs.arena.size + costs.stack.bytes + x[0].size + 4 * 4
        assert f"**{ram:,} bytes** with `--core`" in text("motions")
        plain = lrtc.compile(folder / "motions.pt").report("cortex-m0plus", x)
        for kernels, found in (("`--core cortex-m0plus`", costs), ("default", plain)):
            sizes = f"{found.arena.size} B | {found.stack.bytes} B | {found.sizes.flash:,} B"
            assert f"| {kernels} | {sizes} | {found.instructions:,} | {found.cycles:,} |" in text("motions")


def test_letters_are_named_as_well_as_is_said():
    folder = ROOT / "examples" / "letters"
    with np.load(folder / "letters.npz") as held:
        x, y = held["x"], held["y"]
    result = lrtc.compile(folder / "letters.pt")
    engines = result.verify(x, y)
    assert [(v.engine, v.images, v.equal) for v in engines] == [("interp", 4000, True), ("c", 4000, True)]
    right = int((result.run(x).argmax(1) == y).sum())
    assert f"| **{right / 40:.2f} %** ({right:,}) |" in text("letters")
