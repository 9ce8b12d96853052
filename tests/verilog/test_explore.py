"""Plans from the fastest to the smallest: which are best, in processes and on a cluster, the table and the picture."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from xml.etree import ElementTree

import pytest
from distributed import LocalCluster
from typer.testing import CliRunner
from verilog.networks import residual, tiny

from lrtc import exploring
from lrtc.cli import app
from lrtc.driver import open_model
from lrtc.errors import LrtcError, ToolMissing
from lrtc.exploring import explore
from lrtc.plan.budget import Budget
from lrtc.plan.explore import Point, front
from lrtc.report.explored import check_picture, draw, explored_json

NET = Path(__file__).parents[2] / "examples" / "mnist" / "mnist_ternary.pt"


def test_the_front_is_what_no_point_beats():
    points = [Point(1, 10, luts=9), Point(2, 20, luts=5), Point(3, 20, luts=5), Point(4, 30, luts=7, brams=0.5)]
    points += [Point(5, 30, luts=4, brams=1), Point(6, why="too slow")]
    found = front(points)
    assert [(p.interval, p.best) for p in found] == [(10, True), (20, True), (30, True), (30, False), (0, False)]
    assert explored_json(found, 1e6)[-1] == {"target": 6, "why": "too slow"}


def test_processes_and_a_cluster_find_the_same():
    model = open_model(residual())
    seen = []
    here = explore(model, 6, jobs=1, step=lambda done, every: seen.append((done, every)))
    assert seen[-1] == (6, 6)
    fast, *_, small = [p for p in here if p.best]
    assert fast.interval < small.interval
    assert fast.luts > small.luts
    assert explore(model, 6, jobs=2) == here
    with LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as cluster:
        assert explore(model, 6, dask=cluster.scheduler_address) == here
    tight = explore(model, 3, Budget(luts=fast.luts - 1), jobs=1)
    assert any(p.why for p in tight)
    assert all(p.luts < fast.luts for p in tight)


def test_refusals(monkeypatch, tmp_path):
    model = open_model(tiny())
    monkeypatch.setattr(exploring, "SECONDS", 0.3)
    with pytest.raises(LrtcError, match=r"(?s)no scheduler answers there.*dask scheduler"):
        explore(model, 2, dask="tcp://127.0.0.1:9")
    monkeypatch.setattr(exploring, "find_spec", lambda name: None if name == "distributed" else find_spec(name))
    with pytest.raises(ToolMissing, match=r"(?s)dask is not installed.*pip install \"lrtc\[cluster\]\""):
        explore(model, 2, dask="tcp://127.0.0.1:9")
    with pytest.raises(LrtcError, match=r"a picture ends in \.png, \.svg, \.pdf"):
        check_picture(tmp_path / "net.jpg")


def test_the_command_draws_and_tells(tmp_path):
    picture = tmp_path / "deep" / "net.png"
    done = CliRunner().invoke(app, ["explore", str(NET), "--points", "3", "-j", "1", "-o", str(picture), "--json"])
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert picture.read_bytes()[:4] == b"\x89PNG"
    assert told["plans"][0]["best"]
    assert told["plans"][0]["images_per_second"] == pytest.approx(1e8 / told["plans"][0]["interval"])
    points = front([Point(1, 10, 12, 900), Point(2, 40, 50, 300), Point(3, 50, 60, 400)])
    draw(points, 1e8, "net", tmp_path / "net.svg")
    assert ElementTree.parse(tmp_path / "net.svg").getroot().tag.endswith("svg")
