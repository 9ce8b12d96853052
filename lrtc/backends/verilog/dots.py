"""Dot products: weights, start values, the matrix-vector unit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends import rom
from lrtc.backends.streaming import STREAM_KIND
from lrtc.backends.verilog.netlist import CLOCK, Chain, Instance, Stream, Wire
from lrtc.ir import Elem, Graph
from lrtc.plan.dense import in_memory
from lrtc.plan.fold import LayerFold
from lrtc.plan.forms import by_classes, by_planes, class_starts, real_taps
from lrtc.plan.stream import StreamLayer


@dataclass(frozen=True)
class DotForm:
    """How the dot products of a layer are computed.

    weights: [O, fan], negated where a threshold that becomes a sign is reversed. planes: plane by plane. masked: a
    valid bit a tap. borders: window rows and columns at which a class begins. half: accumulators count, and the start
    values say what counts. starts: [class, O], without the constants of the dot unit. acc_bits: of an accumulator.
    """

    weights: np.ndarray
    elem: Elem
    planes: bool
    masked: bool
    borders: tuple[tuple[int, ...], tuple[int, ...]]
    half: bool
    starts: np.ndarray
    acc_bits: int

    @property
    def classes(self) -> tuple[int, int]:
        """Return the number of classes of window rows and columns."""
        return len(self.borders[0]) + 1, len(self.borders[1]) + 1

    @property
    def class_bits(self) -> int:
        return sum((n - 1).bit_length() for n in self.classes)


def dot_form(
    graph: Graph, layer: StreamLayer, fold: LayerFold, integers: str, padding: str, widest: bool = False
) -> DotForm:
    """Return the form of a layer with weights. integers, padding: see `lrtc.plan.forms`.

    widest: accumulators hold whatever weights and levels may be loaded, not only these.
    """
    w, elem, window = layer.node.ins[1], layer.input.elem, layer.window
    weight = graph.types[w].elem
    weights = graph.const(w).reshape(layer.outputs, -1).astype(np.int64)
    acc = layer.node.type.elem
    low, high = np.full(layer.outputs, acc.low, np.int64), np.full(layer.outputs, acc.high, np.int64)
    level = np.zeros(layer.outputs, np.int64)
    if layer.signs:
        level, flip = (row.astype(np.int64) for row in graph.const(layer.posts[0].ins[1]))
        weights = np.where(flip[:, None] != 0, -weights, weights)
        low, high = _reach(weights, elem, layer)
        level = np.clip(np.where(flip != 0, 1 - level, level), low, high + 1)
    padded = any(window.padding) and elem.kind == "b"  # numbers are 0 in the padding
    classes = padded and by_classes(window, weight, fold.pe, fold.simd, fold.folds, acc.bits, padding)
    borders = class_starts(window) if classes else ((), ())
    half = layer.signs and elem.kind == "b" and weight.is_discrete and not (padded and not classes)
    form = DotForm(
        weights, weight, by_planes(elem, weight, fold.simd, integers), padded and not classes, borders, half,
        np.zeros((1, 1), np.int64), acc.bits,
    )  # fmt: skip
    starts = _constants(form, elem, layer) - level + (_corrections(form, layer) if classes else 0)
    starts = np.broadcast_to(starts, (max(1, form.classes[0] * form.classes[1]), layer.outputs))
    if half:  # 2·count + start >= 0
        starts = starts >> 1
        low, high = np.zeros_like(low), np.abs(weights).sum(axis=1)
        ends = (starts + low).min(), (starts + high).max()
    else:
        ends = (low - level).min(), (high - level).max()
    bits = rom.signed_bits(np.array(ends)) if layer.signs else acc.bits
    if widest and layer.signs:  # less any level that the accumulator reaches; half of it where it counts
        bits = acc.bits + (not half)
    return DotForm(**{**form.__dict__, "starts": starts, "acc_bits": bits})


def _reach(weights: np.ndarray, elem: Elem, layer: StreamLayer) -> tuple[np.ndarray, np.ndarray]:
    """Return the least and the greatest dot product of each output, whatever lies in the padding."""
    ends = np.stack([weights * elem.low, weights * elem.high])
    if any(layer.window.padding):
        ends = np.stack([np.minimum(ends.min(axis=0), 0), np.maximum(ends.max(axis=0), 0)])
    return ends.min(axis=0).sum(axis=1), ends.max(axis=0).sum(axis=1)


def _constants(form: DotForm, elem: Elem, layer: StreamLayer) -> np.ndarray:
    """Return [O]: what lrtc_dot leaves out with Raw, over all steps of an output."""
    weights, kind, fan = form.weights, form.elem, layer.fan
    if form.masked:
        return np.zeros(len(weights), np.int64)
    if elem.kind == "b" and kind.is_discrete:
        return -np.abs(weights).sum(axis=1)
    lanes = np.full(len(weights), fan, np.int64)
    bits, in_bits = rom.weight_bits(kind), elem.bits
    if elem.kind == "b":
        return -(lanes * ((1 << (bits - 1)) - 1) if form.planes else lanes << (bits - 1))
    if not kind.is_discrete:
        return np.zeros_like(lanes) if form.planes else -(lanes << (in_bits + bits - 1))
    negative = (weights < 0).sum(axis=1)
    if elem.kind == "u":
        return negative - (negative << in_bits)
    return negative if form.planes else negative - (lanes << (in_bits - 1))


def _corrections(form: DotForm, layer: StreamLayer) -> np.ndarray:
    """Return [class, O]: the sum of the weights of the taps that lie in the padding, where elements read as −1."""
    window = layer.window
    taps = form.weights.reshape(layer.outputs, window.taps, -1).sum(axis=2)
    rows, columns = ((0, *starts) for starts in form.borders)
    outside = np.stack([~real_taps(window, row, column).reshape(-1) for row in rows for column in columns])
    return outside @ taps.T


def start_rows(form: DotForm, fold: LayerFold) -> np.ndarray:
    """Return bool [rows, pe*bits] of the start values: row {row class, column class, fold}; places between are 0."""
    rows, columns = form.classes
    depths = [1 << (n - 1).bit_length() for n in (rows, columns, fold.folds)]
    if rows * columns == 1:
        depths = [1, 1, fold.folds]
    values = np.zeros((*depths, fold.pe), np.int64)
    values[:rows, :columns, : fold.folds] = form.starts.reshape(rows, columns, fold.folds, fold.pe)
    return rom.integer_bits(values.reshape(-1, fold.pe), form.acc_bits).reshape(-1, fold.pe * form.acc_bits)


def dot_product(chain: Chain, layer: StreamLayer, fold: LayerFold, form: DotForm, module: str) -> None:
    """Add weights and matrix-vector unit."""
    rows, row_bits = fold.folds * fold.steps, fold.pe * fold.simd * rom.weight_bits(form.elem)
    addr_bits = rom.index_bits(rows)
    weight = (("weight_en_o", "weight_en"), ("weight_addr_o", "weight_addr"), ("weight_data_i", "weight_data"))
    chain.side(
        Instance(
            module="lrtc_rom",
            name="u_weight",
            note=f"row = fold*{fold.steps} + step: {fold.simd} weights for each of {fold.pe} PEs",
            parameters=(("Width", str(row_bits)), ("Depth", str(rows)), ("File", f'"{module}_weight.mem"')),
            ports=(CLOCK[0], ("en_i", "weight_en"), ("addr_i", "weight_addr"), ("data_o", "weight_data")),
            wires=(Wire("weight_addr", addr_bits), Wire("weight_data", row_bits)),
            flags=("weight_en",),
        )
    )
    note = f"{fold.folds} folds of {fold.pe} outputs, {fold.steps} steps of {fold.simd} inputs each"
    out = Stream("acc", fold.pe * form.acc_bits)
    parameters = {
        "Fan": layer.fan,
        "Taps": layer.window.taps,
        "Outputs": layer.outputs,
        "Pe": fold.pe,
        "Simd": fold.simd,
        "InBits": layer.input.elem.bits,
        "InKind": STREAM_KIND[layer.input.elem.kind],
        "WeightKind": rom.WEIGHT_KIND[form.elem.kind],
        "WeightBits": rom.weight_bits(form.elem),
        "AccBits": form.acc_bits,
        "HasPad": int(form.masked),
    }
    optional = {"Groups": layer.groups, "Planes": int(form.planes), "Half": int(form.half)}
    neutral = {"Groups": 1}
    parameters |= {key: number for key, number in optional.items() if number != neutral.get(key, 0)}
    if form.class_bits:
        parameters["ClassBits"] = form.class_bits
    parameters["File"] = f'"{module}_start.mem"'
    window = (("in_border_i", "window_border" if layer.slides else "1'b1"),)
    if in_memory(layer, fold.pe, fold.simd):
        kept = {key: number for key, number in parameters.items() if key not in ("Taps", "HasPad")}
        chain.add("lrtc_dense", "u_dense", out, kept, note, weight)
    else:
        chain.add("lrtc_mvu", "u_mvu", out, parameters, note, (*window, *weight))
    if layer.signs:
        sizes = {"Count": fold.pe, "Width": form.acc_bits}
        chain.stream = chain.wired("lrtc_sign", "signs", chain.stream, fold.pe, sizes, "from minus the level on")
