"""Every command of the README works as written, and its Python block as well."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lrtc.check.cores import core_named
from lrtc.check.toolchain import compiler_for

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"^```sh\n(.*?)^```", TEXT, re.M | re.S) for line in block.splitlines()]
LRTC = [line for line in COMMANDS if line.startswith("lrtc ")]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Return a folder with the examples in it, as a person's checkout."""
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    (tmp_path / "build").mkdir()
    return tmp_path


@pytest.mark.parametrize("command", LRTC, ids=lambda c: " ".join(c.split()[1:3]))
def test_commands_work_as_written(checkout: Path, command: str):
    argv = [sys.executable, "-m", "lrtc.cli", *shlex.split(command, comments=True)[1:]]
    done = subprocess.run(argv, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_make_target_of_the_readme_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    used = set(re.findall(r"^make ([a-z]+)", "\n".join(COMMANDS), re.M)) | set(re.findall(r"`make ([a-z]+)`", TEXT))
    assert used
    assert used <= targets


def test_the_python_block_runs(checkout: Path):
    (block,) = re.findall(r"^```python\n(.*?)^```", TEXT, re.M | re.S)
    code = block + "\nassert any(path.endswith('.c') for path in result.files)\n"
    done = subprocess.run([sys.executable, "-c", code], cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_links_lead_somewhere():
    for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", TEXT):
        assert (ROOT / target).exists(), target


def test_the_demo_shown_is_what_the_demo_prints(checkout: Path):
    """All but the instruction counts, which belong to one version of the cross compiler."""
    shown = TEXT.split("This is what `make demo` prints:")[1].split("```")[1]
    net, data = "examples/mnist/mnist_ternary.pt", "examples/mnist/digits.npz"
    printed = ""
    for words in (["compile", net, "-o", "build/c"], ["verify", net, "--data", data]):
        argv = [sys.executable, "-m", "lrtc.cli", *words]
        done = subprocess.run(argv, cwd=checkout, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        printed += done.stdout

    def lines(text: str) -> set[str]:
        return {re.sub(r"\d[\d,]* (instructions|B)|RAM .*", "", line).strip() for line in text.splitlines()}

    own = {"", "…", "the C is in build/demo/c, the Verilog in build/demo/verilog"}
    assert lines(shown) - own <= lines(printed)


def test_the_table_of_cores_is_what_size_prints(checkout: Path):
    """Flash, RAM and worst stack on Arm's cores, which belong to the compiler that the README names."""
    rows = {
        core: numbers
        for cells in re.findall(r"^\| (`cortex-.*?) \| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \+ ([\d,]+) \|", TEXT, re.M)
        for core in re.findall(r"cortex-\w+", cells[0])
        for numbers in [tuple(int(cell.replace(",", "")) for cell in cells[2:])]
    }
    assert len(rows) == 7
    words = ["size", "examples/mnist/mnist_ternary.pt", "--core", ",".join(rows), "--json"]
    argv = [sys.executable, "-m", "lrtc.cli", *words]
    done = subprocess.run(argv, cwd=checkout, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tool, _ = compiler_for(core_named("cortex-m4"))
    version = subprocess.run([*tool.command, "-dumpversion"], capture_output=True, text=True, check=True).stdout
    if version.startswith("13.2"):
        printed = json.loads(done.stdout)["cores"]
        assert rows == {row["core"]: (row["flash"], row["ram"], row["stack"]["bytes"]) for row in printed}
