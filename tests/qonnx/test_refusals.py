"""What cannot be compiled is refused by the node's name, every blocker at once; bad files before they are believed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from qonnx_models import QONNX, Net, save

from lrtc.driver import open_model
from lrtc.errors import LrtcError
from lrtc.frontend.qonnx import import_qonnx


def refused(model: onnx.ModelProto, folder) -> LrtcError:
    with pytest.raises(LrtcError) as caught:
        import_qonnx(save(model, folder))
    return caught.value


def small(act: Callable[[Net, str], str] = lambda net, x: net.bipolar(x), **bn) -> onnx.ModelProto:
    """image [4] → bipolar → 4×3 → batchnorm → act → 3×2."""
    net = Net((4,), 0)
    x = net.dense(net.bipolar(net.add("Sub", "image", net.const(0.5))), 4, 3, "bipolar")
    rows = {"scale": [1, 2, 3], "bias": [0, 0, 1], "mean": [0, 1, 2], "var": [1, 1, 1], **bn}
    eps = rows.pop("epsilon", 1e-5)
    x = net.add("BatchNormalization", x, *(net.const(v) for v in rows.values()), epsilon=eps)
    return net.model(net.dense(act(net, x), 3, 2, "2"))


NODES = {
    "real activations": (small(lambda n, x: x), "MatMul_8 (MatMul): meets integers with one scale a channel"),
    "relu only": (small(lambda n, x: n.add("Relu", x)), "(MatMul): meets real numbers; put a quantiser"),
    "zero scale": (small(lambda n, x: n.bipolar(x, 0.0)), "(BipolarQuant): its scale 0 is not positive"),
    "negative scale": (small(lambda n, x: n.quant(x, -0.5, 4)), "(Quant): its scale -0.5 is not positive"),
    "bits": (small(lambda n, x: n.quant(x, 0.5, 2.5)), "its bit width [2.5] is no whole number from 1 to 8"),
    "wide activations": (small(lambda n, x: n.quant(x, 0.5, 32)), "its bit width [32.0] is no whole number"),
    "rounding": (small(lambda n, x: n.quant(x, 0.5, 4, rounding_mode="BY_DICE")), "rounding mode 'BY_DICE' is unknown"),
    "no value left": (small(lambda n, x: n.quant(x, 0.5, 1, signed=0, narrow=1)), "leave one value only"),
    "scale of another size": (small(lambda n, x: n.quant(x, [1, 2], 4)), "its scale of shape (2,) does not fit"),
    "negative variance": (small(var=[1, -1, 1]), "the variance of channel 1 is -1; variance + eps"),
    "negative epsilon": (small(epsilon=-1.0), "epsilon -1 is no number ≥ 0"),
    "absurd gain": (small(scale=[1, 3e38, 1]), "channel 1 can overflow float32"),
    "parameters of another size": (small(var=[1, 1]), "do not fit 3 channels"),
    "unknown node": (small(lambda n, x: n.bipolar(n.add("Sigmoid", x))), "the operation Sigmoid is not supported"),
    "node of a later stage": (
        small(lambda n, x: n.add("Im2Col", x, domain=QONNX)),
        "(Im2Col): Im2Col of the domain 'qonnx.custom_op.general' is not supported; export the model as it is before",
    ),
    "unknown domain": (
        small(lambda n, x: n.add("Quant", x, domain="com.example")),
        "Quant of the domain 'com.example' is not supported",
    ),
    "levels of another size": (
        small(lambda n, x: n.add("MultiThreshold", x, n.const([[1.0], [2.0]]))),
        "levels of shape (2, 1); [3 or 1, 1 to 255] is supported",
    ),
    "levels of a falling scale": (
        small(lambda n, x: n.add("MultiThreshold", x, n.const([[1.0]]), out_scale=-1.0)),
        "finite numbers and a positive scale are supported",
    ),
    "levels along another axis": (
        small(lambda n, x: n.add("MultiThreshold", x, n.const([[1.0]]), data_layout="CN")),
        "its data_layout 'CN' does not fit a value with the axes NC",
    ),
    "division by zero": (small(lambda n, x: n.bipolar(n.add("Div", x, n.const(0.0)))), "(Div): divides by 0"),
    "division by a value": (small(lambda n, x: n.bipolar(n.add("Div", n.const(1.0), x))), "divides by a value"),
    "product of values": (small(lambda n, x: n.bipolar(n.add("Mul", x, x))), "combines two values"),
    "sum of reals": (small(lambda n, x: n.bipolar(n.add("Add", n.add("Relu", x), x))), "adds two real values"),
    "maximum of reals": (small(lambda n, x: n.bipolar(n.add("Max", n.add("Relu", x), x))), "compares two real values"),
    "minimum of other offsets": (
        small(lambda n, x: n.bipolar(n.add("Min", n.quant(x, 1.0, 3), n.add("Add", n.quant(x, 1.0, 3), n.const(0.5))))),
        "compares values of different offsets",
    ),
    "reshape": (small(lambda n, x: n.add("Reshape", x, n.const([3, -1], np.int64))), "makes (3, 16) of (16, 3)"),
    "reshape to nothing": (small(lambda n, x: n.add("Reshape", x, n.const([16, 5], np.int64))), "cannot be reshaped"),
    "a huge constant": (
        small(lambda n, x: n.add("Add", x, n.add("ConstantOfShape", n.const([1 << 30, 1 << 30], np.int64)))),
        "at most 67108864 elements are supported",
    ),
    "infinite constant": (
        small(lambda n, x: n.add("Add", x, n.add("Div", n.const(1.0), n.const(0.0)))),
        "(Div): makes NaN or infinite constants",
    ),
    "a truncation to more bits": (
        small(lambda n, x: n.add("Trunc", x, *map(n.const, (1.0, 0.0, 4.0, 6.0)), domain=QONNX)),
        "scale 1, zero point 0, 4 bits to 6 leave no integers",
    ),
    "a truncation of one scale a channel": (
        small(lambda n, x: n.add("Trunc", x, *map(n.const, ([1.0, 2.0, 1.0], 0.0, 6.0, 4.0)), domain=QONNX)),
        "one scale, zero point and bit width for all channels are supported",
    ),
    "a truncation without its operands": (
        small(lambda n, x: n.add("Trunc", x, n.const(1.0), domain=QONNX)),
        "has 2 operands; 5 (version 1) or 6 (version 2) are needed",
    ),
    "behind the answer": (
        small(lambda n, x: n.bipolar(n.add("Softmax", x, axis=1))),
        "stands behind Softmax, which must be at the end",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", NODES)
def test_nodes(case: str, tmp_path):
    model, message = NODES[case]
    assert message in str(refused(model, tmp_path))


def test_every_blocker_is_named_at_once(tmp_path):
    net = Net((4,), 0)
    x = net.add("MatMul", net.bipolar("image"), net.const(net.rng.normal(size=(4, 3))))
    x = net.quant(net.add("Sigmoid", x), 0.0, 4)
    x = net.add("MatMul", net.add("Tanh", x), net.const(net.rng.normal(size=(3, 2))))
    error = refused(net.model(x), tmp_path)
    assert [fault.where.split(" ")[0] for fault in error.faults] == [
        "MatMul_1",
        "Sigmoid_2",
        "Quant_3",
        "Tanh_4",
        "MatMul_5",
    ]
    assert error.summary.endswith("5 nodes cannot be compiled")
    assert "integers times a scale" in error.hint


def test_names_are_arbitrary_text(tmp_path):
    model = small(lambda n, x: n.add("Mystery", x))
    for node in model.graph.node:
        node.name = "*/ \x1b[31m\n" + node.name + "é" * 300
    text = str(refused(model, tmp_path))
    assert "\x1b" not in text
    assert "the operation Mystery" in text
    model = small()
    for node in model.graph.node:
        node.name = "*/ \x1b[31m\n`" * 9
    opened = open_model(save(model, tmp_path), "net")
    assert opened.graph.outputs


def without_names(model: onnx.ModelProto) -> onnx.ModelProto:
    for node in model.graph.node:
        node.name = ""
    return model


def test_a_nameless_node_is_told_by_its_place(tmp_path):
    text = str(refused(without_names(small(lambda n, x: n.add("Mystery", x))), tmp_path))
    assert "node 6 (Mystery): " in text


def broken(change: Callable[[onnx.ModelProto], object]) -> onnx.ModelProto:
    model = small()
    change(model)
    return model


def _cycle(model: onnx.ModelProto) -> None:
    model.graph.node[3].input[0] = model.graph.node[5].output[0]


def _dims(*dims: int) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        shape = model.graph.input[0].type.tensor_type.shape
        del shape.dim[:]
        for d in dims:
            shape.dim.add().dim_value = d

    return change


def _external(location: str, **entries: str) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[2]
        tensor.ClearField("raw_data")
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in {"location": location, **entries}.items():
            tensor.external_data.add(key=key, value=value)

    return change


def _set(tensor: int, **fields) -> Callable[[onnx.ModelProto], None]:
    def change(model: onnx.ModelProto) -> None:
        for key, value in fields.items():
            if key == "dims":
                model.graph.initializer[tensor].dims[:] = value
            else:
                setattr(model.graph.initializer[tensor], key, value)

    return change


FILES = {
    "a cycle": (_cycle, "is in or behind a cycle of nodes"),
    "a value made twice": (lambda m: m.graph.node.add().CopyFrom(m.graph.node[0]), "which is there already"),
    "a value from nowhere": (lambda m: m.graph.node[3].input.__setitem__(0, "ghost"), "reads 'ghost', which nothing"),
    "no output": (lambda m: m.graph.ClearField("output"), "has no output"),
    "an output from nowhere": (lambda m: setattr(m.graph.output[0], "name", "ghost"), "'ghost': is made by no node"),
    "two inputs": (lambda m: m.graph.input.add().CopyFrom(helper.make_tensor_value_info("b", 1, [4])), "'b': is 4; "),
    "huge input": (_dims(1, 1 << 62), "at most 16777216 elements are supported"),
    "unknown input": (_dims(1, 0), "is 1×?; [batch, features]"),
    "negative input": (_dims(1, -4), "of known sizes are supported"),
    "input of four words": (lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 8), "float32 and uint8"),
    "old opset": (lambda m: setattr(m.opset_import[0], "version", 6), "opset: 6 is not supported; 9 to 30 are"),
    "huge tensor": (_set(2, dims=[1 << 40, 1 << 40]), "at most 67108864 elements are supported"),
    "negative tensor": (_set(2, dims=[-1, 4]), "is declared -1×4"),
    "short tensor": (_set(2, raw_data=b"\0" * 7), "but has 7"),
    "typeless tensor": (_set(2, data_type=0), "element type 0 is not supported"),
    "NaN": (_set(2, raw_data=np.full(12, np.nan, np.float32).tobytes()), "12 of its 12 values are NaN or infinite"),
    "outside": (_external("../secret"), "external tensors must be in the model's folder"),
    "absolute": (_external("/etc/passwd"), "external tensors must be in the model's folder"),
    "missing": (_external("weights.bin"), "'weights.bin', which is no file"),
    "damaged place": (_external("weights.bin", offset="x"), "its place in an external file is damaged"),
    "functions": (lambda m: m.functions.add(name="f", domain="d"), "1 function of its own"),
}  # fmt: skip


@pytest.mark.parametrize("case", FILES)
def test_files(case: str, tmp_path):
    change, message = FILES[case]
    assert message in str(refused(broken(change), tmp_path))


def test_external_tensors_inside_the_folder_are_read(tmp_path):
    model = small()
    want = import_qonnx(save(model, tmp_path)).graph
    raw = model.graph.initializer[2].raw_data
    (tmp_path / "weights.bin").write_bytes(b"head" + raw)
    _external("weights.bin", offset="4")(model)
    got = import_qonnx(save(model, tmp_path)).graph
    assert [str(n.type) for n in got.nodes] == [str(n.type) for n in want.nodes]
    (tmp_path / "weights.bin").write_bytes(raw)
    assert "they are not there" in str(refused(model, tmp_path))
    (tmp_path / "weights.bin").unlink()
    (tmp_path.parent / "outside.bin").write_bytes(b"head" + raw)
    (tmp_path / "weights.bin").symlink_to(tmp_path.parent / "outside.bin")
    assert "external tensors must be in the model's folder" in str(refused(model, tmp_path))


@pytest.mark.parametrize("seed", range(40))
def test_damaged_files_are_refused_or_read_never_worse(seed: int, tmp_path):
    rng = np.random.default_rng(seed)
    whole = bytearray(small().SerializeToString())
    if seed % 2:
        whole = whole[: rng.integers(0, len(whole))]
    else:
        for at in rng.integers(0, len(whole), 6):
            whole[at] = rng.integers(0, 256)
    (tmp_path / "net.onnx").write_bytes(whole)
    with contextlib.suppress(LrtcError):
        import_qonnx(tmp_path / "net.onnx")


def test_paths(tmp_path):
    for path, message in ((tmp_path, "is a folder"), (tmp_path / "none.onnx", "no such file")):
        with pytest.raises(LrtcError, match=message):
            import_qonnx(path)
    (tmp_path / "empty.onnx").write_bytes(b"")
    with pytest.raises(LrtcError, match="there is no node in it"):
        open_model(tmp_path / "empty.onnx")
    with pytest.raises(LrtcError, match="the scale -1"):
        import_qonnx(save(small(), tmp_path), input_scale=-1.0)


def made(change: Callable[[onnx.GraphProto], None]) -> onnx.ModelProto:
    """Return a sound model: image [2×6×6] → Conv → MaxPool → Gemm → MatMul, changed afterwards."""
    net = Net((2, 6, 6), 2)
    x = net.bipolar(net.conv(net.quant("image", 1.0, 8, signed=0), 2, 3, "2", pads=[1, 1, 1, 1]))
    x = net.add("Flatten", net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2]), axis=1)
    x = net.bipolar(net.add("Gemm", x, net.weights((4, 27), "2"), net.const(np.ones(4)), transB=1))
    model = net.model(net.dense(x, 4, 10, "2"))
    change(model.graph)
    return model


def node(graph: onnx.GraphProto, op: str) -> onnx.NodeProto:
    return next(n for n in graph.node if n.op_type == op)


def attribute(op: str, name: str, value: object) -> Callable[[onnx.GraphProto], None]:
    def change(graph: onnx.GraphProto) -> None:
        at = node(graph, op)
        kept = [a for a in at.attribute if a.name != name]
        del at.attribute[:]
        at.attribute.extend([*kept, helper.make_attribute(name, value)])

    return change


def scaled_by_bias(graph: onnx.GraphProto) -> None:
    """Give the weights of the convolution the bias of Gemm as their scale."""
    weights = node(graph, "Conv").input[1]
    next(n for n in graph.node if n.output[0] == weights).input[1] = node(graph, "Gemm").input[2]


FOUND = {  # by fuzzing: each of these ended in a traceback
    "one operand": (lambda g: node(g, "Gemm").input.__delitem__(slice(1, None)), "has 1 operands; 2 to 3 are needed"),
    "no operand": (lambda g: node(g, "MaxPool").input.__delitem__(0), "has 0 operands; 1 is needed"),
    "a constant pooled": (lambda g: node(g, "MaxPool").input.__setitem__(0, g.initializer[0].name), "works on a const"),
    "a text for a number": (attribute("Gemm", "alpha", "x"), "its attribute 'alpha' is no finite number"),
    "a list for a number": (attribute("Gemm", "beta", [1.0, 2.0]), "its attribute 'beta' is no finite number"),
    "NaN for a number": (attribute("Flatten", "axis", float("nan")), "its attribute 'axis' is no whole number"),
    "a number for a list": (attribute("Conv", "pads", 3), "its attribute 'pads' is no list of at most 64 numbers"),
    "a list for a text": (attribute("Conv", "auto_pad", [1]), "its attribute 'auto_pad' is no text"),
    "weights of another scale": (scaled_by_bias, "its scale of shape (4,) does not fit a constant of (3, 2, 3, 3)"),
}  # fmt: skip


def test_the_model_to_be_changed_is_sound(tmp_path):
    assert import_qonnx(save(made(lambda graph: None), tmp_path)).graph.outputs


@pytest.mark.parametrize("case", FOUND)
def test_what_fuzzing_found_is_refused(case: str, tmp_path):
    change, words = FOUND[case]
    assert words in str(refused(made(change), tmp_path))


def test_a_name_that_is_no_text_is_refused(tmp_path):
    data = made(lambda graph: None).SerializeToString()
    path = tmp_path / "net.onnx"
    path.write_bytes(data.replace(b"MaxPool_", b"MaxP\xffol_"))
    with pytest.raises(LrtcError, match="a name in it is no UTF-8 text"):
        import_qonnx(path)
