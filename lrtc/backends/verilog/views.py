"""What the templates see: frozen views of the layers and of the top module, every number computed."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.backends import rom
from lrtc.backends.streaming import (
    FORMULAS,
    STREAM_KIND,
    affine_bits,
    limits,
    operand_types,
    point_nodes,
    signed_width,
)
from lrtc.backends.verilog.dots import DotForm, dot_product
from lrtc.backends.verilog.hardwired import wired_dot
from lrtc.backends.verilog.memories import Memory, layer_memories
from lrtc.backends.verilog.moves import move, rearrange
from lrtc.backends.verilog.netlist import Chain, Instance, Stream, Wire
from lrtc.backends.verilog.reload import Bus, on_bus
from lrtc.ir import Elem, Graph, Node
from lrtc.ir.ops import Add, Clamp, Crop, Flatten, Linear, Maximum, MaxPool2d, Rearrange, SumPool2d, Threshold, TopK
from lrtc.ir.printer import node_text, printable
from lrtc.plan.dense import in_memory
from lrtc.plan.fold import LayerFold
from lrtc.plan.stream import StreamLayer, absorbed_posts


@dataclass(frozen=True)
class LayerView:
    """One layer module: header, ports, body. inputs: (name of the port, bits) of each stream that it takes.

    reload_bits: of the port that writes its memories; 0: it has none.
    """

    module: str
    name: str
    origin: str
    ir: tuple[str, ...]
    input_type: str
    output_type: str
    formulas: tuple[str, ...]
    folding: str
    inputs: tuple[tuple[str, int], ...]
    out_bits: int
    body: tuple[Instance, ...]
    reload_bits: int = 0


def layer_view(
    graph: Graph, layer: StreamLayer, fold: LayerFold, module: str, form: DotForm | None, bus: Bus | None = None
) -> LayerView:
    """Return the view of one layer. form: of its dot products, if it has weights. bus: what writes its memories."""
    names = [f"in{k}" for k in range(len(layer.inputs))] if layer.joins else ["in"]
    ports = [
        Stream(name, type_.elem.bits * (layer.width if layer.serial else type_.shape[-1]))
        for name, type_ in zip(names, layer.inputs, strict=True)
    ]
    chain, queued = Chain(ports[0]), []
    for port, depth in zip(ports, fold.queues, strict=True):
        chain.stream, name = port, port.name.replace("in", "queue")
        if depth:
            note = "beats that wait for the other branch" if layer.joins else "pixels that come while the window waits"
            chain.add("lrtc_fifo", f"u_{name}", Stream(name, port.bits), {"Width": port.bits, "Depth": depth}, note)
        queued.append(chain.stream)
    if layer.joins:
        _join(chain, graph, layer, queued, module)
    else:
        _gather_window(chain, layer, fold, form)
    folding = f"{fold.windows} pixels"
    if fold.stages:
        wired_dot(chain, layer, fold, module)
        folding = f"wired, {fold.stages} pipeline stages: 1 cycle a window, {fold.windows} windows"
    elif form is not None:
        dot_product(chain, layer, fold, form, module)
        folding = (
            f"PE = {fold.pe} of {layer.outputs} outputs, SIMD = {fold.simd} of {layer.fan} inputs: "
            f"{fold.folds * fold.steps} cycles a window, {fold.windows} windows"
        )
    elif isinstance(layer.node.op, (MaxPool2d, SumPool2d)) and layer.slides:
        _pool(chain, graph, layer)
        folding = f"1 cycle a window, {fold.windows} windows"
    else:
        move(chain, graph, layer)
    pe, ratio = layer.lanes(fold.pe)
    for node, elem in _worked(graph, layer, fold):
        _apply(chain, graph, node, elem, pe, ratio, module, bus is not None)
    width, gathers = chain.stream.bits, layer.gathers(fold.pe)
    skid = Stream("part" if gathers else "out", width)
    chain.add("lrtc_skid_buffer", "u_skid", skid, {"Width": width}, "no ready path goes through the layer")
    if gathers:  # behind the skid buffer, which is `ratio` times narrower there
        sizes = {"Width": width, "Ratio": ratio}
        chain.add("lrtc_upsize", "u_pixel", Stream("out", width * ratio), sizes, "whole pixels")
    body = tuple(chain.instances) if bus is None else on_bus(chain.instances, bus)
    loads = bus is not None and any(it.module == "lrtc_reload" for it in body)
    return LayerView(
        module=module,
        name=layer.name,
        origin=printable(layer.origin),
        ir=tuple(node_text(node).replace("\t", "  ") for node in layer.nodes),
        input_type=", ".join(map(str, layer.inputs)),
        output_type=str(layer.output),
        formulas=tuple(FORMULAS[node.op.name] for node in layer.nodes),
        folding=f"{folding}; alone {fold.cycles} cycles an image",
        inputs=tuple((port.name, port.bits) for port in ports),
        out_bits=chain.stream.bits,
        body=body,
        reload_bits=bus.width if loads else 0,
    )


def memories(
    graph: Graph, layer: StreamLayer, fold: LayerFold, module: str, form: DotForm | None, widest: bool = False
) -> list[Memory]:
    """Return the memories of a layer. widest: as wide as whatever is loaded may need."""
    return layer_memories(graph, layer, fold, module, form, _worked(graph, layer, fold), widest)


def _worked(graph: Graph, layer: StreamLayer, fold: LayerFold) -> list[tuple[Node, Elem]]:
    """Return what works on elements with hardware of its own."""
    done = absorbed_posts(layer) if fold.stages else ()
    return [(node, elem) for node, elem in point_nodes(graph, layer) if node in layer.stages and node not in done]


def _extension(elem: Elem, count: int, bits: int) -> dict[str, int]:
    return {"Count": count, "InBits": elem.bits, "InKind": STREAM_KIND[elem.kind], "OutBits": bits}


def _join(chain: Chain, graph: Graph, layer: StreamLayer, streams: list[Stream], module: str) -> None:
    """Add what adds up two streams, takes the greater, or puts several side by side; some may be constants."""
    channels, elem = layer.node.type.shape[-1], layer.node.type.elem
    waiting, operands = iter(streams), []
    for k, (name, type_) in enumerate(operand_types(graph, layer.node)):
        if graph.const(name) is None:
            operands.append(next(waiting))
        else:
            bits = type_.shape[-1] * type_.elem.bits
            operands.append(chain.constants(f"constant{k}", bits, layer.beats_in, f"{module}_constant{k}.mem"))
    if isinstance(layer.node.op, Add):
        (_, a), (_, b) = ((name, type_.elem) for name, type_ in operand_types(graph, layer.node))
        parameters = {
            "Channels": channels,
            "ABits": a.bits,
            "AKind": STREAM_KIND[a.kind],
            "BBits": b.bits,
            "BKind": STREAM_KIND[b.kind],
            "OutBits": elem.bits,
        }
        chain.join("lrtc_add", "u_add", operands, Stream("sum", channels * elem.bits), parameters)
        return
    for k, (_, type_) in enumerate(operand_types(graph, layer.node)):
        if type_.elem != elem:
            operands[k] = chain.extend(f"wide{k}", operands[k], _extension(type_.elem, type_.shape[-1], elem.bits))
    sizes = {"Streams": len(operands), "Width": sum(operand.bits for operand in operands)}
    if isinstance(layer.node.op, Maximum):  # the two are the taps of a window
        chain.join("lrtc_join", "u_join", operands, Stream("both", sizes["Width"]), sizes)
        mask = f"{channels}'h{(1 << channels) - 1 if layer.node.op.least else 0:x}"
        numbers = {"Channels": channels, "Taps": 2, "Bits": elem.bits, "Signed": int(STREAM_KIND[elem.kind] == 2)}
        out = Stream("greatest", channels * elem.bits)
        chain.add("lrtc_maxpool", "u_maximum", out, numbers | {"MinMask": mask}, ports=(("in_tap_valid_i", "2'b11"),))
        return
    chain.join("lrtc_join", "u_concat", operands, Stream("whole", sizes["Width"]), sizes)


def _gather_window(chain: Chain, layer: StreamLayer, fold: LayerFold, form: DotForm | None) -> None:
    """Add what makes windows of the input beats: a line buffer, an upsize, a sum, or nothing."""
    w, elem = layer.window, layer.input.elem
    bits = elem.bits
    out = Stream("window", w.fan * bits)
    if in_memory(layer, fold.pe, fold.simd):
        beat = layer.fan // layer.beats_in
        if beat > fold.simd:
            sizes = {"Width": fold.simd * bits, "Ratio": beat // fold.simd}
            chain.add("lrtc_downsize", "u_elements", Stream("elements", fold.simd * bits), sizes)
        elif beat < fold.simd:
            sizes = {"Width": beat * bits, "Ratio": fold.simd // beat}
            chain.add("lrtc_upsize", "u_elements", Stream("elements", fold.simd * bits), sizes)
    elif layer.slides:
        parameters = {
            "PixelBits": w.channels * bits,
            **dict(zip(("Height", "Width"), w.image, strict=True)),
            **dict(zip(("KernelH", "KernelW"), w.kernel, strict=True)),
            **dict(zip(("StrideH", "StrideW"), w.stride, strict=True)),
            **dict(zip(("PadTop", "PadBottom", "PadLeft", "PadRight"), w.padding, strict=True)),
        }
        if w.dilation != (1, 1):
            parameters |= dict(zip(("DilationH", "DilationW"), w.dilation, strict=True))
        note = f"windows of {w.kernel[0]}x{w.kernel[1]} pixels"
        parameters |= _classes(form) if form is not None else {}
        wires = (Wire("window_border", w.taps + (form.class_bits if form is not None else 0)),)
        border = (("out_border_o", "window_border"),)
        chain.add("lrtc_line_buffer", "u_line_buffer", out, parameters, note, extra_wires=wires, late_ports=border)
    elif layer.sums_frame:
        sums = {"Channels": w.channels, "Beats": w.taps, **_sum_parameters(layer)}
        chain.add("lrtc_frame_sum", "u_sum", Stream("sum", w.channels * sums["OutBits"]), sums)
    elif isinstance(layer.node.op, (Linear, Flatten)) and layer.beats_in > 1:
        out = Stream("window", layer.beats_in * chain.stream.bits)
        note = f"all of the input is one window of {layer.beats_in} beats"
        chain.add("lrtc_upsize", "u_window", out, {"Width": chain.stream.bits, "Ratio": layer.beats_in}, note)
    elif isinstance(layer.node.op, Rearrange):
        rearrange(chain, layer)
    elif isinstance(layer.node.op, Crop):
        sizes = {
            "PixelBits": chain.stream.bits,
            **dict(zip(("Height", "Width"), w.image, strict=True)),
            **dict(zip(("Top", "Bottom", "Left", "Right"), layer.node.op.margins, strict=True)),
        }
        chain.add("lrtc_crop", "u_crop", Stream("kept", chain.stream.bits), sizes)


def _classes(form: DotForm) -> dict[str, object]:
    """Return the rows and columns at which a class of windows begins, as parameters of a line buffer."""
    found: dict[str, object] = {}
    for side, starts in zip(("Row", "Column"), form.borders, strict=True):
        if starts:
            found |= {f"{side}Classes": len(starts) + 1, f"{side}From": rom.vector(starts)}
    return found


def _sum_parameters(layer: StreamLayer) -> dict[str, int]:
    elem = layer.input.elem
    return {"InBits": elem.bits, "InKind": STREAM_KIND[elem.kind], "OutBits": layer.node.type.elem.bits}


def _pool(chain: Chain, graph: Graph, layer: StreamLayer) -> None:
    """Add the maximum or the sum over a window."""
    elem, channels = layer.node.type.elem, layer.outputs
    taps = (("in_tap_valid_i", "window_border"),)
    sizes = {"Channels": channels, "Taps": layer.window.taps}
    out = Stream("pooled", channels * elem.bits)
    if not isinstance(layer.node.op, MaxPool2d):
        chain.add("lrtc_sumpool", "u_sumpool", out, sizes | _sum_parameters(layer), ports=taps)
        return
    numbers = {"Bits": elem.bits, "Signed": int(STREAM_KIND[elem.kind] == 2), "MinMask": _min_mask(graph, layer)}
    chain.add("lrtc_maxpool", "u_maxpool", out, sizes | numbers, ports=taps)


def _apply(
    chain: Chain, graph: Graph, node: Node, elem: Elem, pe: int, folds: int, module: str, widest: bool
) -> None:  # fmt: skip
    """Add what a post does with `elem`s, `pe` of them at once."""
    if isinstance(node.op, TopK):
        _rank(chain, node, elem, pe, folds)
        return
    bits = node.type.elem.bits
    if isinstance(node.op, Clamp):
        numbers = {**_extension(elem, pe, bits), **limits(node.op)}
        chain.stream = chain.wired("lrtc_clamp", "clamped", chain.stream, pe * bits, numbers)
        return
    rows = graph.const(node.ins[1])
    if signed_width(elem) != elem.bits:
        chain.stream = chain.extend("signed", chain.stream, _extension(elem, pe, signed_width(elem)))
    shared = {"Pe": pe, "Folds": folds, "AccBits": signed_width(elem)}
    if isinstance(node.op, Threshold):
        low = 0 if node.op.out.kind == "b" else node.op.base
        codes = {"Levels": len(rows) - 1, "OutBits": bits, "Low": low, "File": f'"{module}_threshold.mem"'}
        chain.add("lrtc_threshold", "u_threshold", Stream("codes", pe * bits), shared | codes)
        return
    mult, offset = affine_bits(rows, widest)
    widths = {"OutBits": bits, "MultBits": mult, "OffsetBits": offset, "File": f'"{module}_affine.mem"'}
    chain.add("lrtc_affine", "u_affine", Stream("logits", pe * bits), shared | widths)


def _rank(chain: Chain, node: Node, elem: Elem, pe: int, folds: int) -> None:
    """Add what finds the indices of the greatest elements."""
    if pe > 1:
        chain.add("lrtc_downsize", "u_scores", Stream("score", elem.bits), {"Width": elem.bits, "Ratio": pe})
    sizes = {"Count": pe * folds, "Width": elem.bits, "K": node.op.k, "Signed": int(STREAM_KIND[elem.kind] == 2)}
    note = "the lowest index wins a tie"
    chain.add("lrtc_topk", "u_topk", Stream("ranked", node.op.k * node.type.elem.bits), sizes, note)


def _min_mask(graph: Graph, layer: StreamLayer) -> str:
    """Return a literal with bit c = 1 where the direction of a maxpool's channel c is −1."""
    directions = graph.const(layer.node.ins[1]) if len(layer.node.ins) == 2 else ()
    return f"{layer.outputs}'h{sum(1 << c for c, f in enumerate(directions) if f < 0):x}"
