"""`lrtc verify --prove`, and certificates: written, checked again, and what makes one false."""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lrtc.driver import compile, open_model, random_feeds
from lrtc.errors import LrtcError
from lrtc.output import write_folder
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


def spoilt(data: bytes) -> bytes:
    """Return a model file with one weight of its first tensor of many changed, sound otherwise."""
    held = torch.load(io.BytesIO(data), weights_only=True)
    name = next(name for name, value in held["tensors"].items() if value.ndim == 4)
    held["tensors"][name].view(-1)[0] *= -1
    buffer = io.BytesIO()
    torch.save(held, buffer)
    return buffer.getvalue()


def rewrite(path: Path, change: Callable[[dict], object]) -> None:
    said = json.loads(path.read_text())
    change(said)
    path.write_text(json.dumps(said))


def of(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@pytest.mark.parametrize("what", ["output", "self-test", "stranger", "model", "graph", "options", "proof"])
def test_a_certificate_that_was_changed_with_the_fact_does_not_hold(what: str, tmp_path: Path):
    """Who changes a file can change its hash in the certificate too: all of it is made again, and compared."""
    model, out = tmp_path / "net.pt", tmp_path / "out"
    data = (ROOT / "tests" / "fuzz" / "corpus" / "conv.pt").read_bytes()
    model.write_bytes(data)
    opened = open_model(model)
    feeds = random_feeds(opened.graph, 3, seed=9)
    result = compile(opened, "c", vectors=feeds)  # others than compiling again draws
    path = out / CERTIFICATE
    write_folder(
        out, {**result.files, CERTIFICATE: certificate(model, opened, result, list(prove(opened, result)))}, {}
    )
    assert recheck(path, model, open_model(model))
    if what == "output":
        (out / "net.c").write_text((out / "net.c").read_text().replace("}\n", " }\n", 1))
        rewrite(path, lambda said: said["outputs"].update({"net.c": of(out / "net.c")}))
        words = "net.c: compiling again gives another file"
    elif what == "self-test":
        file = out / "net_test.c"
        file.write_text(file.read_text().replace("return", "return 0; return", 1))
        rewrite(path, lambda said: said["outputs"].update({file.name: of(file)}))
        words = "net_test.c: compiling again gives another file"
    elif what == "stranger":
        (out / "more.c").write_text("int more;\n")
        rewrite(path, lambda said: said["outputs"].update({"more.c": of(out / "more.c")}))
        words = "more.c: compiling again gives no such file"
    elif what == "model":
        model.write_bytes(spoilt(data))
        with pytest.raises(LrtcError, match="is of another model"):
            recheck(path, model, open_model(model))
        rewrite(path, lambda said: said["model"].update(sha256=of(model)))
        words = "graph: compiling again gives another one"
    elif what == "graph":
        rewrite(path, lambda said: said["graph"].update(read="0" * 64))
        words = "graph: compiling again gives another one"
    elif what == "options":
        rewrite(path, lambda said: said["options"].update(prefix="x_"))
        words = "net.c: compiling again gives another file"
    else:
        rewrite(path, lambda said: said["proofs"].append({"what": "speed", "target": "c", "holds": True}))
        words = "proof speed: is not one that can be made"
    with pytest.raises(LrtcError, match=f"does not hold: (.|\n)*{words}"):
        recheck(path, model, open_model(model))


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


def test_a_hostile_certificate_is_refused_in_words(opened, tmp_path: Path):
    path, result = tmp_path / CERTIFICATE, compile(opened, "c")
    text = certificate(NET, opened, result, [])
    for change in (
        lambda said: said["proofs"].append({"what": [], "target": {}, "holds": True}),
        lambda said: said["options"].update(model="x"),
        lambda said: said["options"].update(vectors=3),
        lambda said: said["options"].update(fold="ü"),
        lambda said: said["options"].update(lanes={}),
        lambda said: said["options"].update(kernels=7),
        lambda said: said.update(target="../c"),
        lambda said: said["outputs"].update({"a\0b": "0"}),
        lambda said: said["outputs"].update({"x" * 5000: "0"}),
    ):
        path.write_text(text)
        rewrite(path, change)
        with pytest.raises(LrtcError) as caught:
            recheck(path, NET, opened)
        assert all(line.isprintable() for line in str(caught.value).splitlines())


def test_vectors_of_data_are_no_fault(tmp_path: Path):
    """A self-test with vectors of --data is certified, and found again without them, in C and HLS."""
    model = ROOT / "tests" / "fuzz" / "corpus" / "conv.pt"
    opened = open_model(model)
    for target in ("c", "hls"):
        result = compile(opened, target, vectors=random_feeds(opened.graph, 3, seed=9))
        assert result.files != compile(opened, target).files
        proofs = list(prove(opened, result))
        out = write_folder(
            tmp_path / target, {**result.files, CERTIFICATE: certificate(model, opened, result, proofs)}, {}
        )
        assert recheck(out / CERTIFICATE, model, opened) == proofs
