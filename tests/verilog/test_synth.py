"""`lrtc synth` and `lrtc flash` of FPGA boards: a tiny network from the model to the bitstream, counts, refusals."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from verilog.networks import Maker

import lrtc
from lrtc.boards.fpga import fpga_named
from lrtc.check import fpga
from lrtc.driver import open_model
from lrtc.errors import LrtcError, ToolMissing
from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv2d, LRTLinear, LRTScale, LRTSign, discretize
from lrtc.report.synthesis import lines
from lrtc.synthesis import synthesize_model


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple]:
    """Return a function that runs a command line in the test's folder: (status, stdout, stderr)."""
    from lrtc import cli

    def command(*words: object) -> tuple[int, str, str]:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["lrtc", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        captured = capsys.readouterr()
        return int(stopped.value.code or 0), captured.out, captured.err

    return command


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    net = nn.Sequential(
        InputQuantize((1, 6, 6)), LRTConv2d(1, 4, 3, stride=2, weights="ternary"), LRTBatchNorm(4), LRTSign(),
        nn.Flatten(), LRTLinear(16, 3, weights="ternary"), LRTScale(3),
    ).eval()  # fmt: skip
    path = tmp_path_factory.mktemp("synth") / "tiny.pt"
    lrtc.save(discretize(net), path)
    return path


def test_a_tiny_network_becomes_a_bitstream_for_an_icebreaker(tmp_path: Path, run, model: Path):
    status, out, err = run("synth", model, "--board", "icebreaker", "--json", "-o", "bits")
    assert status == 0, err
    report = json.loads(out)
    assert report["device"] == "ice40-up5k"
    assert [row["origin"] for row in report["layers"]] == ["1", "5"]
    assert all(row["LUT"] > 0 and row["FF"] > 0 for row in report["layers"])
    for row in report["layers"]:
        assert row["error"]["LUT"] == pytest.approx(row["estimate"]["lut"] / row["LUT"] - 1, abs=1e-4)
        assert row["error"]["FF"] == pytest.approx(row["estimate"]["ff"] / row["FF"] - 1, abs=1e-4)
    sums = {key: sum(row[key] for row in report["layers"]) + report["rest"][key] for key in report["total"]}
    assert sums == report["total"]
    assert report["total"]["LUT"] <= report["used"]["ICESTORM_LC"]["used"] < report["used"]["ICESTORM_LC"]["available"]
    assert report["fmax_hz"] > 12e6
    assert report["images_per_second"] == pytest.approx(report["fmax_hz"] / report["cycles_per_image"])
    image = (tmp_path / "bits" / "tiny_board.bin").read_bytes()
    assert len(image) == 104_090  # of every UP5K: the whole configuration
    assert {"tiny_board.pcf", "tiny_board.sv", "report.json", "files.f"} <= {*report["files"]}
    status, out, err = run("flash", "bits", "--board", "icebreaker", "--dry-run")
    assert status == 0, err
    assert out.splitlines()[-1].endswith("bits && openFPGALoader -b ice40_generic tiny_board.bin")
    status, out, err = run("flash", "bits", "--board", "icebreaker", "--programmer", "iceprog", "--dry-run")
    assert out.splitlines()[-1].endswith("bits && iceprog tiny_board.bin")
    status, out, err = run("flash", "bits", "--board", "ulx3s", "--dry-run")
    assert (status, "holds no bitstream for ulx3s" in err) == (2, True)


def test_a_tiny_network_becomes_a_bitstream_for_an_ulx3s(model: Path):
    made = synthesize_model(open_model(model), "ecp5-85k", fpga_named("ulx3s"))
    ((name, image),) = made.synthesis.images.items()
    assert name == "tiny_board.bit"
    assert image[:2] == b"\xff\x00"  # the comment before the configuration
    assert made.synthesis.fmax > 25e6
    assert "images/s at Fmax" in lines(made)[1]


def test_seven_series_is_mapped_and_gets_a_script(tmp_path: Path, run, model: Path):
    status, out, err = run("synth", model, "--device", "xc7z020", "-o", "z")
    assert status == 0, err
    assert "mapped by Yosys, not placed" in out
    assert re.search(r"LUT est\.\s+error\s+FF est\.\s+error\s+BRAM est\.", out)
    assert "not run here" in (tmp_path / "z" / "vivado.tcl").read_text()
    assert not list((tmp_path / "z").glob("*.bi*"))


def test_what_cannot_be_is_refused_before_anything_is_written(tmp_path: Path, run, model: Path, monkeypatch):
    for words, text in (
        (["--device", "ice40-up5"], "no device 'ice40-up5' (did you mean 'ice40-up5k'?)"),
        ([], "--device or --board is needed"),
        (["--board", "icebreaker", "--device", "ecp5-25k"], "icebreaker has ice40-up5k, not ecp5-25k"),
        (["--device", "ice40-up5k", "--input-lanes", "2"], "--input-lanes goes with --count"),
        (["--board", "nucleo"], "no FPGA board 'nucleo'; known: hx8k-breakout, icebreaker, tangnano9k, ulx3s"),
    ):
        status, _, err = run("synth", model, *words)
        assert status == 2
        assert text in err, err
    monkeypatch.setattr(fpga, "which", lambda name: None)
    monkeypatch.setattr(fpga, "find_spec", lambda name: None)
    status, _, err = run("synth", model, "--board", "icebreaker")
    assert status == 2
    assert "nextpnr-ice40 is not installed" in err
    assert 'pip install "lrtc[synth,pnr]"' in err
    assert not (tmp_path / "build").exists()


def test_a_tool_that_fails_is_told_with_what_it_said():
    text = "module t(input a, output b); missing u(a, b); endmodule"
    with pytest.raises(LrtcError, match="mapping failed"):
        fpga.synthesize({"t.sv": text}, "t", [], fpga.PARTS["ice40-hx8k"])
    with pytest.raises(ToolMissing, match="nextpnr-none is not installed"):
        fpga.tool_command("nextpnr-none")


def test_a_network_that_no_serial_line_carries_is_refused():
    graph = Maker("wide", (4, 4, 1), 1).linear("l", 200).done()
    with pytest.raises(LrtcError, match="this network has 200 classes"):
        synthesize_model(open_model(graph), "ice40-up5k")
