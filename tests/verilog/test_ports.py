"""Several inputs and outputs as streams: simulation equals the interpreter and the timing model, under every stall."""

from __future__ import annotations

import pytest
from graph_maker import Maker
from graphs import random_feeds
from graphs_ports import random_ports

from lrtc import interp
from lrtc.backends.verilog import emit, refuse
from lrtc.check.simulate import Job, output_beats, simulate_jobs
from lrtc.check.stalls import STALLS
from lrtc.check.verilator import lint
from lrtc.ir import B1, T2, U8, Elem, Graph, in_rows, tensor, verify
from lrtc.passes import run_pipeline

IMAGES = 6


def meeting() -> Graph:
    """An image, numbers that meet it late and early, and bits; outputs of every kind, one of them read on."""
    m = Maker("meeting", (4, 5, 2))
    numbers, bits = m.b.input("numbers", tensor((3,), U8)), m.b.input("bits", tensor((4, 5, 3), Elem("u", 1)))
    body = m.decide(m.concat(m.decide(m.conv(m.x, 6), B1), m.decide(m.conv(bits, 3), B1)), B1)
    sums = m.linear_on_image(body, 4)
    early = m.linear(numbers, 4)
    total = m.add(sums, early)
    sign = m.decide(total, B1)
    outputs = [m.linear(sign, 3), sign, m.decide(early, T2), total, m.decide(m.conv(body, 2), Elem("u", 2))]
    return verify(m.b.finish(outputs, ("scores", "module", "third", "total", "codes")))


def test_simulation_equals_the_interpreter_and_the_plan(tmp_path):
    graph = run_pipeline(meeting(), "verilog")
    assert refuse(graph) == []
    output = emit(graph, "meeting", {"target_cycles": 90})
    assert lint(output.files, "meeting") == ""
    feeds = random_feeds(graph, IMAGES)
    want = in_rows(interp.answers(graph, feeds).values())
    beats = output_beats(output.files, "meeting")
    assert beats == {"scores": 3, "module": 4, "third": 4, "total": 4, "codes": 40}
    jobs = [Job(feeds, beats, stalls, seed) for seed, stalls in enumerate(STALLS)]
    for job, got in zip(jobs, simulate_jobs(output.files, "meeting", jobs, work_dir=tmp_path), strict=True):
        assert (got.outputs == want).all(), job.stalls
        if job.stalls == "idle":
            assert got.latency == output.plan.latency
            assert got.cycles_per_image == pytest.approx(output.plan.interval, abs=1)


@pytest.mark.parametrize("seed", range(30))
def test_random_graphs_are_planned_and_never_lock_up(seed: int):
    graph = run_pipeline(random_ports(seed, steps=(2, 5)), "verilog")
    if faults := refuse(graph):
        assert all("one value" in str(f) or "ends with" in str(f) or "nothing reads" in str(f) for f in faults)
        return
    output = emit(graph, graph.name)
    assert output.plan.interval >= output.plan.bound
    names = {v.name for v in graph.inputs}
    assert {name for name, _ in output.plan.inputs} == (names if len(names) > 1 else {""})
    if seed % 6 == 0:
        assert lint(output.files, graph.name) == ""
