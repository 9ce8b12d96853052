"""Networks as other people train them: the imported graph answers what the QONNX executor answers."""

from __future__ import annotations

import numpy as np
import pytest
from onnx import TensorProto
from qonnx_models import BREVITAS, FINN, QONNX, Net, executed, images, save

from lrtc import interp
from lrtc.frontend.data import to_input
from lrtc.frontend.qonnx import Imported, import_qonnx
from lrtc.passes import run_pipeline


def tfc(seed: int, weights: str, width: int = 64, bits: int = 1, domain: str = BREVITAS) -> tuple[Net, str]:
    """28×28 → width ×3 → 10 as Brevitas exports it: computed shapes, 2x − 1, a norm of scalars at the end."""
    net = Net((1, 28, 28), seed, domain)
    size = net.add("Gather", net.add("Shape", "image"), net.const(0, np.int64), axis=0)
    size = net.add("Concat", net.add("Unsqueeze", size, axes=[0]), net.const([-1], np.int64), axis=0)
    x = net.add("Reshape", "image", size)
    x = net.add("Sub", net.add("Mul", x, net.const(2.0)), net.const([1.0]))
    act = net.bipolar if bits == 1 else lambda v: net.quant(v, 0.5, bits, narrow=int(weights == "2"))
    x, inside = act(x), 784
    for _ in range(3):
        x = net.dense(x, inside, width, weights)
        x, inside = act(net.batchnorm(x, width, inside**0.5)), width
    x = net.dense(x, width, 10, weights)
    x = net.add("Sub", x, net.const([0.4488643]))
    x = net.add("Div", x, net.add("Pow", net.const([318.19666]), net.const(0.5)))
    return net, net.add("Add", net.add("Mul", x, net.const([0.734])), net.const([-1.14]))


