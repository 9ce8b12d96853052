"""The emitted HLS project: its form (golden), its purity, and what the backend refuses."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from verilog.networks import Maker, tiny
from verilog.test_emit import wrong_graphs

import lrtc
from lrtc.backends import verilog
from lrtc.backends.hls import emit, refuse
from lrtc.backends.hls.build import weight_words
from lrtc.backends.hls.parts import table
from lrtc.errors import LrtcError
from lrtc.ir import B1, T2, U8, GraphBuilder, tensor
from lrtc.ir.ops import Linear
from lrtc.resources import share

FOLD = {"fold": {"conv": (2, 3), "body.fc": (3, 4)}}
VECTORS = {"vectors": (np.arange(32, dtype=np.uint8).reshape(2, 16), np.array([[1, 2, 3], [4, -5, 6]]))}


@pytest.mark.parametrize(
    "file",
    ["tiny.cpp", "tiny.hpp", "tiny_constants.hpp", "tiny_vectors.hpp", "tiny_tb.cpp", "sim/tiny_bounded.cpp",
     "README.md", "project.tcl", "cosim.tcl", "export.tcl", "vivado.tcl"],
)  # fmt: skip
def test_golden(golden, file):
    text = emit(tiny(), "tiny", {**FOLD, **VECTORS, "control": "axilite", "clock": 150e6}).files[file]
    text = re.sub(r"every \d+ cycles(, the first answer) \d+", r"every N cycles\1 N", text)  # the plan's: tested there
    golden(f"hls/{file}", re.sub(r"every \d+ cycles", "every N cycles", text).replace(lrtc.__version__, "VERSION"))


def test_one_plan_has_two_bodies():
    rtl = verilog.emit(tiny(), "tiny", FOLD).plan
    assert emit(tiny(), "tiny", FOLD).plan == replace(rtl, reasons=())  # HLS has one style, with no reasons for it


def test_emit_is_pure_and_what_is_included_is_there():
    first, second = emit(tiny(), "tiny", VECTORS), emit(tiny(), "tiny", VECTORS)
    assert list(first.files.items()) == list(second.files.items())
    for path, text in first.files.items():
        here = path.rpartition("/")[0]
        for line in text.splitlines():
            if line.startswith('#include "'):
                name = line.split('"')[1]
                found = name.removeprefix("../") if name.startswith("../") else f"{here}/{name}".lstrip("/")
                assert found in first.files, (path, line)


def test_user_templates_come_first(tmp_path):
    (tmp_path / "model.hpp.j2").write_text("// {{ top.name }}\n")
    assert emit(tiny(), "tiny", {"templates": tmp_path}).files["tiny.hpp"] == "// tiny\n"


def test_an_origin_cannot_end_a_comment():
    b = GraphBuilder("net")
    x = b.input("x", tensor((2, 2, 1), U8))
    w = b.const("w", np.ones((1, 2, 2, 1), np.int8), tensor((1, 2, 2, 1), B1, "OHWI"))
    graph = b.finish([b.add(Linear(), [x, w], "fc", 'a\n#include "evil"\\')])
    lines = [line for line in emit(graph, "net").files["net.cpp"].splitlines() if "evil" in line]
    assert lines
    assert all(line.startswith("//") and not line.endswith("\\") for line in lines)


def test_tables_read_as_they_lie():
    made = table("t", "int", np.array([[[1], [-2]], [[3], [4]]]), (0, 2), 8)
    assert made.declaration == "static const int t[2][2][1]"
    assert made.lines == ("{{{1}, {-2}}, {{3}, {4}}}",)
    assert made.pragmas == (
        "ARRAY_PARTITION variable=t type=complete dim=1",
        "BIND_STORAGE variable=t type=rom_1p impl=lutram",
    )
    assert table("t", "int", np.zeros(2000, int), (), 8).pragmas == ("BIND_STORAGE variable=t type=rom_1p impl=bram",)


def test_weight_words_put_lane_0_first():
    w = np.array([[1, -1, 0, 1], [-1, -1, 1, 0]], np.int8)
    assert weight_words(w, T2, 1, 4).tolist() == [[[0x2B], [0x37]]]  # as in the RTL: sign bits, then mask bits
    assert weight_words(w, T2, 2, 2).tolist() == [[[0xB], [0x2]], [[0xF], [0x1]]]  # of a PE: its rows
    wide = weight_words(np.ones((1, 70), np.int8), B1, 1, 70)
    assert wide.tolist() == [[[2**64 - 1, 63]]]


@pytest.mark.parametrize(("words", "graph"), list(wrong_graphs()), ids=lambda v: v[:24] if isinstance(v, str) else "")
def test_refusals_of_graphs(words, graph):
    assert any(words in str(fault) for fault in refuse(graph))
    with pytest.raises(LrtcError, match="cannot build net"):
        emit(graph, "net")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"outptu": "class"}, "outptu: no such option (did you mean 'output'?)"),
        ({"output": "clas"}, "output: 'clas' (did you mean 'class'?); known: logits, class"),
        ({"part": "zynq"}, "part: 'zynq' is no part of AMD's; for example xc7z020clg400-1"),
        ({"part": "xc7z020clg400-1; exec rm"}, "is no part of AMD's"),
        ({"part": "xc7z020clg400-1\n"}, "is no part of AMD's"),
        ({"clock": 5e9}, "clock: 5000000000.0 Hz; 1 MHz to 1000 MHz are supported"),
        ({"control": "axi"}, "control: 'axi' (did you mean 'axilite'?); known: none, axilite"),
        ({"fold": {"conv": (3, 2)}}, "conv: pe=3 does not divide 4 outputs; legal: 1, 2, 4"),
        ({"target_cycles": 10}, "a target of 10 cycles an image cannot be met: conv needs 25"),
    ],
)
def test_refusals_of_options(options, words):
    with pytest.raises(LrtcError) as caught:
        emit(tiny(), "tiny", options)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["class", "hls", "lrtc_net", "ap_uint"])
def test_refusals_of_names(name):
    with pytest.raises(LrtcError, match="choose another"):
        emit(tiny(), name)


def test_a_class_of_classes_is_refused():
    graph = Maker("net", (5,)).linear("a", 3).top("best", 2).done()
    with pytest.raises(LrtcError, match="the network ends with classes already"):
        emit(graph, "net", {"output": "class"})


def test_the_readme_of_the_library_names_every_header_and_process():
    folder = share("hw") / "hls"
    text = (folder / "README.md").read_text(encoding="utf-8")
    for path in [*folder.glob("*.hpp"), *(folder / "sim").glob("*.h")]:
        assert f"`{path.name}`" in text, path
    named = set(re.findall(r"`(\w+)`", text))
    for path in folder.glob("*.hpp"):
        processes = re.findall(r"^void (\w+)\([^;]*?hls::stream", path.read_text(encoding="utf-8"), re.M)
        processes += re.findall(r"> void (\w+)\([^;]*?hls::stream<ap_uint", path.read_text(encoding="utf-8"))
        assert set(processes) <= named, set(processes) - named
