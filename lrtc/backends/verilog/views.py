"""What the templates see: frozen views of the layers and of the top module, every number computed."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.backends.verilog import rom
from lrtc.backends.verilog.netlist import CLOCK, Chain, Instance, Stream, Wire
from lrtc.ir import Graph
from lrtc.ir.ops import Threshold
from lrtc.ir.printer import node_text, printable
from lrtc.plan.fold import FoldPlan, LayerFold
from lrtc.plan.stream import StreamLayer

LOGIT_BITS = 32  # of m_axis_tdata
STREAM_KIND = {"u": 0, "b": 1, "t": 2, "i": 2}  # of an element on a stream, as the library counts kinds
FORMULAS = {
    "conv2d": "acc[oy,ox,o] = sum over ky,kx,i of w[o,ky,kx,i] * x[oy*sh+ky-top, ox*sw+kx-left, i]; padding counts 0",
    "linear": "acc[o] = sum over all i of w[o,i] * x[i]",
    "maxpool": "y[oy,ox,c] = max over the window, min where the direction is -1; padding is left out",
    "threshold": "z = low + number of levels k with (acc >= level[k,o]) != flip[o]; of b1 bit 1 is +1, bit 0 is -1",
    "affine": "y = acc * multiplier[o] + offset[o]",
}


@dataclass(frozen=True)
class LayerView:
    """One layer module: header, ports, body. beats: how many output beats make a pixel (1 unless it is the head)."""

    module: str
    name: str
    origin: str
    ir: tuple[str, ...]
    input_type: str
    output_type: str
    formulas: tuple[str, ...]
    folding: str
    in_bits: int
    out_bits: int
    body: tuple[Instance, ...]


@dataclass(frozen=True)
class TopView:
    """The top module. stages: (stage, cycles an image)."""

    module: str
    layers: tuple[LayerView, ...]
    body: tuple[Instance, ...]
    input_beats: int
    output_beats: int
    answer: str
    stages: tuple[tuple[str, int], ...]
    bottleneck: str
    bound: int
    interval: int
    latency: int
    slots: int


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


def layer_view(graph: Graph, layer: StreamLayer, fold: LayerFold, module: str) -> LayerView:
    """Return the view of one layer."""
    elem = layer.input.elem
    chain = Chain(Stream("in", elem.bits if layer.serial else layer.input.shape[-1] * elem.bits))
    in_bits = chain.stream.bits
    if fold.fifo:
        sizes = {"Width": in_bits, "Depth": fold.fifo}
        chain.add("lrtc_fifo", "u_queue", Stream("queue", in_bits), sizes, "pixels that come while the window waits")
    _gather_window(chain, layer)
    if layer.has_weights:
        _dot_product(chain, graph, layer, fold, module)
        folding = (
            f"PE = {fold.pe} of {layer.outputs} outputs, SIMD = {fold.simd} of {layer.window.fan} inputs: "
            f"{fold.folds * fold.steps} cycles a window, {fold.windows} windows; alone {fold.cycles} cycles an image"
        )
    else:
        elem = layer.output.elem
        parameters = {
            "Channels": layer.outputs,
            "Taps": layer.window.taps,
            "Bits": elem.bits,
            "Signed": int(STREAM_KIND[elem.kind] == 2),
            "MinMask": _min_mask(graph, layer),
        }
        taps = (("in_tap_valid_i", "window_tap_valid"),)
        chain.add("lrtc_maxpool", "u_maxpool", Stream("pooled", layer.outputs * elem.bits), parameters, ports=taps)
        folding = f"1 cycle a window, {fold.windows} windows; alone {fold.cycles} cycles an image"
    width = chain.stream.bits
    chain.add("lrtc_skid_buffer", "u_skid", Stream("out", width), {"Width": width}, "no ready path leaves the layer")
    return LayerView(
        module=module,
        name=layer.name,
        origin=printable(layer.origin),
        ir=tuple(node_text(node).replace("\t", "  ") for node in layer.nodes),
        input_type=str(layer.input),
        output_type=str(layer.output),
        formulas=tuple(FORMULAS[node.op.name] for node in layer.nodes),
        folding=folding,
        in_bits=in_bits,
        out_bits=width,
        body=tuple(chain.instances),
    )


def _gather_window(chain: Chain, layer: StreamLayer) -> None:
    """Add what makes windows of the input beats: a line buffer, an upsize, or nothing."""
    w, bits = layer.window, layer.input.elem.bits
    out = Stream("window", w.fan * bits)
    if layer.slides:
        parameters = {
            "PixelBits": w.channels * bits,
            **dict(zip(("Height", "Width"), w.image, strict=True)),
            **dict(zip(("KernelH", "KernelW"), w.kernel, strict=True)),
            **dict(zip(("StrideH", "StrideW"), w.stride, strict=True)),
            **dict(zip(("PadTop", "PadBottom", "PadLeft", "PadRight"), w.padding, strict=True)),
        }
        note = f"windows of {w.kernel[0]}x{w.kernel[1]} pixels"
        taps = (("out_tap_valid_o", "window_tap_valid"),)
        wires = (Wire("window_tap_valid", w.taps),)
        chain.add("lrtc_line_buffer", "u_line_buffer", out, parameters, note, extra_wires=wires, late_ports=taps)
    elif out.bits > chain.stream.bits:
        ratio = out.bits // chain.stream.bits
        note = f"all of the input is one window of {ratio} beats"
        chain.add("lrtc_upsize", "u_window", out, {"Width": chain.stream.bits, "Ratio": ratio}, note)


def _dot_product(chain: Chain, graph: Graph, layer: StreamLayer, fold: LayerFold, module: str) -> None:
    """Add weights, matrix-vector unit, threshold or affine, and what makes whole pixels of the folds."""
    acc_bits, elem = layer.node.type.elem.bits, graph.types[layer.node.ins[1]].elem
    rows, row_bits = fold.folds * fold.steps, fold.pe * fold.simd * elem.bits
    addr_bits = index_bits(rows)
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
    parameters = {
        "Fan": layer.window.fan,
        "Taps": layer.window.taps,
        "Outputs": layer.outputs,
        "Pe": fold.pe,
        "Simd": fold.simd,
        "InBits": layer.input.elem.bits,
        "InKind": STREAM_KIND[layer.input.elem.kind],
        "WeightKind": rom.WEIGHT_KIND[elem.kind],
        "WeightBits": elem.bits,
        "AccBits": acc_bits,
        "HasPad": int(any(layer.window.padding) and layer.input.elem.kind == "b"),  # numbers are 0 in the padding
    }
    note = f"{fold.folds} folds of {fold.pe} outputs, {fold.steps} steps of {fold.simd} inputs each"
    taps = (("in_tap_valid_i", "window_tap_valid" if layer.slides else "1'b1"),)
    chain.add("lrtc_mvu", "u_mvu", Stream("acc", fold.pe * acc_bits), parameters, note, (*taps, *weight))
    if layer.post is None:
        return
    shared = {"Pe": fold.pe, "Folds": fold.folds, "AccBits": acc_bits}
    if isinstance(layer.post.op, Threshold):
        op, bits = layer.post.op, layer.output.elem.bits
        codes = {
            "Levels": len(graph.const(layer.post.ins[1])) - 1,
            "OutBits": bits,
            "Low": 0 if op.out.kind == "b" else op.base,
            "File": f'"{module}_threshold.mem"',
        }
        chain.add("lrtc_threshold", "u_threshold", Stream("codes", fold.pe * bits), shared | codes)
        if fold.folds > 1:
            sizes = {"Width": fold.pe * bits, "Ratio": fold.folds}
            chain.add("lrtc_upsize", "u_pixel", Stream("pixel", layer.outputs * bits), sizes, "whole pixels")
        return
    mult, offset = affine_bits(graph, layer)
    widths = {"OutBits": layer.output.elem.bits, "MultBits": mult, "OffsetBits": offset}
    file = {"File": f'"{module}_affine.mem"'}
    chain.add("lrtc_affine", "u_affine", Stream("logits", fold.pe * layer.output.elem.bits), shared | widths | file)


def affine_bits(graph: Graph, layer: StreamLayer) -> tuple[int, int]:
    """Return the widths of multipliers and offsets."""
    multiplier, offset = graph.const(layer.post.ins[1])
    return rom.signed_bits(multiplier), rom.signed_bits(offset)


def _min_mask(graph: Graph, layer: StreamLayer) -> str:
    """Return a literal with bit c = 1 where the direction of a maxpool's channel c is −1."""
    directions = graph.const(layer.node.ins[1]) if len(layer.node.ins) == 2 else ()
    return f"{layer.outputs}'h{sum(1 << c for c, f in enumerate(directions) if f < 0):x}"


