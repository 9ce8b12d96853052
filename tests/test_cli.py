"""The command line on the committed example: what works, and every refusal, with exit status and no files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lrtc.passes import PIPELINES

ROOT = Path(__file__).parent.parent
RELU = ROOT / "examples" / "mnist" / "mnist_relu.pt"
NET = ROOT / "examples" / "mnist" / "mnist_ternary.pt"
DIGITS = ROOT / "examples" / "mnist" / "digits.npz"


def lrtc(*words: object, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "lrtc.cli", *map(str, words)]
    return subprocess.run(argv, cwd=cwd, capture_output=True, text=True, check=False)


def test_compile_writes_c_and_says_so(tmp_path: Path):
    done = lrtc("compile", NET, "--target", "c", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "mnist_ternary.c").is_file()
    assert "wrote" in done.stdout
    assert "conv" in done.stdout


def test_compile_json_is_json(tmp_path: Path):
    done = lrtc("compile", NET, "--target", "verilog", "-o", tmp_path / "out", "--json", "--verify")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["target"] == "verilog"
    assert {Path(f) for f in answer["files"]} | {Path("lrtc.json")} == {
        p.relative_to(tmp_path / "out") for p in (tmp_path / "out").rglob("*") if p.is_file()
    }


def test_two_compiles_give_the_same_bytes(tmp_path: Path):
    for target in ("c", "verilog"):
        folders = [tmp_path / f"{target}{k}" for k in (1, 2)]
        for folder in folders:
            assert lrtc("compile", NET, "-t", target, "-o", folder, cwd=tmp_path).returncode == 0
        files = [{p.relative_to(f): p.read_bytes() for p in f.rglob("*") if p.is_file()} for f in folders]
        assert files[0] == files[1]


def test_show_prints_the_graph_and_each_pass():
    text = lrtc("show", NET).stdout
    assert text.startswith("graph @mnist_ternary(%")
    assert "threshold" in text
    assert "batchnorm" not in text
    each = lrtc("show", NET, "--each", "--target", "verilog").stdout
    assert each.count("graph @") == 1 + len(PIPELINES["verilog"])
    assert "// after fold-thresholds: 17 nodes (3 fewer)" in each
    assert "batchnorm" in lrtc("show", NET, "--after", "frontend").stdout


def test_run_writes_logits_and_classes(tmp_path: Path):
    answers = {}
    for engine in ("interp", "c", "torch"):
        done = lrtc("run", NET, "--data", DIGITS, "--engine", engine, "-o", tmp_path / f"{engine}.npz")
        assert done.returncode == 0, done.stderr
        with np.load(tmp_path / f"{engine}.npz") as file:
            answers[engine] = file["logits"], file["class"]
    logits, classes = answers["interp"]
    assert logits.shape == (1000, 10)
    assert logits.dtype == np.int32
    for other in answers.values():
        np.testing.assert_array_equal(other[0], logits)
        np.testing.assert_array_equal(other[1], classes)


def test_quantize_writes_a_model_and_says_what_it_costs(tmp_path: Path):
    data = np.load(DIGITS)
    np.savez(tmp_path / "few.npz", x=data["x"][:40], y=data["y"][:40])
    words = ["quantize", RELU, "--calibrate", tmp_path / "few.npz", "--bits", 3, "--layer", "relu3=5", "--images", 20]
    done = lrtc(*words, "-o", tmp_path / "relu.pt", "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert [(q["layer"], q["bits"]) for q in answer["quantisers"]] == [("relu1", 3), ("relu2", 3), ("relu3", 5)]
    assert (answer["calibrated"], answer["accuracy"]["samples"]) == (20, 40)
    done = lrtc("verify", tmp_path / "relu.pt", "--data", tmp_path / "few.npz", "--engines", "torch,interp,c")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{answer['accuracy']['quantized']:.2%}" in done.stdout


def refusals(tmp_path: Path) -> dict[str, tuple[list[object], str]]:
    (tmp_path / "file").write_text("mine")
    (tmp_path / "foreign").mkdir()
    (tmp_path / "foreign" / "thesis.tex").write_text("mine")
    (tmp_path / "truncated.pt").write_bytes(NET.read_bytes()[:2000])
    out = ["-o", tmp_path / "out"]
    return {
        "a missing file": (["compile", tmp_path / "none.pt", *out], "none.pt"),
        "a truncated file": (["compile", tmp_path / "truncated.pt", *out], "truncated.pt"),
        "an unknown target": (["compile", NET, "-t", "verilgo", *out], "did you mean 'verilog'"),
        "an output that is a file": (["compile", NET, "-o", tmp_path / "file"], "is a file"),
        "an output that is not ours": (["compile", NET, "-o", tmp_path / "foreign"], "did not write"),
        "a name that is no identifier": (["compile", NET, "--name", "my net", *out], "--name"),
        "a name that is a keyword": (["compile", NET, "--name", "module", *out], "'module' is a word of a target"),
        "a folding of no layer": (["compile", NET, "-t", "verilog", "--fold", "conv9=1x1", *out], "conv9"),
        "a folding without numbers": (["compile", NET, "-t", "verilog", "--fold", "conv1=axb", *out], "PExSIMD"),
        "an option of another target": (["compile", NET, "--cycles", "9", *out], "only --target verilog"),
        "a part that is none": (["compile", NET, "-t", "hls", "--part", "zynq", *out], "no part of AMD's; for example"),
        "a folding of HLS": (["compile", NET, "-t", "hls", "--fold", "conv1=5x9", *out], "pe=5 does not divide 16"),
        "a clock of no accelerator": (["compile", NET, "-t", "c", "--part", "x", *out], "only --target hls has"),
        "an unknown engine": (["run", NET, "--data", DIGITS, "--engine", "cortex-m9"], "cortex-m4"),
        "real activations": (["compile", RELU, *out], "`lrtc quantize` makes integers of ReLU activations"),
        "bits of a layer without number": (
            ["quantize", RELU, "--calibrate", DIGITS, "--layer", "relu1", "-o", tmp_path / "q.pt"],
            "LAYER=BITS is supp",
        ),
        "an unknown pass": (["show", NET, "--after", "fold-treshold"], "did you mean 'fold-thresholds'"),
        "data that is not there": (["run", NET, "--data", tmp_path / "no.npz"], "no.npz"),
    }


CASES = [
    "a missing file", "a truncated file", "an unknown target", "an output that is a file",
    "an output that is not ours", "a name that is no identifier", "a name that is a keyword", "a folding of no layer",
    "a folding without numbers", "an option of another target", "a part that is none", "a folding of HLS",
    "a clock of no accelerator", "an unknown engine", "an unknown pass",
    "real activations", "bits of a layer without number", "data that is not there",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_refusals_say_what_is_wrong_and_write_nothing(tmp_path: Path, case: str):
    words, message = refusals(tmp_path)[case]
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    done = lrtc(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.startswith("lrtc: error: ")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before


def test_a_wrong_bit_ends_with_status_1_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """A fault put into the C's answer on purpose: the verdict must not be green."""
    from lrtc import cli
    from lrtc.check import host

    honest = host.run_host

    def faulty(*args: object, **options: object) -> np.ndarray:
        logits = honest(*args, **options)
        logits[3, 2] += 1
        return logits

    monkeypatch.setattr(host, "run_host", faulty)
    words = ["lrtc", "verify", str(NET), "--data", str(DIGITS), "--engines", "interp,c", "--images", "5"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    said = capsys.readouterr().out
    assert "image 3, class 2: want" in said
    assert "DIFFERENT: c" in said


def test_a_missing_tool_is_skipped_by_name_unless_asked_for(tmp_path: Path):
    """Without any compiler on PATH the C engines are skipped; asking for one is an error with the remedy."""
    import os

    env = {**os.environ, "PATH": str(tmp_path)}
    argv = [sys.executable, "-m", "lrtc.cli", "verify", str(NET), "--data", str(DIGITS), "--images", "2"]
    done = subprocess.run(argv, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "skipped" in done.stdout
    assert "not run: c" in done.stdout
    done = subprocess.run([*argv, "--engines", "c"], cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "gcc" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["compil", "x"], "Did you mean 'compile'"),
        (["compile"], "MODEL"),
        (["compile", "a.pt", "--taget", "c"], "--target"),
        (["verify", "a.pt", "--data", "b.npz", "--images", "0"], "--images"),
    ],
)
def test_usage_errors_are_no_tracebacks(words: list[str], message: str):
    done = lrtc(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_the_commands_and_version_the_version():
    from lrtc import __version__

    help_ = lrtc("--help")
    assert help_.returncode == 0
    assert all(word in help_.stdout for word in ("compile", "show", "verify", "run", "simulate"))
    assert lrtc("--version").stdout.strip() == f"lrtc {__version__}"
