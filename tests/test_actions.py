"""Python as the command line: each command is a function whose typed result says what the command prints."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from networks import images, network
from relu_networks import Shape, relu_network
from typer.testing import CliRunner

import lrtc
from lrtc.check.doctor import needs
from lrtc.cli import app
from lrtc.cli_manners import GROUPS
from lrtc.errors import LrtcError
from lrtc.ir import to_text


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("models") / "little.pt"
    lrtc.save(network(3), path)
    return path


def said(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def test_every_command_has_its_function():
    """Commands are functions of the same name; a report is `report_of`, as lrtc.report holds its parts."""
    inside = {"verify": "Result", "run": "Result", "boards": "fits", "report": "report_of"}
    for name in (name for _, commands in GROUPS for name, _ in commands):
        assert name in lrtc.__all__ or inside[name] in lrtc.__all__, name
        assert callable(getattr(lrtc, inside.get(name, name)))


def test_show_gives_the_graph_that_the_command_prints(model):
    for target in ("c", "verilog"):
        assert to_text(lrtc.show(model, target)) in said("show", model, "--target", target)
    assert to_text(lrtc.show(model, "c", after="fold-thresholds")) in said("show", model, "--after", "fold-thresholds")
    assert len(lrtc.show(model).nodes) > len(lrtc.show(model, "c").nodes)
    assert ElementTree.fromstring(lrtc.draw(lrtc.show(model))).tag.endswith("svg")
    with pytest.raises(LrtcError, match="did you mean 'pack'"):
        lrtc.show(model, "c", after="pakc")


def test_a_report_is_the_page_the_table_and_the_json(model, tmp_path):
    x = images(network(3), 8)
    result = lrtc.compile(model)
    y = result.run(x).argmax(axis=1)
    result.write(tmp_path / "net")
    np.savez(tmp_path / "few.npz", x=x, y=y)
    words = ("report", tmp_path / "net", "--data", tmp_path / "few.npz", "--json", "--html", tmp_path / "cli.html")
    printed = json.loads(said(*words))
    report = lrtc.report_of(tmp_path / "net", x=x, y=y)
    del printed["html"]
    assert report.json() == printed
    assert (report.answers.images, report.answers.accuracy) == (8, 1)
    assert report.costs.instructions == printed["instructions"] > 0
    assert report.roofs
    assert report.write(tmp_path / "api.html").read_text() == (tmp_path / "cli.html").read_text()
    assert "accelerator" in report.lacking


def test_real_activations_become_integers(tmp_path):
    net, x = relu_network(Shape())
    lrtc.save(net, tmp_path / "relu.pt")
    np.savez(tmp_path / "x.npz", x=x)
    done = lrtc.quantize(tmp_path / "relu.pt", tmp_path / "x.npz", tmp_path / "relu3.pt", bits=3)
    assert done.quantisers
    assert lrtc.compile(tmp_path / "relu3.pt").run(x[:2]).shape[0] == 2


def test_sizes_and_what_fits(model):
    row, other = lrtc.size(model, ["cortex-m0plus", "cortex-m4"])
    printed = json.loads(said("size", model, "--core", "cortex-m0plus,cortex-m4", "--json"))["cores"]
    assert [row.sizes.flash, other.sizes.flash] == [p["flash"] for p in printed]
    (fit,) = lrtc.fits(model, ["nucleo-f446re"])
    assert fit.fits
    assert fit.flash > row.sizes.flash


def test_a_table_of_costs_goes_to_compile(model, tmp_path):
    tuning = lrtc.tune(model, "cortex-m4", x=images(network(3), 2), table=tmp_path / "t.json")
    made = lrtc.compile(model, tuned=tmp_path / "t.json")
    for layer in tuning.layers:
        least = min(option.cost for option in layer.options)
        assert {o.kernel: o.cost for o in layer.options}[made.options["kernels"][layer.key]] == least


def test_plans_are_those_of_the_command(model, tmp_path):
    found = lrtc.explore(model, 3, luts=60_000, plot=tmp_path / "a.svg")
    printed = said("explore", model, "--points", 3, "--luts", 60_000, "--jobs", 1, "--json", "-o", tmp_path / "b.svg")
    assert [p.interval for p in found] == [p["interval"] for p in json.loads(printed)["plans"]]
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    with pytest.raises(LrtcError, match="a picture ends in"):
        lrtc.explore(model, 3, plot="a.gif")


def test_what_is_compiled_is_proven_and_simulated(model):
    result = lrtc.compile(model, "verilog", cycles=4000)
    assert [proof.holds for proof in lrtc.prove(result)] == [True] * 3
    x = images(network(3), 2)
    runs = lrtc.simulate(result, x, fast=True)
    assert [run.equal for run in runs] == [True, True]
    assert runs[0].figures["cycles_per_image"] <= 4000
    with pytest.raises(LrtcError, match="compiled already"):
        lrtc.simulate(result, x, cycles=3)
    with pytest.raises(LrtcError, match="of target verilog, not c"):
        lrtc.simulate(lrtc.compile(model), x)


def test_an_emulated_board_runs_its_self_test(model, tmp_path):
    ran = lrtc.flash(model, "emulated-cortex-m4", tmp_path / "m4")
    assert ran.status == 0
    assert "pass" in ran.output.lower()
    assert {path.name for path in (tmp_path / "m4").iterdir()} >= {"little.elf", "little.c"}
    dry = lrtc.flash(model, "nucleo-f446re", tmp_path / "f4", dry_run=True)
    assert (dry.status, dry.output) == (None, "")
    assert str(tmp_path / "f4") in dry.command


def test_what_is_not_there_is_refused_by_name(model, tmp_path):
    with pytest.raises(LrtcError, match="--device or --board is needed"):
        lrtc.synth(model)
    with pytest.raises(LrtcError, match="did you mean 'icebreaker'"):
        lrtc.synth(model, board="icebraker")
    with pytest.raises(LrtcError, match="lrtc synth MODEL --board icebreaker"):
        lrtc.flash(model, "icebreaker", tmp_path)
    assert [seen.need for seen in lrtc.doctor()] == list(needs())
