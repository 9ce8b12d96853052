"""What the memories of a layer hold: weights, start values, levels, multipliers, constants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends import rom
from lrtc.backends.streaming import affine_bits, operand_types, signed_width
from lrtc.backends.verilog.dots import DotForm, start_rows
from lrtc.ir import Elem, Graph, Node
from lrtc.ir.ops import Affine, Threshold
from lrtc.plan.fold import LayerFold
from lrtc.plan.stream import StreamLayer


@dataclass(frozen=True, eq=False)
class Memory:
    """One memory. layer: its name. kind: what it holds, in a word; what: in words. rows: bool [depth, width]."""

    layer: str
    kind: str
    file: str
    what: str
    rows: np.ndarray

    @property
    def name(self) -> str:
        return f"{self.layer}.{self.kind}"

    @property
    def depth(self) -> int:
        return self.rows.shape[0]

    @property
    def width(self) -> int:
        return self.rows.shape[1]

    @property
    def image(self) -> str:
        """Return its $readmemh text."""
        return rom.hex_image(f"{self.file.rpartition('_')[0]}: {self.what}", self.rows)


def layer_memories(
    graph: Graph, layer: StreamLayer, fold: LayerFold, module: str, form: DotForm | None,
    points: list[tuple[Node, Elem]], widest: bool = False,
) -> list[Memory]:  # fmt: skip
    """Return the memories of a layer. points: what works on elements with hardware of its own."""
    found = []

    def add(kind: str, what: str, rows: np.ndarray) -> None:
        found.append(Memory(layer.name, kind, f"{module}_{kind}.mem", what, rows))

    if form is not None:
        weights = rom.weight_rows(form.weights, form.elem, fold.pe, fold.simd)
        add("weight", f"weights, row = fold*{fold.steps} + step", weights)
        place = "row = {row class, column class, fold}" if form.class_bits else "row = fold"
        add("start", f"what accumulators start from, {place}", start_rows(form, fold))
    for k, (name, type_) in enumerate(operand_types(graph, layer.node) if layer.joins else ()):
        if graph.const(name) is not None:
            rows = rom.code(graph.const(name), type_.elem).reshape(layer.beats_in, -1)
            add(f"constant{k}", "constants, row = pixel", rows)
    pe, _ = layer.lanes(fold.pe)
    for node, elem in points:
        constant = graph.const(node.ins[1]) if isinstance(node.op, (Threshold, Affine)) else None
        if isinstance(node.op, Threshold):
            add("threshold", "{flip, levels}, row = fold", rom.threshold_rows(constant, pe, signed_width(elem)))
        elif isinstance(node.op, Affine):
            rows = rom.affine_rows(constant, pe, *affine_bits(constant, widest))
            add("affine", "{multiplier, offset}, row = fold", rows)
    return found
