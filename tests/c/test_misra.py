"""cppcheck's MISRA add-on reports nothing of generated C beyond the deviations that hw/c/MISRA.md gives reasons for."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from c_programs import to_c
from graphs import random_network
from graphs_dag import random_dag

from lrtc.check.toolchain import write_files

HW = Path(__file__).parents[2] / "hw" / "c"
ROW = re.compile(r"^\| (\d+\.\d+) \| (required|advisory) \| (.+) \| (.+) \|$", re.MULTILINE)
FOUND = re.compile(r"\[misra-c2012-(\d+\.\d+)\]")
LISTED = {rule: category for rule, category, *_ in ROW.findall((HW / "MISRA.md").read_text(encoding="utf-8"))}
FOUND_HERE = [path for path in [shutil.which("cppcheck")] if path]  # from apt; without it, nothing is left to run
with_cppcheck = pytest.mark.parametrize("cppcheck", FOUND_HERE)


def rules(cppcheck: str, folder: Path, file: str) -> set[str]:
    """Return the rules that a file breaks, as a plain C99 compiler reads it."""
    options = ["--addon=misra", "--std=c99", "--enable=style", "--max-configs=1", "-q", "-I", "."]
    done = subprocess.run([cppcheck, *options, file], cwd=folder, capture_output=True, text=True, check=False)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "syntaxError" not in said
    assert "internalError" not in said
    return set(FOUND.findall(said))


def test_every_deviation_has_a_reason():
    text = (HW / "MISRA.md").read_text(encoding="utf-8")
    assert len(LISTED) == len(re.findall(r"^\| \d", text, re.MULTILINE)), "a row that cannot be read"
    assert list(LISTED) == sorted(LISTED, key=lambda rule: [*map(int, rule.split("."))])


@with_cppcheck
def test_generated_c_breaks_no_other_rule(cppcheck: str, tmp_path: Path):
    shutil.copytree(HW, tmp_path, dirs_exist_ok=True)
    (tmp_path / "kernels.c").write_text('#include "lrtc_kernels.h"\n')
    names = ["kernels.c"]
    for made in (to_c(random_network(3), images=1), to_c(random_dag(1), images=1, context=True)):
        write_files(made.files, tmp_path)
        names += [f"{made.name}.c", f"{made.name}_test.c"]
    found = set().union(*(rules(cppcheck, tmp_path, name) for name in names))
    assert found <= set(LISTED), f"not in hw/c/MISRA.md: {sorted(found - set(LISTED))}"
    assert len(found) > 12, "the add-on looked"


@with_cppcheck
def test_the_check_sees_another_rule(cppcheck: str, tmp_path: Path):
    (tmp_path / "bad.c").write_text(
        "int f(int x);\nint f(int x)\n{\n    if (x > 1) {\n        goto end;\n    }\nend:\n    return x;\n}\n"
    )
    assert "15.1" in rules(cppcheck, tmp_path, "bad.c") - set(LISTED)
