"""What the importer makes of single constructs, of the input's bytes and of the scores; the way to C and RTL."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest
from onnx import TensorProto
from qonnx_models import BREVITAS, QONNX, Net, executed, images, save

from lrtc import interp
from lrtc.chain import Chain, verify_chain
from lrtc.driver import compile, open_model
from lrtc.errors import LrtcError, ToolMissing
from lrtc.frontend.qonnx import import_qonnx
from lrtc.ir import to_text
from lrtc.passes import run_pipeline


def ops(graph) -> list[str]:
    return [node.op.name for node in graph.compute_nodes()]


def same_values(net: Net, y: str, shape: tuple[int, ...], folder, opset: int = 11) -> None:
    """Assert that a model that ends in integers gives the executor's very values, up to one number for all."""
    net.result = TensorProto.FLOAT, (net.batch, *shape)
    model = net.model(y, opset)
    x = images(net.shape, net.batch, 5)
    x[0], x[1] = 0, 255
    got = interp.run(import_qonnx(save(model, folder)).graph, x)
    dropped = executed(model, x.astype(np.float32) / np.float32(255)) - got  # what all scores share: a zero point
    assert (dropped == dropped[0, 0]).all()
    assert len(np.unique(got)) > 1


ROUNDINGS = ("ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN", "half_even")


@pytest.mark.parametrize("mode", ROUNDINGS)
@pytest.mark.parametrize("zero", [0.0, 1.0])
def test_rounding_modes(mode: str, zero: float, tmp_path):
    net = Net((256,), 0)
    x = net.add("Sub", net.add("Mul", "image", net.const(63.75)), net.const(30.0))  # quarters: ties, both signs
    same_values(net, net.quant(x, 1.0, 6, zero, rounding_mode=mode), (256,), tmp_path)


@pytest.mark.parametrize("mode", ROUNDINGS[:4])
@pytest.mark.parametrize(("version", "zero"), [(1, 0.0), (1, 4.0), (2, 0.0), (2, 8.0)])
def test_truncation(version: int, zero: float, mode: str, tmp_path):
    net = Net((256,), 0)
    net.version = version
    x = net.add("Sub", net.add("Mul", "image", net.const(63.75)), net.const(30.0))  # quarters: rounded first
    new_scale, how = ([net.const(4.0)], {"signed": 1, "narrow": 0}) if version == 2 else ([], {})
    parts = (net.const(1.0), net.const(zero), net.const(6.0), *new_scale, net.const(4.0))
    x = net.add("Trunc", x, *parts, rounding_mode=mode, domain=QONNX, **how)
    same_values(net, net.add("Mul", x, net.const(1.0 if version == 1 else 0.25)), (256,), tmp_path)


@pytest.mark.parametrize(
    ("bits", "signed", "narrow"), [(1, 0, 0), (1, 1, 0), (2, 1, 1), (2, 1, 0), (3, 0, 1), (8, 1, 1)]
)
def test_ranges(bits: int, signed: int, narrow: int, tmp_path):
    net = Net((256,), 0)
    x = net.add("Sub", net.add("Mul", "image", net.const(300.0)), net.const(150.0))
    same_values(net, net.quant(x, 1.0, bits, signed=signed, narrow=narrow), (256,), tmp_path)


def test_levels_are_counted_as_finn_does(tmp_path):
    net = Net((5,), 0)
    levels = net.rng.permuted(np.linspace(0, 1, 35).reshape(5, 7), axis=1)  # in any order
    levels[:, 3] = levels[:, 2]
    same_values(net, net.add("MultiThreshold", "image", net.const(levels), out_bias=-4.0), (5,), tmp_path)


def test_sign_of_onnx_has_a_zero(tmp_path):
    net = Net((256,), 0)
    same_values(
        net, net.add("Sign", net.add("Sub", "image", net.const(np.float32(128) / np.float32(255)))), (256,), tmp_path
    )


