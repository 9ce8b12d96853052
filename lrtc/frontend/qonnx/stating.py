"""A .onnx file whose real inputs have no quantiser → the same file with one, stated as a `Quant` node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrtc.errors import LrtcError, shown
from lrtc.frontend.data import read_feeds
from lrtc.frontend.qonnx.importer import import_qonnx
from lrtc.frontend.qonnx.inputs import is_stated
from lrtc.frontend.qonnx.quantisers import MAX_BITS
from lrtc.frontend.qonnx.source import parsed, read_onnx
from lrtc.frontend.scales import Scale, best_scale

DOMAIN = "qonnx.custom_op.general"


@dataclass(frozen=True)
class Stated:
    """The file's bytes, the scale of each quantiser that was put in by its input, and the samples that chose it."""

    data: bytes
    scales: Mapping[str, Scale]
    calibrated: int


def state_inputs(model: Path, calibrate: Path, bits: int, images: int) -> Stated:
    """Return the model with a quantiser of `bits` bits before each real input that has none.

    The step is that of least squared error on the first `images` samples of the .npz `calibrate`, float32 as the model
    takes them; it is signed if a sample is below 0. LrtcError if every input has a quantiser, or the data is bytes.
    """
    where = shown(str(model), 200)
    if not 2 <= bits <= MAX_BITS:
        raise LrtcError(f"{bits} bits are not supported; inputs have 2 to {MAX_BITS}")
    source = read_onnx(model)
    wanted = [declared.name for declared in source.inputs if not is_stated(source, declared)]
    if not wanted:
        raise LrtcError(f"{where}: every input has its quantiser already; compile it as it is")
    taken = import_qonnx(model).graph.inputs
    samples, _ = read_feeds(calibrate, taken)
    scales = {}
    for declared, value in zip(source.inputs, taken, strict=True):
        x = samples[value.name][:images]
        if declared.name not in wanted:
            continue
        if x.dtype == np.uint8:
            raise LrtcError(
                f"{shown(str(calibrate), 200)} holds bytes for the input {shown(declared.name)!r}, and what they stand "
                "for is to be found; give float32 samples as the model takes them"
            )
        scales[declared.name] = best_scale(x, bits)
    return Stated(_with_quantisers(model, scales), scales, min(images, *(len(x) for x in samples.values())))


def _with_quantisers(model: Path, scales: Mapping[str, Scale]) -> bytes:
    from onnx import TensorProto, helper

    proto = parsed(model)
    graph = proto.graph
    if any(t.data_location == TensorProto.EXTERNAL for t in graph.initializer):
        raise LrtcError(f"{shown(str(model), 200)} keeps tensors in other files; save it as one file first")
    names = {name for node in graph.node for name in (*node.input, *node.output)} | {t.name for t in graph.initializer}
    nodes = []
    for name, scale in scales.items():
        quantised = _fresh(f"{name}_quantised", names)
        for node in graph.node:
            node.input[:] = [quantised if operand == name else operand for operand in node.input]
        operands = [name]
        for what, number in (("scale", scale.step), ("zero", 0.0), ("bits", float(scale.bits))):
            operands.append(_fresh(f"{quantised}_{what}", names))
            graph.initializer.append(helper.make_tensor(operands[-1], TensorProto.FLOAT, (), [number]))
        how = {"signed": int(scale.signed), "narrow": 0, "rounding_mode": "ROUND"}
        nodes.append(
            helper.make_node("Quant", operands, [quantised], _fresh("Quant_input", names), domain=DOMAIN, **how)
        )
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
    if DOMAIN not in {opset.domain for opset in proto.opset_import}:
        proto.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    return proto.SerializeToString()


def _fresh(name: str, taken: set[str]) -> str:
    """Return a name that is not taken, and take it."""
    found, k = name, 2
    while found in taken:
        found, k = f"{name}_{k}", k + 1
    taken.add(found)
    return found
