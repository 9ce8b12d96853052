"""Compiling opens no socket: every target is compiled where none can be opened, and where nothing may try to."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "fuzz" / "corpus"
WATCHED = """
import sys
tried = []
def hook(event, args):
    if event.startswith("socket.") or event in ("urllib.Request", "http.client.connect", "ftplib.connect"):
        tried.append(event)
        raise ConnectionRefusedError(event)
sys.addaudithook(hook)
from lrtc.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
if tried:
    sys.exit(f"tried {tried}")
sys.exit(code)
"""


def compiled(words: list[str], folder: Path, *args: str) -> subprocess.CompletedProcess:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    return subprocess.run([*words, *args], cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("model", "target"), [("conv.pt", "c"), ("conv.onnx", "verilog"), ("mixed.pt", "hls")])
def test_no_socket_is_opened(model: str, target: str, tmp_path: Path):
    args = ("compile", str(CORPUS / model), "--target", target, "-o", "out")
    done = compiled([sys.executable, "-c", WATCHED], tmp_path, *args)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "lrtc.json").is_file()


def test_the_watch_sees_a_socket(tmp_path: Path):
    """A check that cannot fail is none: a program that opens a socket is caught by the same hook."""
    code = WATCHED.replace("from lrtc.cli import main", "import socket\nmain = socket.socket")
    done = compiled([sys.executable, "-c", code], tmp_path)
    assert done.returncode != 0
    assert "socket.__new__" in done.stderr


def test_without_a_network(tmp_path: Path):
    """The command as a user has it, in a network namespace of its own with no interface up, where Linux lends one."""
    apart = [shutil.which("unshare") or "", "--user", "--map-root-user", "--net"]
    lent = apart[0] and subprocess.run([*apart, "true"], capture_output=True, check=False).returncode == 0
    args = ("compile", str(CORPUS / "conv.pt"), "--target", "c", "-o", "out", "--certificate")
    if not lent:
        print("note: no network namespace can be had here; the audit hook alone is what the other tests go by")
        apart = []
    done = compiled([*apart, sys.executable, "-m", "lrtc.cli"], tmp_path, *args)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "certificate.json").is_file()