@pytest.mark.parametrize("opset", [9, 11, 13, 18])
def test_attributes_that_became_operands(opset: int, tmp_path):
    net = Net((2, 6, 6), 1)
    x = net.quant("image", 1 / 15, 4, signed=0)
    if opset < 11:
        x = net.add("Clip", net.add("Pad", x, pads=[0, 0, 1, 1, 0, 0, 1, 0]), min=0.0, max=10 / 15)
    else:
        x = net.add("Pad", x, net.const([0, 0, 1, 1, 0, 0, 1, 0], np.int64))
        x = net.add("Clip", x, net.const(0.0), net.const(10 / 15))
    x = net.quant(x, 1 / 15, 4, signed=0)
    x = net.conv(x, 2, 3, "2", 0.5, strides=[3, 3])
    axes = [net.const([2, 3], np.int64)] if opset >= 13 else []
    x = net.add(
        "ReduceMean", x, *(axes if opset >= 18 else []), keepdims=1, **({} if opset >= 18 else {"axes": [2, 3]})
    )
    x = net.add("Squeeze", x, *axes, **({} if axes else {"axes": [2, 3]}))
    net.result = TensorProto.FLOAT, (net.batch, 3)
    model = net.model(x, opset)
    data = images(net.shape, net.batch, 3)
    got = interp.run(import_qonnx(save(model, tmp_path)).graph, data.transpose(0, 2, 3, 1))
    want = executed(model, data.astype(np.float32) / np.float32(255))
    assert np.array_equal(got.argmax(axis=1), want.argmax(axis=1))
    scale = want.ravel() @ got.ravel() / (got.ravel() @ got.ravel())
    assert np.allclose(want, got * scale, rtol=1e-4)


def head(net: Net, x: str, scale: object, offset: object) -> str:
    x = net.dense(net.bipolar(net.add("Sub", x, net.const(0.5))), 32, 4, "bipolar")
    return net.add("Add", net.add("Mul", x, net.const(scale)), net.const(offset))


SCORES = {  # scale, offset of the scores, what the note says, what the graph ends with
    "common": (0.37, -2.0, "share are dropped", "linear"),
    "negative": (-0.37, 0.0, "is exact", "affine"),
    "steps": ([0.5, 0.25, 0.5, 0.75], [0.0, 1.0, -1.0, 0.5], "is exact", "affine"),
    "dyadic": ([0.3125, 0.25, 0.5, 0.75], [0.0, 1.0, -1.0, 0.5], "exactly", "affine"),
    "any": ([0.31, 0.27, 0.55, 0.73], [0.01, 1.07, -1.3, 0.57], "28-bit integers: scores closer than", "affine"),
}


@pytest.mark.parametrize("case", SCORES)
def test_scores_keep_their_order(case: str, tmp_path):
    scale, offset, said, last = SCORES[case]
    net = Net((32,), 7, batch=200)
    net.result = TensorProto.FLOAT, (200, 4)
    model = net.model(head(net, "image", scale, offset))
    imported = import_qonnx(save(model, tmp_path))
    assert ops(imported.graph)[-1] == last
    assert said in imported.notes[-1]
    x = images((32,), 200, 1)
    got = interp.run(imported.graph, x).astype(np.float64)
    want = executed(model, x.astype(np.float32) / np.float32(255)).astype(np.float64)
    assert np.array_equal(got.argmax(axis=1), want.argmax(axis=1))
    closer = want[:, :, None] - want[:, None] > 1e-5
    assert (got[:, :, None] > got[:, None])[closer].all()


def test_one_score_keeps_its_sign(tmp_path):
    net = Net((32,), 7)
    net.result = TensorProto.FLOAT, (net.batch, 1)
    x = net.dense(net.bipolar(net.add("Sub", "image", net.const(0.5))), 32, 1, "bipolar")
    model = net.model(net.add("Add", net.add("Mul", x, net.const(0.3)), net.const(-0.7)))
    x = images((32,), net.batch, 2)
    got = interp.run(import_qonnx(save(model, tmp_path)).graph, x)
    assert np.array_equal(got > 0, executed(model, x.astype(np.float32) / np.float32(255)) > 0)


