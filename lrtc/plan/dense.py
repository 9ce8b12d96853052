"""Which linear layers keep their vector in a memory, read Simd elements a cycle, instead of in registers that turn."""

from __future__ import annotations

from lrtc.ir.ops import Linear
from lrtc.plan.stream import StreamLayer

LEAST_STEPS = 65  # below, registers are little, and a memory of iCE40 or ECP5 would be mostly empty


def in_memory(layer: StreamLayer, pe: int, simd: int) -> bool:
    """Return whether the layer's vector lies in a memory in this folding.

    Its beats are cut, or put side by side, to `simd` elements: one must divide the other. With one fold a vector would
    be read once, which is no reason to keep it.
    """
    if not isinstance(layer.node.op, Linear) or layer.beats_in < 2:
        return False
    beat = layer.fan // layer.beats_in
    whole = beat % simd == 0 or simd % beat == 0
    return whole and layer.outputs > pe and layer.fan // simd >= LEAST_STEPS
