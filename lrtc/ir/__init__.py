"""The IR: types, bit-planes, ops, graph, printer, verifier. The specification is README.md in this folder."""

from lrtc.ir.graph import Graph, GraphBuilder, Input, Node
from lrtc.ir.ops import OPS, Fact, Op, TypeRule
from lrtc.ir.ports import Ports, feed_rows, from_rows, in_rows, ports_of
from lrtc.ir.printer import to_text
from lrtc.ir.types import B1, F32, T2, U8, Elem, Layout, TensorType, int_elem, tensor
from lrtc.ir.verify import IllegalGraph, verify

__all__ = [
    "B1", "F32", "OPS", "T2", "U8", "Elem", "Fact", "Graph", "GraphBuilder", "IllegalGraph", "Input", "Layout",
    "Node", "Op", "Ports", "TensorType", "TypeRule", "feed_rows", "from_rows", "in_rows", "int_elem", "ports_of",
    "tensor", "to_text", "verify",
]  # fmt: skip
