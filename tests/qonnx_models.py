"""Small random QONNX models, node by node, and what the QONNX executor says of them."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

BATCH = 16
QONNX, BREVITAS, FINN = "qonnx.custom_op.general", "onnx.brevitas", "finn.custom_op.general"


class Net:
    """A model being built: every method adds nodes and returns the name of the value they make."""

    def __init__(self, shape: tuple[int, ...], seed: int, domain: str = QONNX, batch: int = BATCH) -> None:
        self.rng = np.random.default_rng(seed)
        self.domain, self.shape, self.batch = domain, shape, batch
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.count, self.version = 0, 1  # of the domain
        self.result: tuple[int, tuple[int, ...]] = (TensorProto.FLOAT, (batch, 10))

    def const(self, value: object, dtype: type = np.float32) -> str:
        self.count += 1
        name = f"c{self.count}"
        self.constants.append(numpy_helper.from_array(np.asarray(value, dtype=dtype), name))
        return name

    def add(self, op: str, *ins: str, outs: int = 1, **attributes) -> str:
        self.count += 1
        names = [f"v{self.count}" if k == 0 else f"v{self.count}_{k}" for k in range(outs)]
        known = op in ("Quant", "IntQuant", "BipolarQuant", "MultiThreshold")
        domain = attributes.pop("domain", self.domain if known else "")
        self.nodes.append(helper.make_node(op, ins, names, f"{op}_{len(self.nodes)}", domain=domain, **attributes))
        return names[0]

    def quant(self, x: str, scale: object, bits: int, zero: object = 0.0, **attributes) -> str:
        attributes = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND", **attributes}
        return self.add("Quant", x, self.const(scale), self.const(zero), self.const(bits), **attributes)

    def bipolar(self, x: str, scale: object = 1.0) -> str:
        return self.add("BipolarQuant", x, self.const(scale))

    def weights(self, shape: tuple[int, ...], kind: str, scale: object = 1.0) -> str:
        """Add real weights [O,…] and their quantiser: "bipolar", or a number of bits (2 are ternary)."""
        spread = {"bipolar": 1.0, "2": 1.5}.get(kind) or 2.0 ** (int(kind) - 2)
        w = self.const(self.rng.normal(size=shape) * np.mean(scale) * spread)
        return self.bipolar(w, scale) if kind == "bipolar" else self.quant(w, scale, int(kind), narrow=1)

    def dense(self, x: str, inside: int, outputs: int, kind: str, scale: object = 1.0) -> str:
        w = self.add("Transpose", self.weights((outputs, inside), kind, scale), perm=[1, 0])
        return self.add("MatMul", x, w)

    def conv(self, x: str, inside: int, outputs: int, kind: str, scale: object = 1.0, **attributes) -> str:
        w = self.weights((outputs, inside // attributes.get("group", 1), 3, 3), kind, scale)
        return self.add("Conv", x, w, kernel_shape=[3, 3], **attributes)

    def batchnorm(self, x: str, channels: int, spread: float, gain: float = 1.0) -> str:
        r = self.rng
        rows = [r.normal(size=channels) * gain, r.normal(size=channels) * 0.3, r.normal(size=channels) * spread / 2,
                (0.3 + r.random(channels)) * spread**2]  # fmt: skip
        return self.add("BatchNormalization", x, *(self.const(v) for v in rows), epsilon=1e-5)

    def model(self, y: str, opset: int = 11, elem: int = TensorProto.FLOAT) -> onnx.ModelProto:
        graph = helper.make_graph(
            self.nodes, "net",
            [helper.make_tensor_value_info("image", elem, [self.batch, *self.shape])],
            [helper.make_tensor_value_info(y, *self.result)],
            self.constants,
        )  # fmt: skip
        imports = [helper.make_opsetid("", opset), helper.make_opsetid(self.domain, self.version)]
        return helper.make_model(graph, opset_imports=imports, ir_version=8)


def save(model: onnx.ModelProto, folder: Path) -> Path:
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def images(shape: tuple[int, ...], n: int, seed: int) -> np.ndarray:
    """Return uint8 [n, *shape], smooth and noisy ones."""
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 256, (n, *shape))
    x[n // 2 :] = x[n // 2 :] // 4 + rng.integers(0, 192, (n - n // 2,) + (1,) * len(shape))
    return x.astype(np.uint8)


def executed(model: onnx.ModelProto, x: np.ndarray) -> np.ndarray:
    """Return what the QONNX executor answers to real x [BATCH, …]."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    for node in model.graph.node:
        node.domain = QONNX if node.domain in (BREVITAS, FINN) else node.domain
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wrapped = ModelWrapper(model).transform(InferShapes())
        (answer,) = execute_onnx(wrapped, {"image": x}).values()
    return answer
