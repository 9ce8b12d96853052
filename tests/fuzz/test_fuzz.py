"""A bounded run of the fuzzer, the inputs that once did harm, and that the watch sees what it is to see."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
INPUTS = 1200  # in CI; `make fuzz` takes 200,000


def fuzz(*words: str) -> subprocess.CompletedProcess:
    env = {**os.environ, "PYTHONPATH": str(TESTS.parent), "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-m", "fuzz", *words], cwd=TESTS, env=env, capture_output=True, text=True, check=False
    )


def test_a_bounded_run_finds_nothing(tmp_path: Path):
    done = fuzz("--inputs", str(INPUTS), "--first", "1000000", "--json", str(tmp_path / "fuzz.json"))
    assert done.returncode == 0, done.stdout + done.stderr
    said = json.loads((tmp_path / "fuzz.json").read_text())
    assert said["inputs"] >= INPUTS
    for kind, row in said["kinds"].items():
        assert row.get("accepted"), f"{kind}: no input gets through, so nothing behind the door is tried"
        assert row.get("refused"), f"{kind}: no input is refused, so nothing is changed"


HARM = ("write", "mkdir", "run", "shell", "socket", "read", "code", "crash", "memory", "hang")
CHILD = """
import os, socket, subprocess, sys
from pathlib import Path
from fuzz.guard import Guard, verdict
import fuzz.guard
fuzz.guard.SECONDS = 1
watcher = Guard()
watcher.limit_memory()
harm = {
    "write": lambda: open("x", "w"), "mkdir": lambda: os.mkdir("x"), "run": lambda: subprocess.run(["true"]),
    "shell": lambda: os.system("true"), "socket": lambda: socket.socket(), "read": lambda: open("/etc/passwd"),
    "code": lambda: exec(compile("1", "<string>", "exec")), "crash": lambda: {}["x"],
    "memory": lambda: bytes(2 << 30), "hang": lambda: [x for x in iter(int, 1) if x],
}
try:
    with watcher.watch(Path.cwd()):
        harm[sys.argv[1]]()
except BaseException as error:
    print(*verdict(error))
else:
    print("nothing was seen")
"""


@pytest.mark.parametrize("harm", HARM)
def test_the_watch_sees(harm: str, tmp_path: Path):
    env = {**os.environ, "PYTHONPATH": f"{TESTS.parent}{os.pathsep}{TESTS}"}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, harm], cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("fault "), done.stdout + done.stderr
    assert not list(tmp_path.iterdir())
