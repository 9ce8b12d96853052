"""The table of layers: every kind that can be described, and the words for every other."""

from __future__ import annotations

from torch import nn

from lrtc.errors import nearest
from lrtc.frontend import rules_dots, rules_moves, rules_values
from lrtc.frontend.rule import LayerRule

TABLE = (*rules_values.TABLE, *rules_dots.TABLE, *rules_moves.TABLE)
RULES: dict[str, LayerRule] = {rule.kind: rule for rule in TABLE}
BY_CLASS: dict[type[nn.Module], LayerRule] = {rule.torch_class: rule for rule in TABLE}

REMEDIES = {
    "use lrtc.nn.LRTSign": (
        "GELU", "SiLU", "Mish", "ELU", "CELU", "SELU", "LeakyReLU", "PReLU", "RReLU",
        "Hardsigmoid", "Hardswish", "Sigmoid", "Tanh", "Softsign", "Softplus",
    ),
    "leave it out: the class is the largest score": ("Softmax", "LogSoftmax", "Softmax2d"),
    "use torch.nn.MaxPool2d, AvgPool2d or a strided lrtc.nn.LRTConv2d": (
        "AdaptiveMaxPool1d", "AdaptiveMaxPool2d", "FractionalMaxPool2d", "LPPool1d", "LPPool2d", "MaxPool3d",
        "AvgPool3d",
    ),
    "use torch.nn.ConstantPad2d, or the convolution's padding": (
        "ReflectionPad1d", "ReflectionPad2d", "ReplicationPad1d", "ReplicationPad2d", "CircularPad1d", "CircularPad2d",
    ),
    "use lrtc.nn.LRTBatchNorm": (
        "LayerNorm", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "SyncBatchNorm", "RMSNorm",
    ),
    "use lrtc.nn.LRTConv2d": ("Conv3d", "ConvTranspose1d", "ConvTranspose2d"),
}  # fmt: skip
REMEDY = {kind: remedy for remedy, kinds in REMEDIES.items() for kind in kinds}


def known() -> str:
    """Return the kinds that have a rule, for messages."""
    return ", ".join(sorted(RULES, key=str.lower))


def no_rule(kind: str) -> str:
    """Return the words for a kind that the table lacks, with what to do."""
    if kind in REMEDY:
        return f"no rule for this layer; {REMEDY[kind]}"
    return f"no rule for this layer{nearest(kind, RULES)}; known: {known()}"
