"""Runs that are killed, share a folder, or run out of space leave the old output or the new one, whole."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from lrtc.errors import LrtcError
from lrtc.output import MANIFEST, STAGING, write_folder

KILLS = int(os.environ.get("KILLS", "12"))
WRITER = """
import sys
from pathlib import Path
from lrtc.output import write_folder
folder, name = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
k = 0
while True:
    k += 1
    text = f"{name} {k}\\n"
    write_folder(folder, {f"part{i}.c": text * (1 + 999 * (i % 2)) for i in range(12)}, {"run": text})
"""


def start(folder: Path, name: str) -> subprocess.Popen:
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name], stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "ready\n"
    return child


def whole(folder: Path) -> str:
    """Return the text that every file of the folder is made of; AssertionError if they are of several runs."""
    parts = sorted(path for path in folder.iterdir() if path.name != MANIFEST)
    assert len(parts) == 12
    lines = {line for path in parts for line in path.read_text().splitlines()}
    assert len(lines) == 1, f"files of several runs: {lines}"
    assert [path.read_text().count("\n") for path in parts if path.name == "part1.c"] == [1000]
    (line,) = lines
    assert line in (folder / MANIFEST).read_text()
    return line


def test_kill_9_at_any_moment_leaves_a_whole_folder(tmp_path):
    folder, seen = tmp_path / "out", set()
    for k in range(KILLS):
        child = start(folder, f"run{k}")
        while not folder.exists():
            time.sleep(0.001)
        time.sleep(0.003 + 0.0071 * (k % 12) + 0.0003 * (k // 12))
        child.kill()
        child.wait()
        seen.add(whole(folder))
    assert len(seen) > KILLS // 2, "the runs that are killed do write"
    left = [path for path in tmp_path.iterdir() if path.name.endswith(STAGING)]
    child = start(folder, "last")  # removes what the killed ones left
    time.sleep(0.2)
    child.kill()
    child.wait()
    assert not {path.name for path in left} & {path.name for path in tmp_path.iterdir()}


def test_two_runs_into_one_folder(tmp_path):
    folder = tmp_path / "out"
    children = [start(folder, name) for name in ("first", "second")]
    while not folder.exists():
        time.sleep(0.001)
    names = set()
    for _ in range(40):
        time.sleep(0.004)
        handle = os.open(folder, os.O_RDONLY)  # the folder that stands there now, whatever takes its place
        try:
            text = [os.open(f"part{i}.c", os.O_RDONLY, dir_fd=handle) for i in (0, 2)]
            lines = {os.read(f, 100).decode() for f in text}
            [os.close(f) for f in text]
            assert len(lines) == 1
            names.add(lines.pop().split()[0])
        except FileNotFoundError:
            pass  # it was an old one, which is being removed
        finally:
            os.close(handle)
    for child in children:
        assert child.poll() is None, "neither run failed"
        child.kill()
        child.wait()
    whole(folder)
    assert names


def test_a_full_disk_keeps_the_old_folder(tmp_path, monkeypatch):
    folder = tmp_path / "out"
    write_folder(folder, {"a.c": "old"}, {})
    write = Path.write_bytes

    def full(path: Path, data: bytes) -> int:
        if path.name == "b.c":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return write(path, data)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(LrtcError, match="No space left on device"):
        write_folder(folder, {"a.c": "new", "b.c": "new"}, {})
    assert (folder / "a.c").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_threads_in_one_process_do_not_remove_each_others_work(tmp_path):
    faults = []

    def work(name: str) -> None:
        try:
            for k in range(30):
                write_folder(tmp_path / "out", {f"{i}.c": f"{name}{k}" for i in range(5)}, {})
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert not faults
    assert len({path.read_text() for path in (tmp_path / "out").glob("*.c")}) == 1
