"""Writes the corpus anew: `python -m fuzz.seeds` in tests/. Small networks of many kinds, a few KB each."""

from __future__ import annotations

from pathlib import Path

import qonnx_models
from mixed_networks import mixed
from networks import network

from lrtc.frontend import describe
from lrtc.frontend.modelfile import to_bytes

CORPUS = Path(__file__).parent / "corpus"


def onnx_models() -> dict[str, bytes]:
    """Return name → bytes of small QONNX models: a dense one, a convolutional one."""
    dense = qonnx_models.Net((12,), 1, batch=1)
    x = dense.quant("image", 1.0, 8, signed=0)
    y = dense.bipolar(dense.batchnorm(dense.dense(x, 12, 6, "bipolar"), 6, 300.0))
    z = dense.dense(y, 6, 10, "2")
    conv = qonnx_models.Net((2, 6, 6), 2, batch=1)
    u = conv.quant("image", 1.0, 8, signed=0)
    v = conv.quant(
        conv.add("Relu", conv.batchnorm(conv.conv(u, 2, 3, "2", pads=[1, 1, 1, 1]), 3, 400.0)), 0.5, 2, signed=0
    )
    v = conv.add("MaxPool", v, kernel_shape=[2, 2], strides=[2, 2])
    v = conv.add("Flatten", v, axis=1)
    w = conv.dense(v, 27, 10, "4", 0.25)
    return {"dense.onnx": dense.model(z).SerializeToString(), "conv.onnx": conv.model(w).SerializeToString()}


def models() -> dict[str, bytes]:
    """Return name → bytes of model files."""
    nets = {
        "conv.pt": network(1, channels=(3,), side=(5, 5), norm="lrt", pool="after"),
        "dense.pt": network(2, channels=(), side=(3, 3), hidden=5, norm="plain", head="scale"),
        "signal.pt": mixed(3, True),
        "mixed.pt": mixed(5, False),
    }
    return {name: to_bytes(describe(net, name[:-3])) for name, net in nets.items()}


if __name__ == "__main__":
    for name, data in {**models(), **onnx_models()}.items():
        (CORPUS / name).write_bytes(data)
        print(name, len(data))
