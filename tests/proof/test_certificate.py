"""`lrtc verify --prove`, and certificates: written, checked again, and what makes one false."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lrtc.driver import compile, open_model
from lrtc.errors import LrtcError
from lrtc.proving import CERTIFICATE, certificate, prove, recheck

ROOT = Path(__file__).parents[2]
NET = ROOT / "examples" / "mnist" / "mnist_ternary.pt"
OTHER = ROOT / "examples" / "mnist" / "mnist_bipolar.pt"


@pytest.fixture(scope="module")
def opened():
    return open_model(NET)


@pytest.mark.parametrize(
    ("target", "options"),
    [
        ("c", {}),
        ("c", {"prefix": "acme_", "context": True, "lanes": 64, "kernels": {"conv3": "count"}}),
        ("verilog", {"fold": {"fc": (1, 8)}, "output": "class"}),
    ],
)
def test_a_certificate_holds_until_something_changes(target, options, opened, tmp_path):
    result = compile(opened, target, **options)
    proofs = list(prove(opened, result))
    assert {p.holds for p in proofs} == {True}
    for name, text in result.files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(text.encode() if isinstance(text, str) else text)
    path = tmp_path / CERTIFICATE
    path.write_text(certificate(NET, opened, result, proofs))
    assert recheck(path, NET, opened) == proofs
    with pytest.raises(LrtcError, match="is of another model"):
        recheck(path, OTHER, opened)
    name = next(name for name in result.files if name.endswith((".c", ".sv")))
    before = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(before + b"\n")
    with pytest.raises(LrtcError, match=f"{name}: is not the certified file"):
        recheck(path, NET, opened)
    (tmp_path / name).unlink()
    with pytest.raises(LrtcError, match=f"{name}: is missing"):
        recheck(path, NET, opened)
    (tmp_path / name).write_bytes(before)
    said = json.loads(path.read_text())
    said["proofs"][0]["holds"] = None
    said["graph"]["compiled"] = "0" * 64
    path.write_text(json.dumps(said))
    with pytest.raises(LrtcError, match=r"2 faults\n  graph: compiling again gives another one\n  proof function: "):
        recheck(path, NET, opened)
    said["outputs"]["../stranger"] = "0" * 64
    path.write_text(json.dumps(said))
    with pytest.raises(LrtcError, match="outside of its folder"):
        recheck(path, NET, opened)
    path.write_text(json.dumps({**said, "lrtc": "0.0.0"}))
    with pytest.raises(LrtcError, match=r"is of lrtc 0\.0\.0"):
        recheck(path, NET, opened)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"format": 1}', '{"format": 9}', "\0"], ids=range(6))
def test_what_is_no_certificate_is_refused(text, opened, tmp_path):
    path = tmp_path / CERTIFICATE
    path.write_text(text)
    with pytest.raises(LrtcError, match="is no certificate"):
        recheck(path, NET, opened)


def test_the_command_line(tmp_path):
    def lrtc(*words: object) -> subprocess.CompletedProcess:
        argv = [sys.executable, "-m", "lrtc.cli", *map(str, words)]
        return subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=False)

    made = lrtc("compile", NET, "--certificate", "-o", tmp_path / "out")
    assert made.returncode == 0, made.stderr
    done = lrtc("verify", NET, "--prove", "--certificate", tmp_path / "out" / CERTIFICATE, "--json")
    assert done.returncode == 0, done.stderr
    proofs = json.loads(done.stdout)["proofs"]
    assert [p["what"] for p in proofs] == ["function", "ranges", "memory"] * 2 + ["function", "ranges", "streams"]
    assert {p["holds"] for p in proofs} == {True}
    without = lrtc("verify", NET)
    assert without.returncode == 2
    assert "--data is needed" in without.stderr
