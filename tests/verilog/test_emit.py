"""The emitted text: its form (golden), its purity, what lint says, and what the backend refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from graphs import random_network
from verilog.networks import Maker, special, tiny

import lrtc
from lrtc.backends.rom import hex_image, signed_bits, threshold_rows, weight_rows
from lrtc.backends.verilog import emit, refuse
from lrtc.check.verilator import lint
from lrtc.errors import LrtcError
from lrtc.ir import B1, T2, U8, Elem, GraphBuilder, tensor
from lrtc.ir.ops import Add, Clamp, Linear, ScaleBias, Sign, Threshold
from lrtc.passes import run_pipeline


@pytest.mark.parametrize("file", ["tiny.sv", "tiny_conv.sv", "tiny_fc.sv", "files.f", "tiny_conv_weight.mem"])
def test_golden(golden, file):
    text = emit(tiny(), "tiny", {"fold": {"conv": (2, 3), "body.fc": (3, 4)}}).files[file]
    golden(f"verilog/{file}", text.replace(lrtc.__version__, "VERSION"))


def test_emit_is_pure():
    graph = run_pipeline(random_network(4), "verilog")
    first, second = emit(graph, "net", {"output": "class"}), emit(graph, "net", {"output": "class"})
    assert list(first.files.items()) == list(second.files.items())
    assert first.plan == second.plan


def test_every_file_is_listed_or_read_and_no_other():
    files = emit(tiny(), "tiny").files
    listed = files["files.f"].split()
    assert listed[-1] == "tiny.sv"
    assert set(listed) == {path for path in files if path.endswith(".sv")}
    text = "".join(files[path] for path in listed)
    assert all(f'"{path}"' in text for path in files if path.endswith(".mem"))


@pytest.mark.parametrize("seed", range(12))
def test_lint_is_silent(seed):
    graph = run_pipeline(random_network(100 + seed), "verilog")
    out = emit(graph, "net", {"output": "class"} if seed % 2 else {})
    assert lint(out.files, "net") == ""


def test_lint_is_silent_on_special_networks():
    for name, (graph, options) in special().items():
        assert lint(emit(graph, name, options).files, name) == "", name


def test_user_templates_come_first(tmp_path):
    (tmp_path / "top.sv.j2").write_text("module {{ top.module }}; endmodule\n")
    assert emit(tiny(), "tiny", {"templates": tmp_path}).files["tiny.sv"] == "module tiny; endmodule\n"


def test_an_origin_cannot_end_a_comment():
    b = GraphBuilder("net")
    x = b.input("x", tensor((2, 2, 1), U8))
    w = b.const("w", np.ones((1, 2, 2, 1), np.int8), tensor((1, 2, 2, 1), B1, "OHWI"))
    graph = b.finish([b.add(Linear(), [x, w], "fc", "a\nmodule evil; endmodule //*/`include")])
    text = emit(graph, "net").files["net_fc.sv"]
    lines = [line for line in text.splitlines() if "evil" in line]
    assert lines
    assert all(line.startswith("//") or line.startswith("    //") for line in lines)
    assert "`include" not in text


def test_module_names_differ_even_where_case_is_ignored():
    maker = Maker("net", (2, 2, 1)).linear("Fc", 3).threshold().linear("fc", 2)
    files = emit(maker.done(), "net").files
    names = [path.lower() for path in files]
    assert len(set(names)) == len(names)


def test_weight_rows_put_lane_0_first():
    w = np.array([[1, -1, 0, 1], [-1, -1, 1, 0]], np.int8)
    assert hex_image("w", weight_rows(w, T2, 1, 4)).splitlines()[1:] == ["2b", "37"]  # sign bits, then mask bits
    assert hex_image("w", weight_rows(w, T2, 2, 2)).splitlines()[1:] == ["fb", "12"]  # row 0: lanes 0, 1 of both PEs
    assert hex_image("w", weight_rows(np.where(w > 0, 1, -1), B1, 2, 4)).splitlines()[1:] == ["49"]
    assert hex_image("w", weight_rows(np.array([[-8, 7]]), Elem("i", 4), 1, 2)).splitlines()[1:] == ["78"]


def test_levels_out_of_reach_stay_out_of_reach():
    rows = threshold_rows(np.array([[100, -100, 3], [0, 0, 1]]), 1, 4)
    assert hex_image("t", rows).splitlines()[1:] == ["08", "18", "23"]  # 8: above all of -8…7; -8: all; flip, 3


def test_signed_bits():
    assert [signed_bits(np.array(v)) for v in ([0], [1], [-1], [127, -128], [128])] == [1, 2, 1, 8, 9]


def wrong_graphs():
    def start(shape=(4, 4, 2), elem=U8):
        b = GraphBuilder("net")
        return b, b.input("x", tensor(shape, elem))

    def weight(b, shape):
        return b.const("w", np.ones(shape, np.int8), tensor(shape, B1, "OHWI" if len(shape) == 4 else None))

    b, x = start(elem=Elem("u", 9))
    yield "the input is u9", b.finish([b.add(Linear(), [x, weight(b, (2, 4, 4, 2))], "fc")])
    b, x = start((8,))
    acc = b.add(Linear(), [x, b.const("w", np.ones((3, 8), np.int8), tensor((3, 8), B1))], "a", "fc")
    rows = np.stack([np.arange(1024)] * 3, axis=1).astype(np.int32)
    rows = b.const("t", np.concatenate([rows, np.zeros((1, 3), np.int32)]))
    codes = b.add(Threshold(Elem("u", 11)), [acc, rows], "codes", "act")
    yield "act: a threshold of 1024 levels; at most 1023 are supported", b.finish([codes])
    b, x = start()
    acc = b.add(Linear(), [x, weight(b, (3, 4, 4, 2))], "a", "fc")
    yield "sign has no hardware", b.finish([b.add(Sign(), [acc], "s", "act")])
    real = b.add(ScaleBias(), [acc, b.const("s", np.ones((2, 3), np.float32))], "y", "scale")
    yield "relu: a real value is left here", b.finish([b.add(Clamp(0, None), [real], "z", "relu")])
    b, x = start((8,))
    ones = b.const("ones", np.ones(8, np.int32))
    two = b.add(Add(), [ones, ones], "two", "body.two")
    yield "body.two: all that it reads is constant", b.finish([b.add(Add(), [x, two], "y")])
    b, x = start()
    yield (
        "the network ends with f32",
        b.finish([b.add(ScaleBias(), [x, b.const("s", np.ones((2, 2), np.float32))], "y")]),
    )


@pytest.mark.parametrize(("words", "graph"), list(wrong_graphs()), ids=lambda v: v[:24] if isinstance(v, str) else "")
def test_refusals_of_graphs(words, graph):
    faults = refuse(graph)
    assert any(words in str(fault) for fault in faults), [str(fault) for fault in faults]
    with pytest.raises(LrtcError, match="cannot build net"):
        emit(graph, "net")


def test_ends_that_are_no_streams():
    b = GraphBuilder("net")
    x, _ = b.input("x", tensor((4,), U8)), b.input("idle", tensor((4,), U8))
    w = b.const("w", np.ones((3, 4), np.int8), tensor((3, 4), B1))
    y = b.add(Linear(), [x, w], "a", "left")
    graph = b.finish([y, y, x], ("a", "b", "c"))
    assert [str(fault) for fault in refuse(graph)] == [
        "idle: nothing reads the input; leave it out of the model",
        "left: the outputs a and b are one value; let it leave the network once",
        "%x: the network ends with u8; integer logits are supported",
    ]
    two = b.finish([y, b.add(Linear(), [x, w], "b", "right")])
    with pytest.raises(LrtcError, match="a class needs one output, the network has 2"):
        emit(replace(two, inputs=two.inputs[:1]), "net", {"output": "class"})


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"outptu": "class"}, "outptu: no such option (did you mean 'output'?)"),
        ({"integers": "plane"}, "integers: 'plane' (did you mean 'planes'?); known: auto, planes, products"),
        ({"padding": "valids"}, "padding: 'valids' (did you mean 'valid'?); known: auto, classes, valid"),
        ({"output": "clas"}, "output: 'clas' (did you mean 'class'?); known: logits, class"),
        ({"fold": {"conv": (3, 2)}}, "conv: pe=3 does not divide 4 outputs; legal: 1, 2, 4"),
        ({"fold": {"conv": (2, 2)}}, "conv: simd=2 does not fit 9 taps of 1 channels; legal: 1, 3, 9"),
        ({"fold": {"cnv": (1, 1)}}, "cnv: no layer with weights has this name (did you mean 'conv'?)"),
        ({"target_cycles": 10}, "a target of 10 cycles an image cannot be met: conv needs 25"),
    ],
)
def test_refusals_of_options(options, words):
    with pytest.raises(LrtcError) as caught:
        emit(tiny(), "tiny", options)
    assert words in str(caught.value)


@pytest.mark.parametrize("name", ["module", "cell", "lrtc_mvu", "lrtc"])
def test_refusals_of_names(name):
    with pytest.raises(LrtcError, match="choose another"):
        emit(tiny(), name)


def test_a_class_of_classes_is_refused():
    graph = Maker("net", (5,)).linear("a", 3).top("best", 2).done()
    with pytest.raises(LrtcError, match="the network ends with classes already"):
        emit(graph, "net", {"output": "class"})


def test_a_class_needs_a_vector():
    graph, _ = special()["maps"]
    with pytest.raises(LrtcError, match="a class needs a vector of logits"):
        emit(graph, "net", {"output": "class"})
