"""Clang, from PATH or zig's from pip: generated C is clean under it too."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from c_programs import to_c
from graphs_dag import random_dag

from lrtc.check.toolchain import STRICT, write_files


def clangs() -> list[list[str]]:
    """Return the words that start a Clang, or nothing."""
    if path := shutil.which("clang"):
        return [[path]]
    return [[sys.executable, "-m", "ziglang", "cc"]] if importlib.util.find_spec("ziglang") else []


@pytest.mark.parametrize("command", clangs())
def test_clang_has_nothing_to_say(command: list[str], tmp_path: Path):
    """It warns of inline functions that a source does not call, which GCC does not."""
    for seed in range(2):
        made = to_c(random_dag(seed), images=1)
        write_files(made.files, tmp_path)
        argv = [*command, "-std=c99", *STRICT, "-c", f"{made.name}.c", f"{made.name}_test.c"]
        subprocess.run(argv, cwd=tmp_path, check=True)
