"""Weights as wires, in all layers or some: RTL = interpreter, cycles as planned, tools silent, refusals in words."""

from __future__ import annotations

import re

import numpy as np
import pytest
from graphs import random_input
from verilog.bench import bench
from verilog.networks import Maker, special, tiny

import lrtc
from lrtc import interp
from lrtc.backends.hls import emit as emit_hls
from lrtc.backends.verilog import emit
from lrtc.check.simulate import Job, input_form, simulate_jobs
from lrtc.check.verilator import lint
from lrtc.check.yosys import read_design
from lrtc.errors import LrtcError
from lrtc.ir import B1, T2, Elem, Graph
from lrtc.plan import unrolled
from lrtc.plan.budget import Budget
from lrtc.plan.fold import wired_fold
from lrtc.plan.folding import plan_stream
from lrtc.plan.stream import stream_layers
from lrtc.plan.wiring import Counted, Wiring

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


def few() -> Graph:
    """Outputs of few bits: ±1 and padded, numbers of 2 bits, ternary."""
    m = Maker("few", (3, 4, 1)).threshold().conv("a", 9, kernel=(1, 2), padding=(0, 0, 1, 1)).threshold()
    m = m.conv("b", 3, kernel=(1, 1)).codes(Elem("u", 2)).conv("c", 8, kernel=(1, 1)).threshold()
    m = m.conv("d", 3, kernel=(1, 1)).codes(T2).conv("e", 8, kernel=(1, 1)).threshold()
    return m.linear("f", 4).done()


def designs():
    """Yield (name, graph, options of the backend)."""
    for k, name in enumerate(SPECIAL):
        graph, options = special()[name]
        kept = {key: value for key, value in options.items() if key != "fold"}
        yield name, graph, {**kept, "stages": 1 + k % 4}
    yield "padded", padded(), {}
    yield "dense", dense(), {"stages": 3, "output": "class"}
    yield "few", few(), {"stages": 1}
    yield "some", padded(), {"style": "stream", "fold": {"body.b": "wired", "a": (3, 2)}, "stages": 2}
    yield "branch", special()["residual"][0], {"style": "stream", "fold": {"c": "wired"}}
    yield "chosen", padded(), {"style": "auto", "target_cycles": 200}


def test_rtl_equals_interpreter_and_plan():
    files, jobs, cases = {}, [], []
    for k, (name, graph, options) in enumerate(designs()):
        out = emit(graph, name, {"style": "unrolled", **options})
        folded = [fold.name for fold in out.plan.layers if fold.slots and not fold.stages]
        assert len([path for path in out.files if path.endswith("_weight.mem")]) == len(folded)
        assert (len(folded) > 0) == ("style" in options), name
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


def test_a_class_a_cycle_needs_all_logits_at_once():
    """Of wires they come at once; folded, or as logits, they leave one a cycle."""
    graph = dense()
    at_once = emit(graph, "net", {"style": "unrolled", "input_lanes": 60, "output": "class"})
    assert (at_once.plan.interval, at_once.plan.stages()["output"]) == (1, 1)
    assert "lrtc_argmax #(" in at_once.files["net.sv"]
    assert "rtl/lrtc_topk.sv" not in at_once.files
    assert lint(at_once.files, "net") == ""
    x, form = random_input(graph, 40), input_form(at_once.files, "net")
    jobs = [Job(x, 1, stalls, form=form) for stalls in ("idle", "backpressure")]
    idle, stalled = simulate_jobs(at_once.files, "net", jobs)
    want = interp.run(graph, x).reshape(len(x), -1).argmax(axis=1)[:, None]
    assert np.array_equal(idle.outputs, want)
    assert np.array_equal(stalled.outputs, want)
    assert (idle.cycles_per_image, idle.latency) == (1, at_once.plan.latency)
    folded = {"style": "stream", "fold": {"a": "wired", "b": "wired"}, "output": "class"}
    for options in ({"style": "unrolled"}, folded):
        out = emit(graph, "net", {"input_lanes": 60, **options})
        assert (out.plan.interval, out.plan.stages()["output"]) == (5, 5)
        assert "rtl/lrtc_argmax.sv" not in out.files


def test_tools_are_silent():
    for name, graph, options in designs():
        assert lint(emit(graph, name, {"style": "unrolled", **options}).files, name) == "", name


