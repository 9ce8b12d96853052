"""QONNX models of several inputs and outputs: the QONNX executor's values, in C too; what is wrong is named."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes
from qonnx_models import BATCH, Net, images, save

from lrtc.chain import Chain, verify_chain
from lrtc.driver import open_model
from lrtc.errors import LrtcError

SHAPES = {"img:0": (2, 5, 5), "1.numbers": (7,)}


def two_heads(seed: int) -> tuple[Net, dict[str, int]]:
    """Return a net of an image and numbers that meet, and its outputs with their sizes."""
    net = Net((2, 5, 5), seed)
    body = net.bipolar(net.batchnorm(net.conv("img:0", 2, 6, "bipolar", pads=[1, 1, 1, 1]), 6, 0.5))
    body = net.add("Flatten", body)
    numbers = net.bipolar(net.batchnorm(net.dense("1.numbers", 7, 9, "2"), 9, 0.5))
    both = net.add("Concat", body, numbers, axis=1)
    scores, side = net.dense(both, 159, 4, "bipolar"), net.dense(numbers, 9, 3, "2")
    top = net.add("TopK", scores, net.const([1], np.int64), outs=2, axis=-1)
    sign = net.bipolar(net.batchnorm(net.dense(numbers, 9, 5, "2"), 5, 3.0))
    return net, {side: 3, scores: 4, f"{top}_1": 1, sign: 5}


def model(net: Net, outputs: dict[str, int], batches=(BATCH, BATCH)) -> onnx.ModelProto:
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [n, *shape])
        for (name, shape), n in zip(SHAPES.items(), batches, strict=True)
    ]
    kinds = {name: TensorProto.INT64 if name.endswith("_1") else TensorProto.FLOAT for name in outputs}
    ends = [helper.make_tensor_value_info(name, kinds[name], [BATCH, n]) for name, n in outputs.items()]
    graph = helper.make_graph(net.nodes, "net", inputs, ends, net.constants)
    imports = [helper.make_opsetid("", 11), helper.make_opsetid(net.domain, 1)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


@pytest.mark.parametrize("seed", range(3))
def test_every_output_is_what_the_executor_says(seed: int, tmp_path: Path):
    net, outputs = two_heads(seed)
    made = model(net, outputs)
    x = {name: images(shape, BATCH, seed + k) for k, (name, shape) in enumerate(SHAPES.items())}
    real = {name: v.astype(np.float32) / np.float32(255) for name, v in x.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = execute_onnx(ModelWrapper(made).transform(InferShapes()), real)
    opened = open_model(save(made, tmp_path))
    assert [v.name for v in opened.graph.inputs] == ["img_0", "v1_numbers"]
    chain, feeds = Chain(opened), dict(zip(("img_0", "v1_numbers"), x.values(), strict=True))
    verdicts = list(verify_chain(chain, feeds, engines=("interp", "c")))
    assert [(v.equal, v.note) for v in verdicts] == [(True, ""), (True, "")]
    got = chain.run("c", feeds).answers
    side, scores, top, sign = outputs
    assert list(got) == [side, scores, sign]  # the classes are the order of the scores
    for name in got:
        assert np.array_equal(got[name], want[name].astype(np.int32)), name
    assert np.array_equal(got[scores].argmax(axis=1), want[top].ravel())


def test_notes_say_of_which_input_and_output(tmp_path: Path):
    net, outputs = two_heads(0)
    side, scores, *_ = outputs
    half = net.add("Mul", scores, net.const(0.5))
    notes = open_model(save(model(net, {side: 3, half: 4}), tmp_path)).notes
    assert notes[0].startswith("the input img_0 is bytes: byte k stands for k/255")
    assert any(note.startswith(f"output {half}: the scale and offset that all classes share") for note in notes)


def refusal(made: onnx.ModelProto, folder: Path) -> str:
    with pytest.raises(LrtcError) as caught:
        open_model(save(made, folder))
    return str(caught.value)


def test_refusals(tmp_path: Path):
    net, outputs = two_heads(0)
    message = refusal(model(net, outputs, (BATCH, 1)), tmp_path)
    assert "inputs img:0, 1.numbers: have batches of 1, 16; one for all" in message
    made = model(net, outputs)
    made.graph.input.append(made.graph.input[0])
    assert "input 'img:0': is there twice" in refusal(made, tmp_path)
    made = model(net, outputs)
    del made.graph.input[:]
    assert "reads 'img:0', which nothing makes" in refusal(made, tmp_path)
    net, outputs = two_heads(0)
    real = net.add("Relu", net.dense("1.numbers", 7, 3, "2", scale=np.float32([[0.3], [0.7], [0.9]])))
    made = model(net, {**outputs, real: 3, net.bipolar(net.weights((1, 2), "bipolar")): 2})
    message = refusal(made, tmp_path)
    assert "does not depend on the input" in message
    assert "ends in real numbers" in message
