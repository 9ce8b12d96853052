"""What both bodies of a streaming plan share, Verilog and HLS: names, ports, formulas, what works on elements."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends import rom
from lrtc.errors import FaultList, nearest
from lrtc.ir import Elem, Graph, Node, TensorType
from lrtc.ir.ops import Clamp, TopK
from lrtc.plan.stream import POSTS, StreamLayer
from lrtc.plan.widest import MULTIPLIER_BITS

ANSWERS = ("logits", "class")
LOGIT_BITS = 32  # of m_axis_tdata
STREAM_KIND = {"u": 0, "b": 1, "t": 2, "i": 2}  # of an element on a stream, as the library counts kinds

FORMULAS = {
    "conv2d": "acc[oy,ox,o] = sum over ky,kx,i of w[o,ky,kx,i] * x[oy*sh+ky*dh-top, ox*sw+kx*dw-left, i]; padding is 0",
    "linear": "acc[o] = sum over all i of w[o,i] * x[i]",
    "maxpool": "y[oy,ox,c] = max over the window, min where the direction is -1; padding is left out",
    "threshold": "z = low + number of levels k with (acc >= level[k,o]) != flip[o]; of b1 bit 1 is +1, bit 0 is -1",
    "sumpool": "y[oy,ox,c] = sum over the window of x; padding counts 0",
    "add": "y = a + b",
    "maximum": "y = max(a, b), channel by channel; min(a, b) where it says least",
    "concat": "y = the channels of all inputs side by side",
    "affine": "y = acc * multiplier[o] + offset[o]",
    "clamp": "y = min(max(x, low), high)",
    "topk": "y[k] = the index of the k-th greatest element, the lowest index first among equals",
    "pad": "y[oy,ox,c] = x[oy-top, ox-left, c], the value outside x",
    "crop": "y[oy,ox,c] = x[oy+top, ox+left, c]",
    "channels": "y[...,k] = x[..., index[k]]",
    "flatten": "y = the elements of all pixels, in the order of rows, columns, channels (HWC) or channels first (CHW)",
    "rearrange": "y = x.transpose(axes).reshape(shape)",
    "identity": "y = x",
}


def point_nodes(graph: Graph, layer: StreamLayer) -> list[tuple[Node, Elem]]:
    """Return what works on elements in a layer, each with the element that it takes."""
    return [(node, graph.types[node.ins[0]].elem) for node in layer.nodes if isinstance(node.op, POSTS)]


def signed_width(elem: Elem) -> int:
    """Return the bits of a signed number that holds every value of the element."""
    return elem.bits if STREAM_KIND[elem.kind] == 2 else elem.bits + 1


def operand_types(graph: Graph, node: Node) -> list[tuple[str, TensorType]]:
    """Return the operands of a node and their types."""
    return [(name, graph.types[name]) for name in node.ins]


def affine_bits(rows: np.ndarray, widest: bool = False) -> tuple[int, int]:
    """Return the widths of multipliers and offsets; widest: of all that can be loaded."""
    if widest:
        return MULTIPLIER_BITS, LOGIT_BITS
    multiplier, offset = rows
    return rom.signed_bits(multiplier), rom.signed_bits(offset)


def limits(op: Clamp) -> dict[str, int]:
    """Return the limits of a clamp as parameters, no wider than the numbers that they are compared with."""
    low, high = (None if v is None else int(np.clip(v, -(1 << 31), (1 << 31) - 1)) for v in (op.low, op.high))
    return {"HasLow": int(low is not None), "HasHigh": int(high is not None), "Low": low or 0, "High": high or 0}


def module_names(name: str, layers: tuple[StreamLayer, ...]) -> dict[str, str]:
    """Return layer → module name, distinct even where file names ignore case."""
    taken, found = {name.lower()}, {}
    for layer in layers:
        module, k = f"{name}_{layer.name}", 1
        while module.lower() in taken:
            module, k = f"{name}_{layer.name}_{k}", k + 1
        taken.add(module.lower())
        found[layer.name] = module
    return found


@dataclass(frozen=True)
class AxisView:
    """One AXI4-Stream port. name: its prefix. label: the prefix with a colon, where there are several ports.

    bits: of an element. lanes: elements in a beat. beats: an image.
    """

    name: str
    label: str
    bits: int
    beats: int
    lanes: int = 1

    @property
    def used(self) -> int:
        """Return the bits of a beat that carry something."""
        return self.bits * self.lanes

    @property
    def width(self) -> int:
        """Return the bits of a beat: whole octets."""
        return -(-self.used // 8) * 8


def answer_faults(graph: Graph, answer: object, faults: FaultList) -> None:
    """Add what is wrong with the option `output` for this graph."""
    if answer not in ANSWERS:
        faults.add("output", f"{answer!r}{nearest(str(answer), ANSWERS)}; known: {', '.join(ANSWERS)}")
    if answer == "class" and len(graph.outputs) != 1:
        faults.add("output", f"a class needs one output, the network has {len(graph.outputs)}; leave this option out")
    elif answer == "class" and len(graph.types[graph.outputs[0]].shape) != 1:
        faults.add("output", f"a class needs a vector of logits, the network ends with {graph.types[graph.outputs[0]]}")
    last = graph.producers.get(graph.outputs[0])
    if answer == "class" and last is not None and isinstance(last.op, TopK):
        faults.add("output", "the network ends with classes already; leave this option out")
