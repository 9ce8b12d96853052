"""What a node must be before any handler looks at it: attributes of the right kind, operands that are there."""

from __future__ import annotations

from math import isfinite

from lrtc.errors import shown
from lrtc.frontend.qonnx.value import Refused, Site, Value

WHOLE = frozenset(
    """allowzero axis ceil_mode count_include_pad end group k keepdims largest narrow select_last_index signed start to
    training_mode transA transB value_int""".split()  # noqa: SIM905 - a table of words
)
REAL = frozenset(("alpha", "beta", "epsilon", "max", "min", "out_bias", "out_scale", "value_float"))
TEXT = frozenset(("auto_pad", "data_layout", "mode", "rounding_mode"))
LISTS = frozenset(
    ("axes", "dilations", "ends", "kernel_shape", "pads", "perm", "shape", "starts", "strides", "value_ints")
)
MOST_NUMBERS = 64  # of a list
ANY = 1 << 16
OPERANDS = {  # node → how many operands at least and at most; the others say it themselves
    "ArgMax": (1, 1), "AveragePool": (1, 1), "Cast": (1, 1), "Clip": (1, 3), "Concat": (1, ANY), "Conv": (2, 3),
    "Dropout": (1, 3), "Flatten": (1, 1), "Gemm": (2, 3), "GlobalAveragePool": (1, 1), "Identity": (1, 1),
    "LogSoftmax": (1, 1), "Max": (1, ANY), "MaxPool": (1, 1), "MaxPoolNHWC": (1, 1), "Min": (1, ANY), "Neg": (1, 1),
    "Pad": (1, 4), "ReduceMean": (1, 2), "Relu": (1, 1), "Reshape": (1, 2), "Shape": (1, 1), "Sign": (1, 1),
    "Softmax": (1, 1), "Squeeze": (1, 2), "TopK": (1, 2), "Transpose": (1, 1), "Unsqueeze": (1, 2),
}  # fmt: skip
EITHER = frozenset(("Add", "BatchNormalization", "Concat", "Conv", "Div", "Gemm", "MatMul", "Max", "Min", "Mul", "Sub"))
"""Nodes whose first operand may be a constant, or which refuse one in words of their own."""


def check_form(site: Site, operands: list) -> None:
    """Raise Refused if an attribute is of another kind than its name says, or operands are missing or too many."""
    for name, value in site.attrs.items():
        if wanted := _wanted(name, value):
            raise Refused(f"its attribute {shown(name, 40)!r} is no {wanted}")
    if site.op in OPERANDS:
        least, most = OPERANDS[site.op]
        if not least <= len(operands) <= most or any(operand is None for operand in operands[:least]):
            many = str(least) if least == most else f"{least} or more" if most == ANY else f"{least} to {most}"
            there = sum(operand is not None for operand in operands)
            raise Refused(f"has {there} operands; {many} {'is' if many == '1' else 'are'} needed")


def check_moving(site: Site, operands: list) -> None:
    """Raise Refused if a node that works on values that depend on the input is given a constant, or nothing."""
    if site.op not in EITHER and not (operands and isinstance(operands[0], Value)):
        raise Refused("works on a constant; a value that depends on the input is supported")


def _wanted(name: str, value: object) -> str:
    """Return what an attribute ought to be, or nothing if it is that."""
    if name in WHOLE:
        return "" if _number(value) and float(value).is_integer() else "whole number"
    if name in REAL:
        return "" if _number(value) else "finite number"
    if name in TEXT and not isinstance(value, str):
        return "text"
    if name in LISTS and not (isinstance(value, tuple) and len(value) <= MOST_NUMBERS and all(map(_number, value))):
        return f"list of at most {MOST_NUMBERS} numbers"
    return ""


def _number(value: object) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and isfinite(value))