def images(graph: Graph, layer: StreamLayer, fold: LayerFold, module: str) -> dict[str, str]:
    """Return {file: $readmemh text} of a layer."""
    if not layer.has_weights:
        return {}
    w, acc_bits = layer.node.ins[1], layer.node.type.elem.bits
    rows = rom.weight_rows(graph.const(w).reshape(layer.outputs, -1), graph.types[w].elem, fold.pe, fold.simd)
    files = {f"{module}_weight.mem": rom.hex_image(f"{module}: weights, row = fold*{fold.steps} + step", rows)}
    if layer.post is None:
        return files
    constant = graph.const(layer.post.ins[1])
    if isinstance(layer.post.op, Threshold):
        rows = rom.threshold_rows(constant, fold.pe, acc_bits)
        return files | {f"{module}_threshold.mem": rom.hex_image(f"{module}: {{flip, levels}}, row = fold", rows)}
    rows = rom.affine_rows(constant, fold.pe, *affine_bits(graph, layer))
    return files | {f"{module}_affine.mem": rom.hex_image(f"{module}: {{multiplier, offset}}, row = fold", rows)}


def top_view(
    name: str, layers: tuple[StreamLayer, ...], views: tuple[LayerView, ...], plan: FoldPlan, answer: str
) -> TopView:
    """Return the view of the top module. answer: "logits" or "class"."""
    first, logits = layers[0].input, layers[-1].output
    chain = Chain(Stream("s_axis", 8))
    if views[0].in_bits > 8:
        pixel, sizes = Stream("pixel", views[0].in_bits), {"Width": 8, "Ratio": views[0].in_bits // 8}
        chain.add("lrtc_upsize", "s_axis_pixel", pixel, sizes, f"{first.shape[-1]} bytes a pixel")
    for layer, view in zip(layers, views, strict=True):
        note = f"{view.origin or layer.name}: {view.output_type}"
        chain.add(view.module, f"u_{layer.name}", Stream(f"{layer.name}_out", view.out_bits), note=note)
    bits, beats = logits.elem.bits, logits.size
    if chain.stream.bits > bits:
        sizes = {"Width": bits, "Ratio": chain.stream.bits // bits}
        chain.add("lrtc_downsize", "m_axis_logit", Stream("logit", bits), sizes, "one logit a beat")
    if answer == "class":
        sizes = {"Count": beats, "Width": bits}
        bits, beats = index_bits(beats), 1
        chain.add("lrtc_argmax", "m_axis_class", Stream("class_index", bits), sizes, "the lowest index wins a tie")
    chain.add(
        "lrtc_skid_buffer", "m_axis_skid", Stream("answer", bits), {"Width": bits}, "cuts the path of m_axis_tready"
    )
    chain.side(_frame_last(bits, beats, signed=answer == "logits"))
    return TopView(
        module=name,
        layers=views,
        body=tuple(chain.instances),
        input_beats=first.size,
        output_beats=beats,
        answer=answer,
        stages=tuple(plan.stages().items()),
        bottleneck=plan.bottleneck,
        bound=plan.bound,
        interval=plan.interval,
        latency=plan.latency,
        slots=plan.slots,
    )


def _frame_last(bits: int, beats: int, signed: bool) -> Instance:
    """Return the instance that widens the answer to 32 bits and marks the last beat of an image."""
    top = f"answer_data[{bits - 1}]" if signed else "1'b0"
    widened = f"{{{{{LOGIT_BITS - bits}{{{top}}}}}, answer_data}}" if bits < LOGIT_BITS else "answer_data"
    return Instance(
        module="lrtc_frame_last",
        name="m_axis_last",
        note="",
        parameters=(("Width", str(LOGIT_BITS)), ("Beats", str(beats))),
        ports=(
            *CLOCK,
            ("in_valid_i", "answer_valid"),
            ("in_ready_o", "answer_ready"),
            ("in_data_i", widened),
            ("out_valid_o", "m_axis_tvalid"),
            ("out_ready_i", "m_axis_tready"),
            ("out_data_o", "m_axis_tdata"),
            ("out_last_o", "m_axis_tlast"),
        ),
        wires=(),
        flags=(),
    )


def index_bits(n: int) -> int:
    """Return the width of an index below n; at least 1."""
    return max(1, (n - 1).bit_length())
