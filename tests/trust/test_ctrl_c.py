"""Ctrl-C in every phase: status 130, not a word of Python, the old folder whole, no program left running.

The signal goes to lrtc alone, which is harder than a terminal's: that one tells the children as well.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lrtc.check.children import _descendants, end_tree, run_child, side_by_side
from lrtc.output import write_folder

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
SECONDS = 120  # until something is a hang: it is said where, and everything is ended
COMPILE = ("compile", str(CORPUS / "conv.pt"), "--verify", "-o", "out")
DATA = ("--data", str(CORPUS / "data.npz"))
HERE = "here\n"
AT = """
import importlib, runpy, sys, time
module, name = sys.argv.pop(1).split(":")
def stop(*args, **named):
    print("here", flush=True)
    while True:
        time.sleep(0.1)  # a signal right before a long sleep would wait for its end
setattr(importlib.import_module(module), name, stop)
runpy.run_module("lrtc", run_name="__main__", alter_sys=True)
"""
SLEEPER = '#!/bin/sh\nsleep 901 &\necho $! >> "$PIDS"\necho $$ >> "$PIDS"\nwait\n'


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Let children hear Ctrl-C also where the tests run in a shell's background, which tells them to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def contents(folder: Path) -> dict[str, str]:
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.rglob("*")) if p.is_file()}


def alive(pid: int) -> bool:
    """Return whether a process runs; one that ended and waits for its parent does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pids: list[int]) -> bool:
    until = time.monotonic() + 30
    while any(map(alive, pids)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(alive, pids))


@contextlib.contextmanager
def started(words: list[str], folder: Path, **changes: str) -> Iterator[subprocess.Popen]:
    """A run of lrtc; whatever happens, all of it is gone behind."""
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "TMPDIR": str(folder / "tmp"), **changes}
    (folder / "tmp").mkdir(exist_ok=True)
    env["PYTHONFAULTHANDLER"] = "1"  # SIGABRT prints where it is
    child = subprocess.Popen(words, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        end_tree(child.pid)
        with child:
            pass


def hangs(child: subprocess.Popen, where: str) -> None:
    """Fail with what a run says and where it is."""
    child.send_signal(signal.SIGABRT)
    try:
        said = "\n".join(child.communicate(timeout=20))
    except subprocess.TimeoutExpired as expired:
        said = repr(expired.output) + repr(expired.stderr)
    pytest.fail(f"hangs {where} for {SECONDS} seconds:\n{said}")


def until(child: subprocess.Popen, holds: Callable[[], object], what: str) -> None:
    """Wait until something holds; fail if the run ends before, or hangs."""
    end = time.monotonic() + SECONDS
    while not holds():
        if child.poll() is not None:
            pytest.fail(f"ended with {child.returncode} before {what}: {child.communicate(timeout=20)}")
        if time.monotonic() > end:
            hangs(child, f"before {what}")
        time.sleep(0.02)


def interrupted(child: subprocess.Popen, folder: Path, how: signal.Signals = signal.SIGINT) -> None:
    """Interrupt, and check what must hold then."""
    child.send_signal(how)
    try:
        said, wrong = child.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        hangs(child, f"after {how.name}")
    assert child.returncode == 128 + how, said + wrong
    assert "Traceback" not in said + wrong
    assert "Error" not in said + wrong
    assert not list((folder / "tmp").iterdir()), "temporary folders are gone"


PHASES = {  # what is called there
    "starting": "typer:Typer", "loading": "lrtc.frontend.modelfile:from_bytes", "passes": "lrtc.passes:_same",
    "planning": "lrtc.backends.c:_plan", "emitting": "lrtc.backends.c:render", "writing": "lrtc.output:_put",
}  # fmt: skip


@pytest.mark.parametrize("phase", PHASES)
def test_compiling(phase: str, tmp_path: Path):
    write_folder(tmp_path / "out", {"conv.c": "old"}, {})
    before = contents(tmp_path / "out")
    with started([sys.executable, "-c", AT, PHASES[phase], *COMPILE], tmp_path) as child:
        until(child, lambda: select.select([child.stdout], [], [], 0)[0], "the phase")
        assert child.stdout.readline() == HERE
        interrupted(child, tmp_path)
    assert contents(tmp_path / "out") == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["out", "tmp"]


TOOLS = {  # program that sleeps → command line that starts it
    "cc": ("verify", str(CORPUS / "conv.pt"), *DATA),
    "make": ("simulate", str(CORPUS / "conv.pt"), *DATA, "--fast"),
    "g++": ("run", str(CORPUS / "conv.pt"), *DATA, "--engine", "hls"),
    "yosys": ("synth", str(CORPUS / "conv.pt"), "--device", "ecp5-25k", "--count", "-o", "out"),
}


@pytest.mark.parametrize(("tool", "how"), [*((tool, signal.SIGINT) for tool in TOOLS), ("cc", signal.SIGTERM)])
def test_a_tool_that_runs_is_gone_with_all_it_started(tool: str, how: signal.Signals, tmp_path: Path):
    (tmp_path / "bin").mkdir()
    sleeper = tmp_path / "bin" / tool
    sleeper.write_text(SLEEPER)
    sleeper.chmod(0o755)
    pids = tmp_path / "pids"
    changes = {"PIDS": str(pids), "PATH": f"{sleeper.parent}{os.pathsep}{os.environ['PATH']}"}
    with started([sys.executable, "-m", "lrtc", *TOOLS[tool]], tmp_path, **changes) as child:
        until(child, lambda: pids.exists() and len(pids.read_text().split()) >= 2, "the tool")
        running = [int(pid) for pid in pids.read_text().split()]
        assert all(map(alive, running))
        interrupted(child, tmp_path, how)
    assert gone(running)
    assert not (tmp_path / "out").exists()


def test_processes_that_plan_are_gone(tmp_path: Path):
    words = ["explore", str(CORPUS / "conv.pt"), "--jobs", "2", "--points", "200"]
    with started([sys.executable, "-m", "lrtc", *words], tmp_path) as child:
        # two that plan, one that multiprocessing has for itself
        until(child, lambda: len(_descendants(child.pid)) >= 3, "three processes")
        below = _descendants(child.pid)
        interrupted(child, tmp_path)
        assert gone(below)


@pytest.mark.parametrize(
    "wait",
    [lambda: run_child(["sleep", "901"]), lambda: side_by_side(lambda s: run_child(["sleep", s]), ["900", "901"])],
)
def test_a_signal_that_ends_no_wait_is_heard(wait: Callable[[], object]):
    """As one that comes right before the wait begins: it goes to another thread, so that the wait is not cut short."""
    other = threading.Timer(0.5, lambda: signal.pthread_kill(threading.get_ident(), signal.SIGINT))
    start, before = time.monotonic(), _descendants(os.getpid())
    watch = threading.Timer(30, lambda: [end_tree(pid) for pid in _descendants(os.getpid()) if pid not in before])
    other.start()
    watch.start()
    with pytest.raises(KeyboardInterrupt):
        wait()
    watch.cancel()
    assert time.monotonic() - start < 20
    assert gone([pid for pid in _descendants(os.getpid()) if pid not in before])
