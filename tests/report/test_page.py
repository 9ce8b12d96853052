"""The HTML page and the pictures: whole, of this network, and nothing in a model's names gets out of its place."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from graphs_dag import random_dag
from typer.testing import CliRunner

from lrtc.cli import app
from lrtc.driver import Model, compile, open_model
from lrtc.errors import LrtcError
from lrtc.plan.arena import Buffer, plan_arena
from lrtc.report.layers import rows_of
from lrtc.report.page import Facts, accelerator, answers_of, page, passes_of, weights_of
from lrtc.report.pictures import alone, arena_svg, graph_svg

MNIST = Path(__file__).parents[2] / "examples" / "mnist"
NET, DIGITS = MNIST / "mnist_ternary.pt", MNIST / "digits.npz"
HOSTILE = """</title></svg><script>alert(1)</script><img src=x onerror="alert(1)">'&{{7*7}}\x00\u202e"""
VOID = {"meta", "path", "rect"}


class Reader(HTMLParser):
    """Every tag closed in its order; attributes and tags that were met."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    assert not reader.open
    return reader


def harmless(html: str) -> None:
    reader = read(html)
    assert not reader.tags & {"script", "img", "link", "iframe", "object", "base", "a"}
    assert not {name for name in reader.attributes if name.startswith("on")} | (reader.attributes & {"src", "href"})
    assert not re.search(r"url\(|@import", html)
    assert set(re.findall(r"https?://[^\"]*", html)) <= {"http://www.w3.org/2000/svg"}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    CliRunner().invoke(app, ["compile", str(NET), "-o", str(folder / "c"), "--certificate"], catch_exceptions=False)
    words = ["report", str(NET), "--data", str(DIGITS), "--html", str(folder / "r.html"), "--json"]
    words += ["--certificate", str(folder / "c" / "certificate.json")]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert done.exit_code == 0
    return (folder / "r.html").read_text(), json.loads(done.stdout)


def test_the_page_and_the_json_say_the_same(run):
    html, facts = run
    harmless(html)
    assert facts["answers"]["accuracy"] == 0.976
    assert np.trace(facts["answers"]["confusion"]) == 976
    assert facts["answers"]["engine"] == "c"
    assert "97.60%" in html
    assert "the compiled C" in html
    assert f"{facts['instructions']:,}" in html
    assert f"{facts['flash']:,} B" in html
    assert f"every {facts['accelerator']['cycles_per_image']:,} cycles" in html
    assert "of this very model file" in html
    assert html.count("<svg") == 4
    assert not facts["lacking"]
    assert "Not here" not in html


def test_no_name_leaves_its_place():
    model = open_model(NET)
    nodes = tuple(replace(node, origin=HOSTILE if node.origin else "") for node in model.graph.nodes)
    hostile = Model(model.name, replace(model.graph, nodes=nodes), None, (HOSTILE,))
    c = compile(hostile, "c")
    certificate = {"lrtc": HOSTILE, "target": HOSTILE, "same": False, "about": "model file",
                   "proofs": [{"what": HOSTILE, "holds": "True", "target": HOSTILE, "text": HOSTILE}]}  # fmt: skip
    lacking = {"costs": HOSTILE, "answers": HOSTILE}
    html = page(Facts(hostile, c, None, accelerator(hostile)[0], None, certificate, lacking=lacking))
    harmless(html)
    assert "&lt;script&gt;" in html
    assert "of ANOTHER model file" in html
    assert "\x00" not in graph_svg(hostile.graph)


def test_a_model_without_an_accelerator_says_why():
    lacking = {"accelerator": "because of this", "costs": "no compiler", "answers": "no data", "certificate": "none"}
    html = page(Facts(open_model(NET), lacking=lacking))
    harmless(html)
    assert html.count("Not here: ") == 4


@pytest.mark.parametrize("seed", range(6))
def test_every_box_and_edge_is_drawn(seed):
    graph = random_dag(seed)
    svg = ElementTree.fromstring(alone(graph_svg(graph)))
    boxes = svg.findall(".//{*}rect")
    assert len(boxes) == len(graph.inputs) + len(graph.compute_nodes())
    places = [tuple(float(box.get(k)) for k in ("x", "y", "width", "height")) for box in boxes]
    for i, (x, y, w, h) in enumerate(places):
        assert not [1 for u, v, r, s in places[:i] if x < u + r and u < x + w and y < v + s and v < y + h]
    computed = {v.name for v in graph.inputs} | {n.out for n in graph.compute_nodes()}
    edges = sum(len({i for i in n.ins if i in computed}) for n in graph.compute_nodes())
    assert len(svg.findall(".//{*}path[@class='head']")) == edges


def test_long_edges_pass_through_every_row():
    rows, routes = rows_of({"a": [], "b": ["a"], "c": ["b"], "d": ["c", "a"]})
    depth = {name: k for k, row in enumerate(rows) for name in row}
    assert sorted(depth) == [".a>d>1", ".a>d>2", "a", "b", "c", "d"]
    for route in routes.values():
        assert all(depth[other] == depth[one] + 1 for one, other in pairwise(route))


def test_the_arena_is_drawn_to_scale():
    arena = plan_arena([Buffer("a", 100, 0, 1), Buffer("b", 60, 1, 2), Buffer(".scratch0", 40, 0, 0)])
    svg = ElementTree.fromstring(arena_svg(arena, ["one", "two", "three"]))
    rects = svg.findall(".//{*}rect")
    area = sum(float(r.get("width")) * float(r.get("height")) for r in rects)
    assert area / (860 / 3 * 260) == pytest.approx((100 * 2 + 60 * 2 + 40) / arena.size, rel=0.01)
    assert arena_svg(plan_arena([]), ["one"]) == ""


def test_entropy_and_savings_are_those_of_the_graph():
    graph = open_model(NET).graph
    for row in weights_of(graph):
        zero = 1 - row.nonzero
        assert 0 < row.entropy <= -zero * np.log2(zero) - row.nonzero * np.log2(row.nonzero / 2) + 1e-9
    saved, after = passes_of(graph, "c")
    assert len(graph.nodes) + sum(row.nodes_more for row in saved) == len(after.nodes) == saved[-1].nodes


def test_without_a_compiler_the_interpreter_answers_and_the_page_says_so(tmp_path, monkeypatch):
    digits = np.load(DIGITS)
    np.savez(tmp_path / "few.npz", x=digits["x"][:5], y=digits["y"][:5])
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("CC", "")
    words = ["report", str(NET), "--data", str(tmp_path / "few.npz"), "--html", str(tmp_path / "r.html"), "--json"]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert json.loads(done.stdout)["answers"]["engine"] == "interp"
    html = (tmp_path / "r.html").read_text()
    assert "as the reference interpreter answers" in html
    assert "no C compiler" in html or "Not here" in html


def test_confusions_count_every_image():
    found = answers_of(np.array([0, 1, 1, 2]), np.array([0, 1, 2, 2]), 3)
    assert (found.images, found.accuracy, found.worst()) == (4, 0.75, [(2, 1, 1)])
    assert answers_of(np.array([]), np.array([]), 3) is None


def test_show_draws(tmp_path):
    done = CliRunner().invoke(app, ["show", str(NET), "--svg", str(tmp_path / "n.svg")], catch_exceptions=False)
    assert done.exit_code == 0
    assert len(ElementTree.parse(tmp_path / "n.svg").findall(".//{*}rect")) == 9


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["report", str(NET), "--html", "nowhere/r.html"], "there is no folder nowhere"),
        (["report", str(NET), "--certificate", "c.json"], "--certificate goes with --html"),
        (["show", str(NET), "--svg", "n.svg", "--each"], "--svg draws one graph"),
    ],
)
def test_refused(words, says, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LrtcError, match=says):
        CliRunner().invoke(app, words, catch_exceptions=False)
    assert not list(tmp_path.iterdir())
