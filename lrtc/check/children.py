"""Programs that lrtc starts end with the run that started them, and so does all that they started themselves.

`subprocess.run` kills the one program on Ctrl-C or when time is up: a compiler that a `make` started goes on.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path

CAPTURED = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}  # what it says, for `run_child`
PIECE = 0.5  # seconds of a wait: a signal that comes right before one does not end it, Python hears it behind
_OWN = threading.local()  # .flock: whose children this thread starts, see `side_by_side`


def run_child(
    argv: Sequence[str], *, seconds: float | None = None, text_in: str | None = None, **how: object
) -> subprocess.CompletedProcess:
    """Run a program to its end, as `subprocess.run` does; whatever else happens here, it and its own are gone then.

    seconds: subprocess.TimeoutExpired after so many. text_in: for its standard input. how: as Popen takes it.
    """
    flock: _Flock | None = getattr(_OWN, "flock", None)
    stdin = subprocess.DEVNULL if text_in is None else subprocess.PIPE
    child, later = None, _Later()
    try:
        child = _started(flock, lambda: subprocess.Popen(list(argv), stdin=stdin, **how))
        later.now()
        said = _said(child, text_in, seconds)
    except BaseException:
        later.restore()
        if child:
            end_tree(child.pid)
            with child:  # waits, and closes its pipes
                pass
        raise
    finally:
        if flock and child:
            flock.children.discard(child.pid)
    return subprocess.CompletedProcess(argv, child.returncode, *said)


def _said(child: subprocess.Popen, text_in: str | None, seconds: float | None) -> tuple[str, str]:
    """Return what a program says until its end; subprocess.TimeoutExpired after so many seconds."""
    until = None if seconds is None else time.monotonic() + seconds
    while True:
        left = PIECE if until is None else min(PIECE, max(0.0, until - time.monotonic()))
        try:
            return child.communicate(text_in, timeout=left)
        except subprocess.TimeoutExpired as expired:
            if until is not None and time.monotonic() >= until:
                expired.timeout = seconds
                raise
        text_in = None  # it is on its way


class _Later:
    """Puts off Ctrl-C and SIGTERM until a program that is being started has a number to be killed by."""

    def __init__(self) -> None:
        self.kept, self.came = {}, []
        if threading.current_thread() is threading.main_thread():  # no other hears signals
            for each in (signal.SIGINT, signal.SIGTERM):
                if callable(signal.getsignal(each)):
                    self.kept[each] = signal.signal(each, lambda *args: self.came.append(args))

    def restore(self) -> None:
        while self.kept:
            signal.signal(*self.kept.popitem())

    def now(self) -> None:
        """Let what came meanwhile come now."""
        kept = dict(self.kept)
        self.restore()
        for number, frame in self.came:
            kept[number](number, frame)


def side_by_side(work: Callable[[object], object], items: Iterable[object]) -> list[object]:
    """Return work(item) for each item, as many at a time as there are processors; what one raises ends the others."""
    flock = _Flock()
    with ThreadPoolExecutor(os.cpu_count(), initializer=setattr, initargs=(_OWN, "flock", flock)) as pool:
        try:
            running = [pool.submit(work, item) for item in items]
            return [done.result() for one in running for done in as_completed([one])]
        except BaseException:
            flock.end()
            raise


def as_completed(running: Iterable[Future]) -> Iterator[Future]:
    """Yield each when it is done, as `concurrent.futures` does, but waiting in short pieces: see PIECE."""
    waiting = {*running}
    while waiting:
        done, waiting = wait(waiting, PIECE, FIRST_COMPLETED)
        yield from done


class _Flock:
    """The children of the threads that work for one call."""

    def __init__(self) -> None:
        self.lock, self.ended, self.children = threading.Lock(), False, set()

    def end(self) -> None:
        with self.lock:
            self.ended = True
        for pid in [*self.children]:
            end_tree(pid)


def _started(flock: _Flock | None, start: Callable[[], subprocess.Popen]) -> subprocess.Popen:
    if flock is None:
        return start()
    with flock.lock:
        if flock.ended:
            raise KeyboardInterrupt  # of a thread that nobody waits for
        child = start()
        flock.children.add(child.pid)
        return child


def end_tree(pid: int) -> None:
    """Kill a process and all that descend from it, those first that may start others."""
    kill = getattr(signal, "SIGKILL", signal.SIGTERM)
    for each in (pid, *_descendants(pid)):
        with contextlib.suppress(OSError):
            os.kill(each, kill)


def _descendants(pid: int) -> list[int]:
    """Return the processes below one, from the top; none where no list of processes can be had."""
    children: dict[int, list[int]] = {}
    for own, parent in _processes():
        children.setdefault(parent, []).append(own)
    found = [pid]
    for each in found:
        found += children.get(each, [])
    return found[1:]


def _processes() -> list[tuple[int, int]]:
    """Return (process, parent) of all."""
    if Path("/proc/self/stat").is_file():
        pairs = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):  # it has ended
                    after = (folder / "stat").read_text(errors="replace").rpartition(")")[2]
                    pairs.append((int(folder.name), int(after.split()[1])))
        return pairs
    with contextlib.suppress(OSError, subprocess.SubprocessError, ValueError):
        listed = subprocess.run(["ps", "-axo", "pid=,ppid="], capture_output=True, text=True, timeout=10, check=False)
        return [(int(own), int(parent)) for own, parent in map(str.split, listed.stdout.splitlines())]
    return []
