"""What the bytes of an input stand for: the file's own words, its own quantiser, or k/255."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from onnx import TensorProto
from qonnx_models import QONNX, Net, executed, save

from lrtc import interp
from lrtc.driver import open_model
from lrtc.errors import LrtcError
from lrtc.frontend.qonnx import import_qonnx
from lrtc.frontend.qonnx.stating import state_inputs


def dense_after(net: Net, x: str, inside: int) -> str:
    net.result = TensorProto.FLOAT, (net.batch, 5)
    return net.dense(net.quant(net.dense(x, inside, 16, "3", 0.25), 0.5, 3), 16, 5, "3", 0.25)


def reals(shape: tuple[int, ...], spread: float, seed: int) -> np.ndarray:
    return (np.random.default_rng(seed).normal(size=shape) * spread).astype(np.float32)


def said(folder, net: Net, y: str) -> tuple[onnx.ModelProto, object, str]:
    model = net.model(y)
    imported = import_qonnx(save(model, folder))
    return model, imported.graph, imported.notes[0]


def agree(model: onnx.ModelProto, graph, x: np.ndarray) -> None:
    value = graph.inputs[0]
    k = interp.quantize(x, value.scale, value.zero_point, value.type.elem.high)
    want, got = executed(model, x), interp.run(graph, k.transpose(0, 2, 3, 1) if k.ndim == 4 else k)
    assert len(np.unique(want.argmax(axis=1))) > 1
    assert np.array_equal(got.argmax(axis=1), want.argmax(axis=1))


@pytest.mark.parametrize(("bits", "narrow"), [(8, 1), (8, 0), (4, 0), (3, 1)])
def test_a_signed_quantiser_on_the_input_says_what_bytes_are(bits, narrow, tmp_path):
    net = Net((1, 6, 5), 3)
    x = net.add("Flatten", net.quant("image", 0.25, bits, narrow=narrow), axis=1)
    model, graph, note = said(tmp_path, net, dense_after(net, x, 30))
    low = -(1 << (bits - 1)) + narrow
    assert (graph.inputs[0].scale, graph.inputs[0].zero_point) == (0.25, -low)
    assert graph.inputs[0].type.elem.high == (1 << bits) - 1
    assert f"byte k stands for (k − {-low})/4 in float32 (Quant_0 (Quant) tells these apart)" in note
    half = np.float32(0.125)  # exactly between two codes
    agree(model, graph, reals((net.batch, 1, 6, 5), 0.2 * (1 << bits), 1) // half * half)


def test_its_parameters_may_be_nodes_and_moves_may_stand_before_it(tmp_path):
    net = Net((2, 4, 4), 5)
    scale = net.add("Mul", net.const(0.5), net.const(3.0))
    x = net.add("Identity", net.add("Flatten", "image", axis=1))
    bits, zero = net.const(8.0), net.const(0.0)
    x = net.add("Quant", x, scale, zero, bits, signed=1, narrow=1, domain=QONNX)
    model, graph, note = said(tmp_path, net, dense_after(net, x, 32))
    assert "(k − 127)·1.5" in note
    agree(model, graph, reals((net.batch, 2, 4, 4), 60, 2))


@pytest.mark.parametrize(("high", "words"), [(255, "k/255"), (3, "k/255"), (300, "k·1.17647")])
def test_an_unsigned_one_is_kept_where_it_reaches_beyond_1(high, words, tmp_path):
    net = Net((12,), 6)
    scale = {255: 1 / 255, 3: 1 / 3, 300: 300 / 255}[high]
    x = net.quant("image", scale, 2 if high == 3 else 8, signed=0)
    model, graph, note = said(tmp_path, net, dense_after(net, x, 12))
    assert f"byte k stands for {words} in float32" in note
    if high == 300:
        agree(model, graph, np.abs(reals((net.batch, 12), 120, 3)))


@pytest.mark.parametrize(("datatype", "x"), [("BIPOLAR", (-1, 1)), ("TERNARY", (-1, 0, 1)), ("INT8", range(-128, 128))])
def test_annotated_integers(datatype, x, tmp_path):
    net = Net((24,), 7)
    y = dense_after(net, "image", 24)
    model = net.model(y)
    note = model.graph.quantization_annotation.add(tensor_name="image")
    note.quant_parameter_tensor_names.add(key="finn_datatype", value=datatype)
    graph = import_qonnx(save(model, tmp_path)).graph
    agree(model, graph, np.random.default_rng(1).choice(np.array(x, np.float32), (net.batch, 24)))


def test_a_real_input_gets_the_quantiser_of_its_data(tmp_path):
    net = Net((16,), 8)
    path = save(net.model(dense_after(net, "image", 16)), tmp_path)
    x = reals((200, 16), 3.0, 4)
    np.savez(tmp_path / "x.npz", x=x)
    done = state_inputs(path, tmp_path / "x.npz", 8, 150)
    assert done.calibrated == 150
    scale = done.scales["image"]
    assert scale.signed
    assert 0.3 * np.abs(x).max() < scale.clip <= np.abs(x).max()
    stated = tmp_path / "stated.onnx"
    stated.write_bytes(done.data)
    agree(onnx.load(stated), import_qonnx(stated).graph, x[: net.batch])
    with pytest.raises(LrtcError, match="every input has its quantiser already"):
        state_inputs(stated, tmp_path / "x.npz", 8, 150)
    with pytest.raises(LrtcError, match="9 bits are not supported"):
        state_inputs(path, tmp_path / "x.npz", 9, 150)
    np.savez(tmp_path / "bytes.npz", x=x.astype(np.uint8))
    with pytest.raises(LrtcError, match="give float32 samples as the model takes them"):
        state_inputs(path, tmp_path / "bytes.npz", 8, 150)


def test_a_file_may_have_any_name(tmp_path):
    net = Net((12,), 9)
    data = net.model(dense_after(net, "image", 12)).SerializeToString()
    for stem, name in (("mlp-w2a2", "mlp_w2a2"), ("3 bits", "m3_bits"), ("table", "table_net"), ("é" * 60, "model")):
        path = tmp_path / f"{stem}.onnx"
        path.write_bytes(data)
        opened = open_model(path)
        assert opened.name == name
        assert opened.notes[0].startswith(f"functions, modules and files are named {name}, after ")
    assert not open_model(save(onnx.load(path), tmp_path)).notes[0].startswith("functions")