def cnv(seed: int, weights: str, bits: int, widths=(8, 8, 16, 16, 32, 32)) -> tuple[Net, str]:
    """3×32×32, 8-bit input, six VALID 3×3 convolutions, two max-pools, three dense layers."""
    net = Net((3, 32, 32), seed)
    x = net.add("Sub", net.add("Mul", "image", net.const(2.0)), net.const(1.0))
    x, inside = net.quant(x, 2.0**-7, 8), 3
    act = net.bipolar if bits == 1 else lambda v: net.quant(v, 0.5, bits, narrow=int(bits == 2))
    for i, width in enumerate(widths):
        x = net.conv(x, inside, width, weights)
        x = act(net.batchnorm(x, width, (9 * inside) ** 0.5 * (0.6 if i == 0 else 0.8)))
        inside = width
        if i in (1, 3):
            x = net.add("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = net.add("Reshape", x, net.const([0, -1], np.int64))
    for width in (32, 32):
        x = net.dense(x, inside, width, weights)
        x, inside = act(net.batchnorm(x, width, inside**0.5)), width
    return net, net.dense(x, inside, 10, weights)


def mixed(seed: int) -> tuple[Net, str]:
    """600 inputs, 2-bit and 8-bit activations, scales that are no powers of two, per output channel."""
    net = Net((600,), seed)
    x = net.quant("image", 1 / 3, 2, signed=0)
    x = net.dense(x, 600, 64, "2", 0.0371)
    x = net.add("Relu", net.batchnorm(x, 64, 0.3))
    x = net.quant(x, 0.0137, 8, signed=0)
    x = net.dense(x, 64, 48, "4", (0.01 + 0.05 * net.rng.random((48, 1))).astype(np.float32))
    x = net.quant(net.add("Add", x, net.const(net.rng.normal(size=48))), 0.61, 2, narrow=1)
    net.result = TensorProto.FLOAT, (net.batch, 5)
    return net, net.dense(x, 48, 5, "8", 0.0073)


def three_bits(seed: int) -> tuple[Net, str]:
    """Gemm with bias, ReLU, 3 unsigned bits, a softmax at the end."""
    net = Net((1, 12, 12), seed)
    x, inside = net.add("Flatten", net.quant("image", 1 / 255, 8, signed=0)), 144
    for _ in range(2):
        w = net.weights((40, inside), "3", 0.25)
        bias = net.quant(net.const(net.rng.normal(size=40)), 2.0**-6, 16)
        x = net.add("Relu", net.add("Gemm", x, w, bias, transB=1))
        x, inside = net.quant(x, 0.25 * inside**0.5 / 4, 3, signed=0), 40
    net.result = TensorProto.FLOAT, (net.batch, 7)
    return net, net.add("Softmax", net.dense(x, 40, 7, "3", 0.25), axis=1)


def streamlined(seed: int) -> tuple[Net, str]:
    """As FINN leaves it: levels a channel, integers in and out, a scalar product, an answer at the end."""
    net = Net((1, 8, 8), seed, FINN)
    x = net.add("Reshape", net.add("Mul", "image", net.const(255.0)), net.const([-1, 64], np.int64))
    x, inside = net.add("MultiThreshold", x, net.const([[63.5, 127.5, 191.5]]), out_dtype="UINT2"), 64
    for width, count, scale, bias in ((33, 3, 1.0, -2.0), (20, 1, 2.0, -1.0), (24, 7, 0.5, 0.25)):
        x = net.add("MatMul", x, net.const(net.rng.integers(-2, 3, (inside, width))))
        x = net.add("Add", net.add("Mul", x, net.const(0.3125)), net.const(net.rng.normal(size=width)))
        levels = np.sort(net.rng.normal(size=(width, count)) * inside**0.5 / 3, axis=1)
        x = net.add("MultiThreshold", x, net.const(levels), out_dtype="INT2", out_scale=scale, out_bias=bias)
        inside = width
    x = net.add("MatMul", x, net.const(net.rng.integers(-1, 2, (inside, 10))))
    net.result = TensorProto.INT64, (net.batch,)
    return net, net.add("ArgMax", net.add("Mul", x, net.const([[0.01]])), axis=1, keepdims=0)


def residual(seed: int) -> tuple[Net, str]:
    """Padding, groups, strides, sums of values on one grid and on two, average pools."""
    net = Net((4, 11, 10), seed)
    x = net.quant("image", 1 / 16, 4, signed=0)
    a = net.conv(x, 4, 8, "3", 0.5, pads=[1, 1, 1, 1])
    a = net.quant(net.batchnorm(a, 8, 4.0, 4.0), 0.5, 3)
    b = net.conv(a, 8, 8, "bipolar", 1.0, pads=[1, 1, 1, 1], group=8)
    b = net.quant(net.add("Relu", net.batchnorm(b, 8, 3.0, 4.0)), 0.25, 3, signed=0)
    x = net.quant(net.add("Add", a, b), 0.5, 4)
    x = net.add("Add", x, net.quant(net.add("Neg", a), 0.5, 3))
    x = net.conv(x, 8, 6, "2", 1.0, pads=[0, 1, 2, 1], strides=[2, 1])
    x = net.quant(net.batchnorm(x, 6, 4.0, 4.0), 1.0, 4)
    x = net.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2])
    x = net.add("GlobalAveragePool", net.quant(x, 0.25, 5))
    net.result = TensorProto.FLOAT, (net.batch, 9)
    return net, net.dense(net.add("Flatten", x), 6, 9, "4", 0.125)


def maxout(seed: int) -> tuple[Net, str]:
    """The greatest and the least of values of one scale, of a scale a channel, on two grids, falling; limits."""
    net = Net((2, 6, 5), seed)
    x = net.quant("image", 1 / 16, 4, signed=0)
    a, b = (net.conv(x, 2, 6, "3", 0.5, pads=[1, 1, 1, 1]) for _ in range(2))
    a, b = net.quant(net.batchnorm(a, 6, 4.0, 4.0), 0.5, 3), net.quant(net.batchnorm(b, 6, 4.0, 4.0), 0.5, 4)
    most = net.add("Max", a, b, net.quant(net.add("Neg", a), 0.25, 3))
    x = net.add("Min", most, net.add("Neg", net.add("Neg", b)), net.const(1.0))
    scale = (0.25 + net.rng.random((4, 1, 1, 1))).astype(np.float32)
    c = net.add("Max", *(net.conv(x, 6, 4, "bipolar", s) for s in (scale, scale)))
    x = net.quant(net.batchnorm(c, 4, 3.0, 4.0), 0.5, 3)
    net.result = TensorProto.FLOAT, (net.batch, 7)
    return net, net.dense(net.add("Flatten", net.add("Max", x)), 48, 7, "4", 0.125)


