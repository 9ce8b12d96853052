"""Style unrolled, weights as wires: RTL = interpreter, cycles as planned, tools silent, refusals in words."""

from __future__ import annotations

import numpy as np
import pytest
from graphs import random_input
from verilog.bench import bench
from verilog.networks import Maker, special, tiny

import lrtc
from lrtc import interp
from lrtc.backends.verilog import emit
from lrtc.check.simulate import Job, input_form, simulate_jobs
from lrtc.check.verilator import lint
from lrtc.check.yosys import read_design
from lrtc.errors import LrtcError
from lrtc.ir import B1, Graph
from lrtc.plan import unrolled

SPECIAL = ("trits", "grouped")
IMAGES = 6


def padded() -> Graph:
    """Bits padded with 0 on every side, by ±1 and ternary weights, with ±1 and with numbers behind them."""
    m = Maker("padded", (5, 4, 2)).threshold().conv("a", 9, padding=(1, 1, 1, 1), elem=B1).threshold()
    m = m.conv("b", 3, kernel=(2, 3), padding=(1, 0, 2, 1)).threshold().conv("c", 2, padding=(1, 1, 1, 1), elem=B1)
    return m.done()


def dense() -> Graph:
    """Dense ±1 layers, wide enough for groups of groups."""
    m = Maker("dense", (60,)).threshold().linear("a", 17, B1).threshold().linear("b", 9, B1).threshold()
    return m.linear("c", 5, B1).affine().done()


def designs():
    """Yield (name, graph, options of the backend)."""
    for k, name in enumerate(SPECIAL):
        graph, options = special()[name]
        kept = {key: value for key, value in options.items() if key != "fold"}
        yield name, graph, {**kept, "stages": 1 + k % 4}
    yield "padded", padded(), {}
    yield "dense", dense(), {"stages": 3, "output": "class"}


def test_rtl_equals_interpreter_and_plan():
    files, jobs, cases = {}, [], []
    for k, (name, graph, options) in enumerate(designs()):
        out = emit(graph, name, {"style": "unrolled", **options})
        assert not [path for path in out.files if path.endswith("_weight.mem")]
        files[name] = out.files
        x = random_input(graph, IMAGES, seed=k)
        want = interp.run(graph, x).reshape(len(x), -1)
        if options.get("output") == "class":
            want = want.argmax(axis=1)[:, None]
        for stalls in ("idle", "backpressure"):
            jobs.append(Job(x, want.shape[1], stalls, seed=k, select=k, form=input_form(out.files, name)))
            cases.append((name, out.plan, want))
    for job, (name, plan, want), got in zip(jobs, cases, simulate_jobs(bench(files), "bench", jobs), strict=True):
        where = f"{name} under {job.stalls}"
        assert np.array_equal(got.outputs, want), where
        if job.stalls == "idle":
            assert (got.cycles_per_image, got.latency) == (plan.interval, plan.latency), where


def test_tools_are_silent():
    for name, graph, options in designs():
        assert lint(emit(graph, name, {"style": "unrolled", **options}).files, name) == "", name


@pytest.mark.parametrize("graph", [padded(), dense()], ids=["padded", "dense"])
def test_yosys_takes_the_design(graph):
    read_design(emit(graph, "net", {"style": "unrolled"}).files, "net")


def test_golden(golden):
    text = emit(tiny(), "tiny", {"style": "unrolled", "stages": 3}).files["tiny_fc_wired.sv"]
    golden("verilog/tiny_fc_wired.sv", text.replace(lrtc.__version__, "VERSION"))


def test_emit_is_pure():
    first, second = (emit(dense(), "net", {"style": "unrolled"}) for _ in range(2))
    assert list(first.files.items()) == list(second.files.items())
    assert first.plan == second.plan


def test_a_window_a_cycle_and_more_registers_for_fewer_gates():
    few, many = (emit(dense(), "net", {"style": "unrolled", "stages": n}).plan for n in (1, 6))
    assert few.interval == many.interval == 60  # a byte a cycle
    assert sum(fold.stages for fold in few.layers) > 2 * sum(fold.stages for fold in many.layers)
    assert any("wired, " in line for line in few.lines())


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"style": "rolled"}, "style: 'rolled' (did you mean 'unrolled'?); known: stream, unrolled"),
        ({"style": "unrolled", "fold": {"fc": (1, 1)}}, "fold: nothing is folded in style unrolled"),
        ({"style": "unrolled", "target_cycles": 9}, "target_cycles: nothing is folded in style unrolled"),
        ({"stages": 3}, "stages: only style unrolled has pipelines of gates; leave this option out"),
    ],
)
def test_options_that_do_not_go_together(options, said):
    with pytest.raises(LrtcError) as error:
        emit(tiny(), "tiny", options)
    assert said in str(error.value)


def test_layers_too_large_to_be_wires_are_named(monkeypatch):
    monkeypatch.setattr(unrolled, "MOST_PRODUCTS", 100)
    with pytest.raises(LrtcError) as error:
        emit(dense(), "net", {"style": "unrolled"})
    assert "body.a: 1,020 weights are too many to be wires" in str(error.value)
    assert "body.b: 153 weights" in str(error.value)
    assert "use --style stream" in str(error.value)
