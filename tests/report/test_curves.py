"""A training run's curves on the page: every point in its place, stages one after another, bad logs refused."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.testing import CliRunner

from lrtc.cli import app
from lrtc.errors import LrtcError
from lrtc.report.curves import COLOURS, LEFT, TALL, WIDE, chart_svg, read_run, run_charts, run_json

NET = Path(__file__).parents[2] / "examples" / "mnist" / "mnist_ternary.pt"
LOG = """stage,epoch,loss,cpu_seconds,distribution,discrete_raw,discrete,float
float,1,1.0,0.0,,,,75.0
float,2,0.1,0.1,,,,85.0
lrt,1,0.5,0.1,60.0,50.0,55.0,
lrt,3,0.01,0.2,80.0,70.0,76.5,
"""
LAYERS = """stage,epoch,name,fixed,entropy,saturated,zeros,at_limit,dead,channels
lrt,1,conv1,False,0.6,0.2,0.3,0.0,0,64
lrt,3,conv1,True,0.0,1.0,0.3,0.0,0,64
float,1,conv1,False,0.6,0.2,0.3,0.0,0,64
"""


def run_of(folder: Path, log: str = LOG, layers: str = LAYERS) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "log.csv").write_text(log)
    (folder / "layers.csv").write_text(layers)
    return folder


def points(svg: str) -> dict[str, list[tuple[float, float]]]:
    found = re.findall(r"<title>([^:<]*): [^<]*</title><polyline[^>]*points=\"([^\"]*)\"", svg)
    return {name: [tuple(map(float, p.split(","))) for p in text.split()] for name, text in found}


def test_stages_follow_each_other(tmp_path):
    run = read_run(run_of(tmp_path / "run"))
    assert run.offsets == {"float": 0, "lrt": 2}
    assert run.line(run.log, "discrete") == [(3, 55.0), (5, 76.5)]
    assert run_json(run)["log"][-1] == {
        "stage": "lrt", "epoch": 3, "loss": 0.01, "distribution": 80.0, "discrete_raw": 70.0, "discrete": 76.5,
    }  # fmt: skip
    charts = dict(run_charts(run))
    assert len(charts) == 5
    for svg in charts.values():
        ElementTree.fromstring(svg)
    accuracy = points(charts["accuracy on validation samples, %"])
    assert accuracy["float"] == [(LEFT, pytest.approx(TALL * (85 - 75) / 35, abs=0.1)), (LEFT + WIDE / 4, 0.0)]
    assert accuracy["discrete_raw"][0] == (LEFT + WIDE / 2, TALL)
    loss = points(charts["loss of the last step"])
    assert [y for _, y in loss["float"]] == [0.0, pytest.approx(TALL / 2, abs=0.1)], "in decades"
    assert points(charts["entropy, bits a weight"])["conv1"][-1][1] == TALL


def test_charts_of_one_value_of_many_lines_and_of_none():
    assert chart_svg("nothing", [("a", [])]) == ""
    assert points(chart_svg("one", [("a", [(1, 5.0)])]))["a"] == [(LEFT, pytest.approx(TALL / 2))]
    many = chart_svg("many", [(f"l{k}", [(1, k), (2, k)]) for k in range(len(COLOURS) + 1)])
    assert len(points(many)) == len(COLOURS) + 1
    assert "l3</text>" not in many
    assert "<script" not in chart_svg("x", [("</title><script>", [(0, 1.0)])])


WRONG = {
    "no log.csv with a row": "stage,epoch,loss\n",
    "no training run": "stage,epoch,loss\nlrt,one,0.5\n",
    "is no training run": "a,b\n1,2\n",
    "infinite or NaN": "stage,epoch,loss\nlrt,1,nan\n",
    "cannot be read": "stage,epoch,loss\nlrt,1,\0\xff\n",
}


@pytest.mark.parametrize("words", WRONG)
def test_what_is_no_run_is_refused(tmp_path, words):
    folder = run_of(tmp_path / "run")
    (folder / "log.csv").write_bytes(WRONG[words].encode("latin-1"))
    with pytest.raises(LrtcError, match=words):
        read_run(folder)


def test_the_option_goes_with_a_page(tmp_path):
    with pytest.raises(LrtcError, match="--training goes with --html or --all"):
        CliRunner().invoke(app, ["report", str(NET), "--training", str(tmp_path)], catch_exceptions=False)