@pytest.mark.parametrize("graph", [padded(), dense(), few()], ids=["padded", "dense", "few"])
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


def chosen(graph: Graph, **options) -> tuple[dict[str, bool], list[str]]:
    """Return layer → whether its weights are wires, and the plan in words."""
    plan = emit(graph, "net", options).plan
    return {fold.name: fold.stages > 0 for fold in plan.layers if fold.slots}, plan.lines()


def test_styles_are_chosen_by_estimates_of_both():
    """Layers are wires where there is little time, folded where there is much, and the plan is smaller for it."""
    fast, slow = ({"target_cycles": n} for n in (60, 20_000))
    assert set(chosen(padded())[0].values()) == {False}  # neither a rate nor an area
    assert "style stream: neither a rate nor an area to choose another by" in chosen(padded())[1]
    assert set(chosen(padded(), **slow)[0].values()) == {False}
    wires, lines = chosen(padded(), **fast)
    assert wires == {"a": True, "b": True, "c": False}
    said = [re.match(r"  b: wires, (\d+) LUTs; folded to \d+ × \d+ they would be (\d+)", line) for line in lines]
    (as_wires, folded), *more = [tuple(map(int, found.groups())) for found in said if found]
    assert as_wires < folded, more
    for options in (fast, slow):
        auto, stream = (emit(padded(), "net", {**options, "style": style}).plan for style in ("auto", "stream"))
        assert auto.least < stream.least if options is fast else auto.least == stream.least
        assert auto.interval <= options["target_cycles"]
    given = chosen(padded(), **fast, fold={"b": (1, 54)})
    assert not given[0]["b"]
    assert "  b: as was asked for" in given[1]


def test_a_budget_that_only_wires_meet():
    layers = stream_layers(dense(), 60)
    wiring = Counted({layer.name: wired_fold(layer, 3, 300, 100) for layer in layers if layer.name == "a"})
    least = plan_stream(layers, 5, wiring=wiring).area.lut
    assert least < plan_stream(layers, 5).area.lut
    assert plan_stream(layers, 5, budget=Budget(least), wiring=wiring).area.lut <= least
    with pytest.raises(LrtcError, match="cannot be met"):
        plan_stream(layers, 5, budget=Budget(least))


@pytest.mark.parametrize("name", ["a", "b", "c"])
def test_what_a_layer_of_wires_takes_is_at_least_the_guess(name):
    """A guess too high would keep a layer from being tried; one far too low would make netlists for nothing."""
    wiring = Wiring(dense())
    layer = next(layer for layer in stream_layers(dense()) if layer.name == name)
    guess, made = wiring.guess(layer), wiring.exact(layer)
    assert 0.6 * made.gates <= guess.gates <= made.gates
    assert wiring.guess(layer) == made


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"style": "rolled"}, "style: 'rolled' (did you mean 'unrolled'?); known: auto, stream, unrolled"),
        ({"style": "unrolled", "fold": {"fc": (1, 1)}}, "fold: nothing is folded in style unrolled"),
        ({"style": "unrolled", "target_cycles": 9}, "target_cycles: nothing is folded in style unrolled"),
        ({"fold": {"cnv": "wired"}}, "cnv: no layer with weights has this name (did you mean 'conv'?)"),
        ({"fold": {"fc": "wired"}, "reloadable": True}, "reloadable: weights are wires"),
        ({"stages": 3}, "stages: only style unrolled has pipelines of gates; leave this option out"),
    ],
)
def test_options_that_do_not_go_together(options, said):
    with pytest.raises(LrtcError) as error:
        emit(tiny(), "tiny", options)
    assert said in str(error.value)


def test_hls_has_no_wires():
    with pytest.raises(LrtcError, match="conv: only target verilog has layers whose weights are wires"):
        emit_hls(tiny(), "tiny", {"fold": {"conv": "wired"}})


def test_layers_too_large_to_be_wires_are_named(monkeypatch):
    monkeypatch.setattr(unrolled, "MOST_PRODUCTS", 100)
    with pytest.raises(LrtcError) as error:
        emit(dense(), "net", {"style": "unrolled"})
    assert "body.a: 1,020 weights are too many to be wires" in str(error.value)
    assert "body.b: 153 weights" in str(error.value)
    assert "use --style stream" in str(error.value)
