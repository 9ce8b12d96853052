"""What only moves elements: in a pixel, in the padding, through a frame."""

from __future__ import annotations

import numpy as np

from lrtc.backends import rom
from lrtc.backends.verilog.netlist import Chain, Stream
from lrtc.ir import Graph
from lrtc.ir.ops import Channels, Flatten, Pad
from lrtc.plan.rearrange import Pack, Turn, Unpack, Walk, Wires
from lrtc.plan.stream import StreamLayer


def move(chain: Chain, graph: Graph, layer: StreamLayer) -> None:
    """Add what rearranges the elements of a pixel, or fills the padding."""
    op, channels, bits = layer.node.op, layer.window.channels, layer.input.elem.bits
    if isinstance(op, Pad):
        content = rom.code(np.full(channels, op.value), layer.input.elem)
        sizes = {"Taps": 1, "Width": channels * bits, "Value": rom.literal(content.reshape(-1))}
        taps = (("in_tap_valid_i", "window_border"),)
        note = f"{op.value} in the padding"
        chain.stream = chain.wired("lrtc_fill", "filled", chain.stream, channels * bits, sizes, note, taps)
    elif isinstance(op, Channels):
        index = graph.const(layer.node.ins[1])
        sizes = {"InCount": channels, "Count": len(index), "Width": bits, "IndexBits": rom.index_bits(channels)}
        sizes["Index"] = rom.literal(rom.integer_bits(index, sizes["IndexBits"]).reshape(-1))
        chain.stream = chain.wired("lrtc_select", "selected", chain.stream, len(index) * bits, sizes)
    elif isinstance(op, Flatten) and op.order == "CHW" and layer.beats_in > 1 and channels > 1:
        sizes = {"Rows": layer.beats_in, "Columns": channels, "Width": bits}
        chain.stream = chain.wired("lrtc_transpose", "planes", chain.stream, layer.input.size * bits, sizes)


def rearrange(chain: Chain, layer: StreamLayer) -> None:
    """Add the stages that put the elements of an image in another order."""
    elem = layer.input.elem.bits
    for k, stage in enumerate(layer.moves):
        name, bits = f"move{k}", chain.stream.bits
        match stage:
            case Pack(ratio):
                sizes = {"Width": bits, "Ratio": ratio}
                chain.add("lrtc_upsize", f"u_{name}", Stream(name, bits * ratio), sizes, f"{ratio} beats side by side")
            case Unpack(ratio):
                sizes = {"Width": bits // ratio, "Ratio": ratio}
                note = f"{ratio} beats of each one"
                chain.add("lrtc_downsize", f"u_{name}", Stream(name, bits // ratio), sizes, note)
            case Wires(count, elements, walk):
                sizes = {"Count": count, "Width": elements * elem, **_counters(walk)}
                chain.stream = chain.wired("lrtc_permute", name, chain.stream, bits, sizes)
            case Turn(words, _, _, walk):
                sizes = {"Width": bits, "Words": words, **_counters(walk)}
                note = f"blocks of {words} beats, in another order"
                chain.add("lrtc_rearrange", f"u_{name}", Stream(name, bits), sizes, note)


def _counters(walk: Walk) -> dict[str, object]:
    """Return nested counters as parameters."""
    counts, strides = zip(*walk, strict=True)
    return {"Axes": len(walk), "Counts": rom.vector(counts), "Strides": rom.vector(strides)}
