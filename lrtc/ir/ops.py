"""THE table of ops. Each is a frozen dataclass: attributes, type rule, formula. Meanings are in `lrtc.interp`.

Axes: H rows, W columns, C channels (last, fastest), O out, I in channels. No batch axis. Channel-wise operands are
const with one column a channel. Every type rule raises TypeRule with a text that says what is supported.
"""

from __future__ import annotations

from lrtc.ir.arithmetic import (
    Add,
    Affine,
    BatchNorm,
    Clamp,
    Conv2d,
    Divide,
    Linear,
    Maximum,
    ScaleBias,
    SumPool2d,
    window_shape,
)
from lrtc.ir.decisions import ROUNDINGS, Quantize, Sign, Ternarize, Threshold, TopK
from lrtc.ir.moves import Channels, Concat, Const, Crop, Flatten, Identity, MaxPool2d, Pad, Rearrange, flatten_channels
from lrtc.ir.op import Fact, Op, TypeRule, elem_of

OPS: dict[str, type[Op]] = {
    op.name: op
    for op in (
        Const, Conv2d, Linear, ScaleBias, BatchNorm, Divide, Affine, Add, Maximum, Clamp, SumPool2d, Sign, Ternarize,
        Quantize, Threshold, TopK, MaxPool2d, Flatten, Rearrange, Pad, Crop, Channels, Concat, Identity,
    )
}  # fmt: skip

__all__ = [
    "OPS", "ROUNDINGS", "Add", "Affine", "BatchNorm", "Channels", "Clamp", "Concat", "Const", "Conv2d", "Crop",
    "Divide", "Fact", "Flatten", "Identity", "Linear", "MaxPool2d", "Maximum", "Op", "Pad", "Quantize", "Rearrange",
    "ScaleBias", "Sign", "SumPool2d", "Ternarize", "Threshold", "TopK", "TypeRule", "elem_of", "flatten_channels",
    "window_shape",
]  # fmt: skip
