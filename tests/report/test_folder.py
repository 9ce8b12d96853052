"""A folder that `lrtc compile` wrote is reported from itself alone, and only if it is what lrtc wrote."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import OrderedDict
from pathlib import Path

import pytest
from networks import network
from torch import nn
from typer.testing import CliRunner

import lrtc
from lrtc.cli import app
from lrtc.errors import LrtcError
from lrtc.folders import read_compiled
from lrtc.nn import InputQuantize, LRTLinear, LRTScale, LRTSign, discretize
from lrtc.output import MANIFEST
from lrtc.proving import digest_of

MNIST = Path(__file__).parents[2] / "examples" / "mnist"
NET, DIGITS = MNIST / "mnist_ternary.pt", MNIST / "digits.npz"


def lrtc_says(*words: object) -> str:
    done = CliRunner().invoke(app, [str(word) for word in words], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    at = tmp_path_factory.mktemp("folders")
    lrtc_says("compile", NET, "-o", at / "c", "--certificate", "--data", DIGITS, "--prefix", "my_", "--context")
    small = network(3)
    lrtc.save(small, at / "little.pt")
    first = lrtc.compile(small, "verilog").plan.layers[0].name
    words = ("--luts", 50_000, "--bram", 40, "--fold", f"{first}=wired")
    lrtc_says("compile", at / "little.pt", "-t", "verilog", "-o", at / "verilog", "--certificate", *words)
    lrtc.compile(small, "hls", clock=2e8).write(at / "hls")
    return {path.name: path for path in at.iterdir() if path.is_dir()}


def test_a_folder_of_c_says_what_its_model_says(folders, tmp_path):
    words = ["--core", "cortex-m0plus", "--data", DIGITS, "--json", "--html"]
    ours = json.loads(lrtc_says("report", folders["c"], *words, tmp_path / "folder.html"))
    theirs = json.loads(lrtc_says("report", NET, *words, tmp_path / "model.html"))
    assert ours["accelerator"] is None
    assert "holds C" in ours["lacking"]["accelerator"]
    assert ours["certificate"]["same"]
    assert {p["holds"] for p in ours["certificate"]["proofs"]} == {"True"}
    assert ours["instructions"] == theirs["instructions"] > 100_000
    same = ("rows", "sizes", "arena", "passes", "weights", "answers")
    assert [ours[key] for key in same] == [theirs[key] for key in same]
    page = (tmp_path / "folder.html").read_text()
    assert "97.60%" in page
    assert "of this very network" in page


def test_a_folder_of_an_accelerator_has_its_folding(folders, tmp_path):
    text = lrtc_says("report", folders["verilog"])
    assert "wired" in text
    assert "products a cycle" in text
    found = json.loads(lrtc_says("report", folders["verilog"], "--json"))["accelerator"]
    plan = read_compiled(folders["verilog"]).result.plan
    assert [(row["pe"], row["simd"]) for row in found["layers"]] == [(row.pe, row.simd) for row in plan.layers]
    for row in found["roofline"]["layers"]:
        assert sum(row["cycles"].values()) == found["cycles_per_image"]
        assert row["products_a_cycle"] == pytest.approx(row["slots"] * row["cycles"]["products"] / plan.interval)
    assert "wired" in json.dumps(json.loads((folders["verilog"] / MANIFEST).read_text())["options"])
    lrtc_says("report", folders["hls"], "--html", tmp_path / "hls.html")
    assert "As an accelerator" in (tmp_path / "hls.html").read_text()


def test_all_of_the_page_is_there_as_tables(folders):
    text = lrtc_says("report", folders["c"], "--all", "--data", DIGITS)
    heads = ["what each pass saved", "weights", "as C on cortex-m4", "roofline: instructions a MAC", "accuracy"]
    heads += ["certificate, as it was recorded, of this network", "no accelerator"]
    at = [text.index(f"\n{head}") for head in heads]
    assert at == sorted(at)
    counted = json.loads(lrtc_says("report", folders["c"], "--data", DIGITS, "--json"))["instructions"]
    for figure in ("97.60% of 1,000 images", "fold-thresholds", "1.575", f"{counted:,}", "yes", "holds C"):
        assert figure in text
    assert "as an accelerator" in lrtc_says("report", folders["verilog"], "--all")


def test_names_are_no_markup_of_the_terminal(tmp_path):
    names = ("bytes", "[/b] [red]x", "[/]", "scale")
    layers = (InputQuantize((8,)), LRTLinear(8, 4, weights="ternary"), LRTSign(), LRTScale(4))
    net = discretize(nn.Sequential(OrderedDict(zip(names, layers, strict=True))).eval())
    lrtc.save(net, tmp_path / "odd.pt")
    for words in (("compile", tmp_path / "odd.pt", "-o", tmp_path / "c"), ("report", tmp_path / "c", "--all")):
        assert "[/b] [red]x" in lrtc_says(*words)


def test_the_network_comes_back_with_its_options(folders):
    for folder in folders.values():
        found = read_compiled(folder)
        assert json.loads((folder / MANIFEST).read_text())["files"] == sorted(
            p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != MANIFEST
        )
        assert found.path == folder
    assert read_compiled(folders["c"]).result.options["context"] is True
    assert digest_of(read_compiled(folders["c"]).result.model.graph) == digest_of(lrtc.compile(NET).model.graph)


@pytest.fixture
def copy(folders, tmp_path) -> Path:
    shutil.copytree(folders["c"], tmp_path / "it")
    return tmp_path / "it"


def forged(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps({**manifest, **changes}))


def rehashed(folder: Path, name: str, text: str) -> None:
    """Change a file with its hash, as a stranger would."""
    (folder / name).write_text(text)
    hashes = json.loads((folder / MANIFEST).read_text())["sha256"]
    forged(folder, sha256={**hashes, name: hashlib.sha256(text.encode()).hexdigest()})


C, CARRIED = "mnist_ternary.c", "mnist_ternary_network.json"
SPOILT = {
    "mnist_ternary.c: was changed": lambda f: (f / C).write_text((f / C).read_text().replace("0x", "0X", 1)),
    "mnist_ternary.h: is missing": lambda f: (f / "mnist_ternary.h").unlink(),
    "is no network: it has another format": lambda f: rehashed(f, CARRIED, (f / CARRIED).read_text().replace(
        '"format":1', '"format":2')),
    "is no network": lambda f: rehashed(f, CARRIED, "[" * 100_000),
    "is not what its network compiles to": lambda f: rehashed(f, C, (f / C).read_text() + "\n"),
    "another file": lambda f: forged(f, options={}),
    "written by lrtc 0.0.1": lambda f: (rehashed(f, C, "/* older */\n"), forged(f, lrtc="0.0.1")),
    "has options that are none": lambda f: forged(f, options={"watch": 1}),
    "outside of the folder": lambda f: forged(f, sha256={"../it.c": "", CARRIED: ""}, network=CARRIED),
    "not as lrtc writes it": lambda f: forged(f, sha256={C: 7}),
    "carries no network: an older lrtc": lambda f: (f / MANIFEST).write_text(
        json.dumps({"target": "c", "name": "x", "files": []})),
    "no sound lrtc.json": lambda f: (f / MANIFEST).unlink(),
    "report.json has its figures": lambda f: forged(f, target="bitstream"),
    "holds firmware": lambda f: forged(f, target="firmware"),
}  # fmt: skip


@pytest.mark.parametrize("words", SPOILT)
def test_a_folder_that_is_not_as_lrtc_wrote_it_is_refused_by_name(copy, words):
    SPOILT[words](copy)
    with pytest.raises(LrtcError, match=words) as refused:
        CliRunner().invoke(app, ["report", str(copy)], catch_exceptions=False)
    assert "lrtc compile" in refused.value.hint


def test_what_does_not_go_with_a_folder_is_said(folders):
    for folder, option, words in (
        ("c", ["--name", "other"], "a folder has its name"),
        ("c", ["--lanes", "64"], "compiled already"),
        ("verilog", ["--core", "cortex-m4"], "--core: .* holds verilog"),
    ):
        with pytest.raises(LrtcError, match=words):
            CliRunner().invoke(app, ["report", str(folders[folder]), *option], catch_exceptions=False)
