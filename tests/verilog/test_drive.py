"""The compiled driver: the cycles of the plan, hostile stalls, resets, words of inner streams, and what it finds."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from graphs import random_input
from verilog.networks import Maker, special

from lrtc import interp
from lrtc.backends.verilog import emit
from lrtc.chain import Chain, Verdict
from lrtc.check.drive import drive, inner_streams
from lrtc.driver import open_model
from lrtc.errors import Mismatch
from lrtc.report.junit import write_junit
from lrtc.simulating import simulated

NAME = "residual"  # forks, joins and queues
HOSTILE_CYCLES = 200_000  # `lrtc simulate --hostile 1000000` takes five times that


@pytest.fixture(scope="module")
def case(tmp_path_factory):
    graph, _ = special()[NAME]
    x = random_input(graph, 6, seed=1)
    out = emit(graph, NAME)
    return out, x, interp.run(graph, x).reshape(len(x), -1), tmp_path_factory.mktemp("drive")


def test_cycles_and_words_are_those_of_the_plan(case):
    out, x, want, work = case
    run = drive(out.files, NAME, x, want, work_dir=work)
    assert (run.cycles_per_image, run.latency) == (out.plan.interval, out.plan.latency)
    assert set(run.words) == set(inner_streams(out.files, NAME))
    for layer in out.plan.layers:
        beats = 3 if layer.name == "fc" else layer.windows  # scores leave one a beat
        assert run.words[f"{layer.name}_out"] == beats, layer.name
    assert run.words["bits_to0"] == run.words["bits_to1"] == run.words["a_out"]
    stalled = drive(out.files, NAME, x, want, stalls="backpressure", seed=2, work_dir=work)
    assert stalled.words == run.words
    assert stalled.cycles > run.cycles


def test_hostile_stalls_and_resets_find_nothing(case):
    out, x, want, work = case
    run = drive(
        out.files, NAME, x, want, stalls="hostile", seed=3, least_cycles=HOSTILE_CYCLES, reset_every=4000, work_dir=work
    )
    assert run.cycles >= HOSTILE_CYCLES
    assert run.resets > 10
    assert run.frames > 300


def test_pixels_that_nothing_waits_for_are_counted(tmp_path):
    """The last answer leaves before the last pixels, which a stride skips, have come through a deep pipeline."""
    graph = Maker("tail", (9, 9, 1)).conv("a", 6, kernel=(2, 2)).threshold().conv("b", 1, (1, 1), (4, 4)).done()
    out, x = emit(graph, "tail", {"style": "unrolled", "stages": 1}), random_input(graph, 2, seed=5)
    want = interp.run(graph, x).reshape(2, -1)
    for stalls in ("idle", "backpressure"):
        run = drive(out.files, "tail", x, want, stalls=stalls, seed=1, work_dir=tmp_path)
        assert run.words["a_out"] == 8 * 8


def test_what_breaks_is_found(case):
    out, x, want, work = case
    wrong = want.copy()
    wrong[4, 1] += 1
    with pytest.raises(Mismatch, match=rf"m_axis differs at image 4, beat 1: want {wrong[4, 1]}, got {want[4, 1]}"):
        drive(out.files, NAME, x, wrong, work_dir=work)
    with pytest.raises(Mismatch, match="nothing has moved for 40 cycles"):
        drive(out.files, NAME, x, want, patience=40, work_dir=work)


def test_runs_become_verdicts_and_junit(tmp_path):
    graph, _ = special()["vector"]
    chain, x = Chain(open_model(graph, "vector")), {"x": random_input(graph, 5, seed=4)}
    runs = list(simulated(chain, x, None, 5, fast=True, hostile=3000))
    assert [run.engine.split()[1] for run in runs] == ["idle", "backpressure", "hostile"]
    assert all(run.equal for run in runs)
    assert runs[0].figures["cycles_per_image"] == chain.compiled("verilog").plan.interval
    assert runs[2].figures["total_cycles"] >= 3000
    assert runs[2].figures["resets"] > 5
    failed = Verdict("rtl idle", 5, False, note="image 2, class 1: want 3, got 4")
    write_junit(tmp_path / "deep" / "runs.xml", "lrtc simulate vector", [*runs, failed])
    suite = ElementTree.parse(tmp_path / "deep" / "runs.xml").getroot()
    assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
    assert suite.find("testcase/failure").get("message") == failed.note
