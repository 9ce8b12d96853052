"""The Python API: a result runs, checks, reports and writes itself, as the command line would, and is typed."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from graphs_ports import random_ports
from networks import images, network

import lrtc
from lrtc import interp
from lrtc.driver import open_model, random_feeds
from lrtc.errors import LrtcError, Mismatch, ToolMissing
from lrtc.frontend.data import as_torch

ROOT = Path(__file__).parent.parent
NET, DIGITS = ROOT / "examples" / "mnist" / "mnist_ternary.pt", ROOT / "examples" / "mnist" / "digits.npz"
USE = """
import lrtc
import numpy as np
from numpy.typing import NDArray

result = lrtc.compile("model.pt", target="c", core="cortex-m4", flash="64K", constant_time=True)
rows: NDArray[np.int32] = result.run(np.zeros((1, 1, 28, 28), dtype=np.uint8))
every: dict[str, NDArray[np.int32]] = result.run_all({"x": np.zeros((1, 4), dtype=np.float32)})
text: str = result.files["model.c"]
cycles: int | None = result.report("cortex-m0plus").cycles
equal: list[bool | None] = [verdict.equal for verdict in result.verify(engines=["interp", "c"])]
folder: str = str(result.write("out"))
hint: str | None = lrtc.LrtcError("what").hint
lrtc.save(lrtc.load("model.pt"), "again.pt")
graph: lrtc.Graph = lrtc.show("model.pt", "c", after="fold-thresholds")
picture: str = lrtc.draw(graph)
accuracy: list[float] = [a.accuracy for a in [lrtc.report_of("out", x=rows, y=np.zeros(1, np.int64)).answers] if a]
flash: list[int] = [row.sizes.flash for row in lrtc.size(result, ["cortex-m0plus"]) if row.sizes]
layers: list[str] = [layer.name for layer in lrtc.tune("model.pt", "cortex-m4", table="t.json").layers]
steps: int = lrtc.quantize("relu.pt", "train.npz", "relu4.pt", bits=4, layers={"relu1": 8}).calibrated
luts: list[int] = [plan.luts for plan in lrtc.explore("model.pt", 8, luts=5000, plot="area.svg") if plan.best]
runs: list[bool | None] = [run.equal for run in lrtc.simulate("model.pt", rows, fast=True, cycles=900)]
proven: list[bool | None] = [proof.holds for proof in lrtc.prove(result)]
rate: float | None = lrtc.synth("model.pt", board="icebreaker", fold={"conv1": (4, 9)}).images_per_second
status: int | None = lrtc.flash("model.pt", "emulated-cortex-m4", "build/firmware").status
fitting: list[str] = [fit.board.name for fit in lrtc.fits("model.pt") if fit.fits]
tools: list[str] = [seen.need.name for seen in lrtc.doctor()]
lrtc.explore("model.pt", luts="many")  # wrong
lrtc.compile("model.pt", target=3)  # wrong
result.run("digits.npz")  # wrong
"""


@pytest.fixture(scope="module")
def digits() -> tuple[np.ndarray, np.ndarray]:
    data = np.load(DIGITS)
    return data["x"][:60], data["y"][:60]


@pytest.fixture(scope="module")
def result() -> lrtc.Result:
    return lrtc.compile(NET)


def wanted(result: lrtc.Result, x: np.ndarray) -> np.ndarray:
    return interp.run(result.model.graph, result.model.quantized(x))


def test_a_result_answers_as_the_interpreter_does(result, digits):
    x, y = digits
    rows = result.run(x)
    assert rows.dtype == np.int32
    np.testing.assert_array_equal(rows, wanted(result, x))
    real = (x * np.float32(result.model.graph.inputs[0].scale)).astype(np.float32)
    np.testing.assert_array_equal(result.run(real), rows)
    assert (rows.argmax(axis=1) == y).mean() > 0.9
    assert len(result.built) == 1, "compiled once"


@pytest.mark.parametrize("form", [{"context": True, "prefix": "acme_", "package": "cmake"}, {"lanes": 64},
                                  {"package": "esp-idf", "report": True, "lanes": 256, "context": True}])  # fmt: skip
def test_every_form_of_c_runs(form: dict[str, object]):
    torch_net = network(3)
    made = lrtc.compile(torch_net, **form)
    x = images(torch_net, 7)
    np.testing.assert_array_equal(made.run(x), wanted(made, x))


def test_several_inputs_and_outputs_go_by_name():
    seed = next(s for s in range(50) if len(random_ports(s).inputs) > 1 and len(set(random_ports(s).results)) > 1)
    made = lrtc.compile(random_ports(seed))
    feeds = random_feeds(made.model.graph, 5)
    found = made.run_all({name: as_torch(value) for name, value in feeds.items()})
    want = interp.answers(made.model.graph, feeds)
    assert list(found) == list(want)
    for name, value in want.items():
        np.testing.assert_array_equal(found[name], value.reshape(5, -1))
    with pytest.raises(LrtcError, match="give a dict of"):
        made.run(next(iter(feeds.values())))


@pytest.mark.parametrize("context", [False, True])
def test_threads_may_share_a_result_and_python_goes_on_meanwhile(context: bool, digits):
    made, counted = lrtc.compile(NET, context=context), 0
    x = np.concatenate([digits[0]] * 20)
    want = wanted(made, digits[0])
    made.run(x[:1])
    answers: list[np.ndarray] = []
    workers = [
        threading.Thread(target=lambda k=k: answers.append((k, made.run(np.roll(x, k, axis=0))))) for k in (0, 7)
    ]
    for worker in workers:
        worker.start()
    while any(worker.is_alive() for worker in workers):
        counted += 1
    assert counted > 100
    for k, rows in answers:
        np.testing.assert_array_equal(rows, np.roll(np.concatenate([want] * 20), k, axis=0))


def test_verify_takes_random_images_or_ones_with_labels(result, digits):
    verdicts = result.verify()
    assert [(v.engine, v.equal, v.images) for v in verdicts] == [("interp", True, 16), ("c", True, 16)]
    verdicts = result.verify(*digits, engines=["torch", "c"])
    assert [v.accuracy for v in verdicts] == [(wanted(result, digits[0]).argmax(axis=1) == digits[1]).mean()] * 2


def test_verify_runs_what_was_compiled_and_not_something_else(result):
    """A weight is turned in the emitted C: nobody else has it, so only running this very C finds it."""
    c = result.files["mnist_ternary.c"]
    at = c.index("_fc_")
    at = c.index("0x", at)
    wrong = replace(result, files={**result.files, "mnist_ternary.c": f"{c[:at]}~{c[at:]}"}, built=[])
    with pytest.raises(Mismatch, match="c: image"):
        wrong.verify()
    assert result.verify()


def test_report_and_write_say_what_the_command_line_says(result, tmp_path: Path):
    costs = result.report("cortex-m0plus")
    assert costs.core == "cortex-m0plus"
    assert costs.cycles > costs.instructions > 100_000
    assert result.write(tmp_path / "out") == tmp_path / "out"
    for path, text in result.files.items():
        assert (tmp_path / "out" / path).read_text() == text
    (tmp_path / "out" / "mine").write_text("mine")
    with pytest.raises(LrtcError, match="beside those that lrtc wrote"):
        result.write(tmp_path / "out")


def test_options_have_the_words_of_the_command_line():
    hardware = lrtc.compile(NET, "verilog", fps=10000, clock="100MHz")
    assert hardware.plan.interval <= 10000
    assert hardware.files == lrtc.compile(NET, "verilog", cycles=10000).files
    assert hardware.files == lrtc.compile(NET, "verilog", fps=10000, clock=100e6).files
    with pytest.raises(LrtcError, match="run\\(\\) is of target c"):
        hardware.run(np.zeros((1, 1, 28, 28), np.uint8))
    with pytest.raises(LrtcError, match="report\\(\\) is of target c"):
        hardware.report()


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"cycles": 100}, "--cycles: only targets verilog and hls"),
        ({"flash": "64K"}, "needs a core to measure on"),
        ({"core": "cortex-m4", "optimize": "sped"}, "did you mean 'speed'"),
        ({"target": "verilog", "flash": "64K"}, "only target c chooses kernels"),
        ({"target": "verilgo"}, "did you mean 'verilog'"),
        ({"lanse": 3}, "lanse"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(words: dict[str, object], says: str):
    with pytest.raises(LrtcError, match=says):
        lrtc.compile(NET, **words)


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (np.zeros((2, 28, 28), np.uint8), "takes N×1×28×28"),
        (np.zeros((2, 1, 28, 28)), "is float64; it must be uint8, or float32"),
        (np.full((1, 1, 28, 28), np.nan, np.float32), "NaN or infinite"),
        ({"image": np.zeros((1, 1, 28, 28), np.uint8)}, "image: is no input of the model"),
    ],
)
def test_data_that_does_not_fit_is_refused_by_name(result, x: object, says: str):
    for act in (result.run, result.verify):
        with pytest.raises(LrtcError, match=says):
            act(x)


def test_without_a_compiler_the_remedy_is_named(tmp_path: Path, monkeypatch):
    made = lrtc.compile(NET)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"no C compiler.*\n.*apt-get install gcc"):
        made.run(np.zeros((1, 1, 28, 28), np.uint8))


def test_a_class_output_is_not_compared_with_logits():
    with pytest.raises(LrtcError, match="compile with output='logits'"):
        lrtc.compile(NET, "verilog", output="class").verify()


def test_the_api_is_typed_strictly(tmp_path: Path):
    """mypy on a user's file and on the API's own; every mistake of the user is found, nothing else."""
    (tmp_path / "use.py").write_text(USE)
    own = [
        ROOT / "lrtc" / name for name in ("__init__.py", "actions.py", "api.py", "asked.py", "driver.py", "errors.py")
    ]
    argv = [sys.executable, "-m", "mypy", "--strict", "--config-file", str(ROOT / "pyproject.toml"), "use.py", *own]
    env = {**os.environ, "MYPYPATH": str(ROOT)}
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, check=False, env=env)
    found = [line.split(": error: ")[0] for line in done.stdout.splitlines() if ": error: " in line]
    lines = USE.splitlines()
    assert found == [f"use.py:{k}" for k, line in enumerate(lines, 1) if "# wrong" in line], done.stdout + done.stderr


def test_the_wheel_says_that_it_is_typed():
    assert (ROOT / "lrtc" / "py.typed").is_file()
    assert open_model(NET).name == lrtc.compile(NET).model.name
