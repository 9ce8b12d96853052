"""The picture of a frame: what a trace says, cycle by cycle, and what is drawn of it."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from torch import nn
from typer.testing import CliRunner

from lrtc import save
from lrtc.cli import app
from lrtc.driver import compile, open_model
from lrtc.errors import LrtcError
from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv2d, LRTLinear, LRTScale, LRTSign, discretize
from lrtc.report.page import first_filters
from lrtc.report.pictures import alone, filters_svg
from lrtc.report.waves import LEFT, WIDE, Stream, frame_svg, in_order, read_frame

MNIST = Path(__file__).parents[2] / "examples" / "mnist"
NET, DIGITS = MNIST / "mnist_ternary.pt", MNIST / "digits.npz"
HEAD = """$scope module TOP $end
$scope module net $end
$var wire 1 ! clk_i $end
$var wire 1 a s_axis_tvalid $end
$var wire 1 b s_axis_tready $end
$var wire 8 c s_axis_tdata [7:0] $end
$var wire 1 d one_valid $end
$var wire 1 e one_ready $end
$var wire 1 f lonely_valid $end
$var wire 1 g m_axis_tvalid $end
$var wire 1 h m_axis_tready $end
$scope module u_one $end
$var wire 1 i inner_valid $end
$var wire 1 j inner_ready $end
$upscope $end
$upscope $end
$upscope $end
$enddefinitions $end
"""


def trace(cycles: list[str]) -> list[str]:
    """Return a VCD with a cycle for each "ab de gh": the wires as they are before the rising edge."""
    text = HEAD
    for k, bits in enumerate(cycles):
        changes = "".join(f"{bit}{wire}\n" for wire, bit in zip("abdegh", bits.replace(" ", ""), strict=True))
        text += f"#{10 * k}\n0!\n{changes}b1010 c\n#{10 * k + 5}\n1!\n1a\n1b\n"
    return f"{text}#{10 * len(cycles)}\n0!\n".splitlines(keepends=True)


def test_a_frame_begins_with_the_first_byte_and_ends_with_the_last_answer():
    cycles = ["00 00 00", "10 11 00", "11 00 01", "10 11 10", "11 01 11", "00 10 01", "00 00 11", "11 11 11"]
    found = read_frame(trace(cycles), "net", 2)
    assert {s.name: s.states for s in found} == {"s_axis": "bwb--", "one": "-b-w-", "m_axis": "-wb-b"}
    assert [s.name for s in in_order(found)] == ["s_axis", "one", "m_axis"]
    assert found[0].text == "s_axis: 2 beats in cycles 0 to 2, 1 cycles of waiting"
    with pytest.raises(LrtcError, match="ends before its first frame"):
        read_frame(trace(cycles), "net", 4)
    with pytest.raises(LrtcError, match="no module other"):
        read_frame(trace(cycles), "other", 2)


def test_what_is_drawn_has_the_area_of_the_beats():
    for cycles in (90, 1000, 12345):
        states = "".join("-wb"[k * 7 % 11 % 3] for k in range(cycles))
        svg = ElementTree.fromstring(alone(frame_svg([Stream("a<b", states)], "x")))
        for kind, letter in (("beat", "b"), ("wait", "w")):
            rects = svg.findall(f".//{{*}}rect[@class='{kind}']")
            area = sum(float(r.get("width")) * float(r.get("height")) for r in rects)
            assert area / (WIDE * 26) == pytest.approx(states.count(letter) / cycles, rel=0.05)
            assert all(LEFT - 0.1 <= float(r.get("x")) <= LEFT + WIDE for r in rects)
            assert letter == "w" or len(rects) <= 450


def test_simulate_draws_what_the_plan_says(tmp_path: Path):
    net = nn.Sequential(InputQuantize((1, 4, 4)), LRTConv2d(1, 4, 3, padding=1, weights="bipolar"), LRTBatchNorm(4),
                        LRTSign(), nn.Flatten(), LRTLinear(64, 3, weights="bipolar"), LRTScale(3))  # fmt: skip
    save(discretize(net.eval()), tmp_path / "tiny.pt")
    np.savez(tmp_path / "x.npz", x=np.arange(16, dtype=np.uint8).reshape(1, 1, 4, 4))
    words = ["simulate", str(tmp_path / "tiny.pt"), "--data", str(tmp_path / "x.npz"), "--wave-svg"]
    done = CliRunner().invoke(app, [*words, str(tmp_path / "f.svg")], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    titles = [t.text for t in ElementTree.parse(tmp_path / "f.svg").findall(".//{*}title")]
    plan = compile(open_model(tmp_path / "tiny.pt"), "verilog").plan
    assert titles[0].startswith("s_axis: 16 beats in cycles 0 to ")
    assert titles[-1].startswith(f"m_axis: 3 beats in cycles {plan.latency:,} to ")
    assert len(titles) > 3
    assert sorted(p.name for p in tmp_path.iterdir()) == ["f.svg", "tiny.pt", "x.npz"]


@pytest.mark.parametrize(
    ("more", "says"),
    [(["--fast"], "--fast writes no waveform"), (["--waves", "net.fst"], "name --waves net.vcd")],
)
def test_refused(more: list[str], says: str):
    words = ["simulate", str(NET), "--data", str(DIGITS), "--wave-svg", "f.svg", *more]
    with pytest.raises(LrtcError, match=says):
        CliRunner().invoke(app, words, catch_exceptions=False)


def test_filters_are_drawn_by_sign():
    graph = open_model(NET).graph
    svg = ElementTree.fromstring(first_filters(graph))
    weight = graph.const(next(n for n in graph.compute_nodes() if n.op.name == "conv2d").ins[1])
    for kind, count in (("plus", (weight > 0).sum()), ("minus", (weight < 0).sum()), ("", (weight == 0).sum())):
        assert len(svg.findall(f".//{{*}}rect[@class='{kind}']")) == count
    assert filters_svg(np.ones((4, 1, 1, 3), np.int8)) == ""
    assert filters_svg(np.ones((4, 3, 3, 32), np.int8)) == ""