def channels_last(seed: int, pool: str = "MaxPool") -> tuple[Net, str]:
    """As FINN leaves a convolutional network: levels and pools with the channels last, Transposes around Conv."""
    net = Net((3, 10, 10), seed, FINN)
    x, inside = net.add("Transpose", net.add("Mul", "image", net.const(255.0)), perm=[0, 2, 3, 1]), 3
    for width, count in ((6, 3), (8, 1)):
        w = net.const(net.rng.integers(-1, 2, (width, inside, 3, 3)))
        x = net.add("Conv", net.add("Transpose", x, perm=[0, 3, 1, 2]), w, kernel_shape=[3, 3])
        levels = net.const(np.sort(net.rng.normal(size=(width, count)) * (300 if inside == 3 else 4), axis=1))
        how = {"out_dtype": "BIPOLAR", "out_scale": 2.0, "out_bias": -1.0} if count == 1 else {"out_dtype": "UINT2"}
        x = net.add("MultiThreshold", net.add("Transpose", x, perm=[0, 2, 3, 1]), levels, data_layout="NHWC", **how)
        if count == 3:
            window = {"kernel_shape": [2, 2], "strides": [2, 2], "pads": [0, 0, 0, 0]}
            if pool == "MaxPoolNHWC":
                x = net.add(pool, x, domain=QONNX, **window)
            else:
                x = net.add(pool, net.add("Transpose", x, perm=[0, 3, 1, 2]), **window)
                x = net.add("Transpose", x, perm=[0, 2, 3, 1])
        inside = width
    x = net.add("Reshape", x, net.const([net.batch, -1], np.int64))
    return net, net.add("Mul", net.add("MatMul", x, net.const(net.rng.integers(-1, 2, (32, 10)))), net.const(0.013))


def keywords(seed: int) -> tuple[Net, str]:
    """490 inputs, three wide layers of 3-bit weights with a scale a channel, 3-bit ReLUs."""
    net = Net((490,), seed)
    x, inside = net.quant(net.add("Mul", "image", net.const(0.9)), 1 / 200, 8), 490
    for width in (256, 256, 256):
        x = net.dense(x, inside, width, "3", (0.02 + 0.03 * net.rng.random((width, 1))).astype(np.float32))
        x = net.add("Relu", net.batchnorm(x, width, 0.3 if inside == 490 else 1.0))
        x, inside = net.quant(x, 0.21, 3, signed=0), width
    net.result = TensorProto.FLOAT, (net.batch, 12)
    return net, net.dense(x, inside, 12, "3", 0.05)