def test_the_input_says_what_a_byte_means(tmp_path):
    def imported(elem: int = TensorProto.FLOAT, datatype: str = "", **options):
        net = Net((32,), 1)
        model = net.model(head(net, "image", 1.0, 0.0), elem=elem)
        if datatype:
            note = model.graph.quantization_annotation.add(tensor_name="image")
            note.quant_parameter_tensor_names.add(key="finn_datatype", value=datatype)
        done = import_qonnx(save(model, tmp_path), **options)
        return done.notes[0], done.graph.inputs[0].scale, str(done.graph.inputs[0].type.elem)

    assert imported() == (
        "the input is bytes: byte k stands for k/255 in float32; real data goes to the nearest byte",
        1 / 255,
        "u8",
    )
    assert imported(TensorProto.UINT8) == (
        "the input is bytes: byte k stands for k in float32; real data goes to the nearest byte",
        1.0,
        "u8",
    )
    assert imported(datatype="UINT4") == (
        "the input is bytes: byte k stands for k in float32; real data goes to the nearest byte",
        1.0,
        "u4",
    )
    assert imported(input_scale=1 / 256)[0].startswith("the input is bytes: byte k stands for k/256 in float32")
    assert imported(input_scale=0.3)[0].startswith("the input is bytes: byte k stands for k·0.3 in float32")


def test_an_input_quantiser_that_changes_nothing_leaves_no_node(tmp_path):
    net = Net((8,), 1)
    x = net.quant("image", np.float32(1 / 255), 8, signed=0)
    assert ops(import_qonnx(save(net.model(net.dense(x, 8, 4, "2")), tmp_path)).graph) == ["linear"]


def bipolar_digits(folder, seed: int = 3) -> object:
    net = Net((1, 6, 6), seed, BREVITAS)
    x = net.add("Flatten", net.bipolar(net.add("Sub", net.add("Mul", "image", net.const(2.0)), net.const(1.0))))
    x = net.bipolar(net.batchnorm(net.dense(x, 36, 40, "bipolar"), 40, 6.0))
    net.result = TensorProto.FLOAT, (net.batch, 5)
    return net, net.model(net.add("Mul", net.dense(x, 40, 5, "bipolar"), net.const(0.1)))


def test_the_whole_chain(tmp_path):
    _, model = bipolar_digits(tmp_path)
    opened = open_model(save(model, tmp_path), "digits")
    x = images((1, 6, 6), 12, 0)
    rows = {r.engine: r for r in verify_chain(Chain(opened), x, engines=("torch", "interp", "c", "rtl"), slow_images=6)}
    assert (rows["torch"].equal, rows["torch"].note) == (None, "skipped: this model did not come from torch")
    for engine in ("interp", "c", "rtl idle", "rtl backpressure"):
        assert rows[engine].equal, rows[engine].note
    real = x.astype(np.float32) / np.float32(255)
    assert np.array_equal(opened.quantized(real), opened.quantized(x))
    want = executed(model, np.concatenate([real, real[:4]]))[:12]
    assert np.array_equal(interp.run(opened.graph, opened.quantized(x)).argmax(axis=1), want.argmax(axis=1))


def test_c_packs_an_image_that_is_read_as_a_vector(tmp_path):
    _, model = bipolar_digits(tmp_path)
    opened = open_model(save(model, tmp_path), "digits")
    result = compile(opened, "c", verify=True)
    assert str(result.graph.inputs[0].type) == "u8[36:C]"
    assert re.search(r"b1\[\d+x36:O\[I/32]]", to_text(result.graph))
    streams = run_pipeline(opened.graph, "verilog")
    assert ops(streams)[:2] == ["threshold", "linear"]
    assert streams.inputs == opened.graph.inputs


def test_without_onnx_the_remedy_is_told(tmp_path, monkeypatch):
    path = save(bipolar_digits(tmp_path)[1], tmp_path)
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ToolMissing) as caught:
        open_model(path)
    assert "pip install 'lrtc[qonnx]'" in str(caught.value)


def test_domains_of_the_quantisers(tmp_path):
    for domain in (QONNX, BREVITAS, "finn.custom_op.general"):
        net = Net((32,), 1, domain)
        import_qonnx(save(net.model(head(net, "image", 1.0, 0.0)), tmp_path))
    net = Net((32,), 1, "finn.custom_op.fpgadataflow")
    with pytest.raises(LrtcError, match="of the domain"):
        import_qonnx(save(net.model(head(net, "image", 1.0, 0.0)), tmp_path))
