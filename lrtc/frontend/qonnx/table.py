"""THE table: which node of ONNX and QONNX is lowered by which function."""

from __future__ import annotations

from collections.abc import Callable

from lrtc.frontend.qonnx import arithmetic, dots, ending, moves, quantisers
from lrtc.frontend.qonnx.folding import FOLDS
from lrtc.frontend.qonnx.lowering import Lowering
from lrtc.frontend.qonnx.signals import on_signals
from lrtc.frontend.qonnx.value import Refused, Site, Value

STANDARD = ("", "ai.onnx")
CUSTOM_DOMAINS = ("qonnx.custom_op.general", "finn.custom_op.general", "onnx.brevitas")
CUSTOM = {
    "BipolarQuant": quantisers.bipolar_quant,
    "IntQuant": quantisers.quant,
    "MaxPoolNHWC": moves.max_pool_nhwc,
    "MultiThreshold": quantisers.multi_threshold,
    "Quant": quantisers.quant,
    "Trunc": quantisers.trunc,
}
_TABLE: dict[str, Callable] = {
    **CUSTOM,
    "Add": arithmetic.binary,
    "ArgMax": ending.argmax,
    "AveragePool": on_signals(arithmetic.average_pool),
    "BatchNormalization": arithmetic.batchnorm,
    "Cast": moves.cast,
    "Clip": arithmetic.clip,
    "Concat": moves.concat,
    "Conv": on_signals(dots.conv),
    "Div": arithmetic.binary,
    "Dropout": moves.same,
    "Flatten": moves.flatten,
    "Gemm": dots.gemm,
    "GlobalAveragePool": on_signals(arithmetic.global_average_pool),
    "Identity": moves.same,
    "LogSoftmax": ending.softmax,
    "MatMul": dots.matmul,
    "Max": arithmetic.greatest,
    "MaxPool": on_signals(moves.max_pool),
    "Min": arithmetic.greatest,
    "Mul": arithmetic.binary,
    "Neg": arithmetic.negate,
    "Pad": on_signals(moves.pad),
    "ReduceMean": on_signals(arithmetic.reduce_mean),
    "Relu": arithmetic.relu,
    "Reshape": moves.reshape,
    "Shape": moves.shape,
    "Sign": quantisers.sign,
    "Softmax": ending.softmax,
    "Squeeze": moves.squeeze,
    "Sub": arithmetic.binary,
    "TopK": ending.topk,
    "Transpose": moves.transpose,
    "Unsqueeze": moves.unsqueeze,
}  # fmt: skip
LATER = {
    "Im2Col": "export the model as it is before LowerConvsToMatMul, with Conv",
    "QuantAvgPool2d": "export AveragePool, Mul and Trunc, as Brevitas does",
    "XnorPopcountMatMul": "export the model as it is before ConvertBipolarMatMulToXnorPopcount",
    "QuantizeLinear": "export QONNX (export_qonnx) instead of QCDQ",
    "DequantizeLinear": "export QONNX (export_qonnx) instead of QCDQ",
}
"""Nodes that other tools make of those that are known, and what to give instead."""
PASS_THROUGH = ("Elu", "Erf", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "PRelu", "Selu", "Sigmoid", "Tanh")
"""Unknown nodes behind which checking goes on as if they were not there."""


def supported(site: Site) -> str | None:
    """Return the name under which the node is known, or None."""
    custom = site.op in CUSTOM
    if site.domain not in (CUSTOM_DOMAINS if custom else STANDARD):
        return None
    return site.op if site.op in HANDLERS or site.op in FOLDS else None


def _guarded(function: Callable) -> Callable:
    """Return the function for values: behind an answer (argmax, softmax) only shapes may change."""

    def lower(to: Lowering, site: Site, operands: list) -> object:
        answered = next((x for x in operands if isinstance(x, Value) and x.answer), None)
        if answered is None:
            return function(to, site, operands)
        if site.op in ending.AFTER:
            return answered
        if answered.answer in ("Softmax", "LogSoftmax") and site.op in ("ArgMax", "TopK"):
            return function(to, site, operands)
        raise Refused(f"stands behind {answered.answer}, which must be at the end of the network")

    return lower


HANDLERS: dict[str, Callable] = {name: _guarded(function) for name, function in _TABLE.items()}