def signals(seed: int) -> tuple[Net, str]:
    """N×C×L, as keyword spotters and sensors have it: strides, padding, groups, dilation, pools, a mean over time."""
    net = Net((4, 40), seed)
    x = net.quant("image", 1 / 16, 4, signed=0)

    def conv(x: str, inside: int, outputs: int, taps: int, **how) -> str:
        w = net.weights((outputs, inside // how.get("group", 1), taps), "3", 0.5)
        return net.add("Conv", x, w, kernel_shape=[taps], **how)

    x = net.quant(net.batchnorm(conv(x, 4, 8, 5, pads=[2, 1], strides=[2]), 8, 2.0, 2.0), 0.5, 4)
    x = net.add("MaxPool", x, kernel_shape=[3], strides=[2], pads=[1, 1])
    x = net.add("Pad", x, net.const([0, 0, 1, 0, 0, 1], np.int64))
    x = net.batchnorm(conv(x, 8, 8, 3, group=8, dilations=[2]), 8, 3.0, 2.0)
    x = net.quant(net.add("Relu", net.add("Add", x, net.const(1.0))), 0.25, 4, signed=0)
    x = net.add("AveragePool", x, kernel_shape=[2], strides=[1])
    x = net.quant(net.batchnorm(conv(net.quant(x, 0.25, 4), 8, 6, 1), 6, 2.0, 2.0), 0.5, 4)
    x = net.add("ReduceMean", x, axes=[2], keepdims=0) if seed else net.add("Flatten", x, axis=1)
    net.result = TensorProto.FLOAT, (net.batch, 9)
    return net, net.dense(net.quant(x, 0.125, 6), 6 if seed else 42, 9, "4", 0.125)


def truncated(seed: int, version: int) -> tuple[Net, str]:
    """A sum over a window whose lowest bits are dropped: the average pool of Brevitas, in both versions of Trunc."""
    net = Net((2, 8, 8), seed)
    net.version = version
    x = net.conv(net.quant("image", 1 / 15, 4, signed=0), 2, 6, "2", 0.5)
    x = net.quant(net.add("Relu", net.batchnorm(x, 6, 2.0, 3.0)), 0.25, 4, signed=0)
    x = net.add("Mul", net.add("AveragePool", x, kernel_shape=[2, 2], strides=[2, 2]), net.const(4.0))
    new_scale = [net.const(1.0)] if version == 2 else []
    how = {"signed": 0, "narrow": 0} if version == 2 else {}
    parts = (net.const(0.25), net.const(0.0), net.const(6.0), *new_scale, net.const(4.0))
    x = net.add("Trunc", x, *parts, rounding_mode="FLOOR", domain=QONNX, **how)
    return net, net.dense(net.add("Flatten", x), 54, 10, "4", 0.125)


EXACT = {  # every float32 operation before a quantiser is exact, or far from a tie: scores agree up to one scale
    "tfc bipolar": lambda seed: tfc(seed, "bipolar"),
    "tfc bipolar x 2 bits": lambda seed: tfc(seed, "bipolar", bits=2),
    "tfc ternary x ternary": lambda seed: tfc(seed, "2", bits=2, domain=QONNX),
    "cnv bipolar": lambda seed: cnv(seed, "bipolar", 1),
    "cnv ternary x 2 bits": lambda seed: cnv(seed, "2", 2),
    "mixed": mixed,
    "three bits": three_bits,
    "streamlined": streamlined,
    "residual": residual,
    "maxout": maxout,
    "cnv bipolar x 2 bits": lambda seed: cnv(seed, "bipolar", 2),
    "channels last": channels_last,
    "keywords": keywords,
    "signals": signals,
    "truncated": lambda seed: truncated(seed, 1),
    "truncated, version 2": lambda seed: truncated(seed, 2),
}


def check(name: str, net: Net, y: str, folder, seed: int, opset: int = 11) -> Imported:
    model = net.model(y, opset)
    imported = import_qonnx(save(model, folder))
    x = images(net.shape, net.batch, seed)
    want = executed(model, x.astype(np.float32) / np.float32(255))
    got = interp.run(imported.graph, to_input(x, imported.graph.inputs[0]))
    assert got.dtype.kind == "i"
    assert got.shape[1:] == imported.graph.types[imported.graph.outputs[0]].shape
    classes = want if want.ndim == 1 else want.argmax(axis=1)
    assert np.array_equal(got.argmax(axis=1), classes)
    assert len(np.unique(want, axis=0)) > 1, "a network that always answers the same proves nothing"
    if want.ndim == 2:
        proportional(got, np.log(want) if name == "three bits" else want, name != "three bits")
    return imported


def proportional(got: np.ndarray, want: np.ndarray, offset: bool) -> None:
    """Assert that want = got · a + b, b one number, or one an image behind a softmax."""
    got = got.astype(np.float64)
    got, want = (v - v.mean(axis=None if offset else 1, keepdims=True) for v in (got, want.astype(np.float64)))
    a = (got * want).sum() / (got * got).sum()
    assert a > 0
    assert np.abs(want - a * got).max() < 1e-4 * np.abs(want).max()


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("name", EXACT)
def test_same_class_as_the_executor(name: str, seed: int, tmp_path):
    net, y = EXACT[name](seed)
    imported = check(name, net, y, tmp_path, seed)
    probe = images(imported.graph.inputs[0].type.shape, 4, seed)
    folded = run_pipeline(imported.graph, "integer", probe=probe)
    assert not [n for n in folded.nodes if n.type.elem.is_float and n.ins], "nothing real is left"


def test_a_thousand_neurons_a_layer(tmp_path):
    check("wide", *tfc(0, "bipolar", 1024), tmp_path, 0)


def test_a_pool_of_channels_last_is_the_pool_between_transposes(tmp_path):
    x = images((3, 10, 10), 8, 0).transpose(0, 2, 3, 1)
    answers = []
    for pool in ("MaxPool", "MaxPoolNHWC"):
        net, y = channels_last(0, pool)
        answers.append(interp.run(import_qonnx(save(net.model(y), tmp_path)).graph, x))
    np.testing.assert_array_equal(*answers)


def test_a_batch_of_any_size(tmp_path):
    net, y = tfc(0, "bipolar")
    fixed = import_qonnx(save(net.model(y), tmp_path)).graph
    model = net.model(y)
    for value in (model.graph.input[0], model.graph.output[0]):
        value.type.tensor_type.shape.dim[0].dim_param = "N"
    x = images(net.shape, 4, 0).transpose(0, 2, 3, 1)
    np.testing.assert_array_equal(interp.run(import_qonnx(save(model, tmp_path)).graph, x), interp.run(fixed, x))
