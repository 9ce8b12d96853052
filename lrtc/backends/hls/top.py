"""What the templates see: the layers, both ends of the network, and the streams between all processes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lrtc.backends import rom
from lrtc.backends.hls.build import Body, Network
from lrtc.backends.hls.layers import build_layer
from lrtc.backends.hls.parts import MAX_BITS, Port, Post, Process, Shape, Stream, Table, word_type
from lrtc.backends.streaming import FORMULAS, LOGIT_BITS, STREAM_KIND, AxisView, module_names
from lrtc.ir import Graph, Input
from lrtc.ir.printer import node_text, printable
from lrtc.plan.fold import FoldPlan, LayerFold
from lrtc.plan.stream import StreamLayer, readers, stream_inputs


@dataclass(frozen=True)
class BodyView:
    """A layer, or an end of the network: a header in words, and its parts."""

    name: str
    heading: tuple[str, ...]
    shapes: tuple[Shape, ...]
    tables: tuple[Table, ...]
    posts: tuple[Post, ...]
    processes: tuple[Process, ...]


@dataclass(frozen=True)
class PortView:
    """An AXI4-Stream port, its C++ type, and where its elements lie in a row of all inputs, or all outputs."""

    axis: AxisView
    type: str
    at: int
    elements: int


@dataclass(frozen=True)
class TopView:
    """The top function. words: process → bits of the widest ap_uint that it needs."""

    name: str
    bodies: tuple[BodyView, ...]
    streams: tuple[Stream, ...]
    processes: tuple[Process, ...]
    inputs: tuple[PortView, ...]
    outputs: tuple[PortView, ...]
    answer: str
    plan: FoldPlan
    words: Mapping[str, int]

    @property
    def widest(self) -> int:
        return max(self.words.values())

    @property
    def word_limit(self) -> int:
        """Return the widest word that the types are asked for: a multiple of 1024 bits."""
        return -(-self.widest // 1024) * 1024

    @property
    def slowest(self) -> Process:
        """Return the process with the most iterations an image."""
        return max(self.processes, key=lambda process: process.iterations)

    @property
    def ports(self) -> tuple[PortView, ...]:
        return (*self.inputs, *self.outputs)


def top_view(name: str, graph: Graph, layers: tuple[StreamLayer, ...], plan: FoldPlan, answer: str) -> TopView:
    """Return the view of the whole network. answer: "logits" or "class"."""
    network, names = Network(readers(layers)), module_names(name, layers)
    first, bodies, inputs, outputs = stream_inputs(layers), [], [], []
    at = 0
    for source in graph.inputs:
        body = Body(_free(f"in_{name}_{source.name}", names), network)
        inputs.append(_input(body, graph, source, first[source.name], at))
        at += source.type.size
        bodies.append(_body_view(f"input {source.name}", (f"stream:  {source.type}",), body))
    for layer, fold in zip(layers, plan.layers, strict=True):
        body = Body(names[layer.name], network)
        stream = build_layer(body, graph, layer, fold)
        network.give(body, layer.value, stream, layer.window.count)
        bodies.append(_body_view(f"layer {layer.name}", _heading(layer, fold), body))
    made = {layer.value: layer for layer in layers}
    at = 0
    for result, value in zip(graph.results, graph.outputs, strict=True):
        body = Body(_free(f"out_{name}_{result}", names), network)
        outputs.append(_output(body, graph, result, made[value], answer, at))
        at += outputs[-1].elements
        bodies.append(_body_view(f"output {result}", (f"stream:  {made[value].output}",), body))
    processes = tuple(process for body in bodies for process in body.processes)
    made_bits = {stream.name: stream.bits for stream in network.streams}
    words = {
        process.function: max(
            network.words.get(process.function, 1),
            *(min(made_bits.get(port.stream, 1), MAX_BITS) for port in process.ports),
        )
        for process in processes
    }
    return TopView(
        name, tuple(bodies), network.streams, processes, tuple(inputs), tuple(outputs), answer, plan, words
    )  # fmt: skip


def _free(prefix: str, names: dict[str, str]) -> str:
    """Return the prefix, or a longer one, that begins like no layer's, and no layer's like it."""
    layers = [name.lower() for name in names.values()]
    while any(layer.startswith(prefix.lower()) or prefix.lower().startswith(layer) for layer in layers):
        prefix = f"x{prefix}"
    return prefix


def _body_view(name: str, heading: tuple[str, ...], body: Body) -> BodyView:
    parts = (body.shapes, body.tables, body.posts, body.processes)
    return BodyView(name, heading, *(tuple(part) for part in parts))


def _heading(layer: StreamLayer, fold: LayerFold) -> tuple[str, ...]:
    """Return the layer in words: its nodes, where it comes from, what it computes, how it is folded."""
    folding = f"{fold.windows} pixels"
    if layer.has_weights:
        folding = (
            f"PE = {fold.pe} of {layer.outputs} outputs, SIMD = {fold.simd} of {layer.fan} inputs: "
            f"{fold.folds * fold.steps} iterations a window, {fold.windows} windows"
        )
    return (
        *(f"  {node_text(node)}".replace("\t", "  ") for node in layer.nodes),
        f"origin:  {printable(layer.origin) or '-'}",
        f"stream:  {', '.join(map(str, layer.inputs))} -> {layer.output}",
        *(f"formula: {FORMULAS[node.op.name]}" for node in layer.nodes),
        f"folding: {folding}",
    )


def _axis(graph: Graph, side: str, name: str, bits: int, beats: int, lanes: int = 1) -> AxisView:
    port, label = (side, "") if graph.is_plain else (f"{side}_{name}", f"{side}_{name}: ")
    return AxisView(port, label, bits, beats, lanes)


def _input(body: Body, graph: Graph, source: Input, reader: StreamLayer, at: int) -> PortView:
    """Add what makes pixels of the beats of an input."""
    bits, channels, lanes, size = source.type.elem.bits, source.type.shape[-1], reader.width, source.type.size
    axis = _axis(graph, "s_axis", source.name, bits, size // lanes, lanes)
    whole = not reader.serial and channels > lanes
    ratio = channels // lanes if whole else 1
    stream = body.streams.add(body.prefix, axis.used * ratio)
    body.processes.append(
        Process(
            body.prefix,
            f"{axis.beats} beats an image",
            f"lrtc::from_axis<{axis.width}, {axis.used}, {ratio}, {axis.beats}>",
            (
                Port("in", f"ap_axiu<{axis.width}, 0, 0, 0>", axis.name),
                Port("out", word_type(axis.used * ratio), stream),
            ),
            ("in", "out"),
            (),
            axis.beats,
        )
    )
    if not reader.serial and channels < lanes:
        stream = body.resized("pixel", stream, bits, lanes, channels, size)
    pixels = size // lanes if reader.serial else size // channels
    body.streams.give(body, source.name, stream, pixels)
    return PortView(axis, f"ap_axiu<{axis.width}, 0, 0, 0>", at, size)


def _output(body: Body, graph: Graph, result: str, layer: StreamLayer, answer: str, at: int) -> PortView:
    """Add what makes one integer a beat of a layer's value, with TLAST."""
    elem, beats = layer.output.elem, layer.output.size
    stream, kind, bits = body.streams.take(layer.value), STREAM_KIND[elem.kind], elem.bits
    if answer == "class":
        lanes = body.streams.bits(stream) // bits
        index = rom.index_bits(beats)
        call = f"lrtc::topk<{kind}, {bits}, {lanes}, {beats // lanes}, 1, {index}>"
        stream = body.stage("class", call, [stream], index, beats, "the lowest index wins a tie")
        kind, bits, beats = 0, index, 1
    axis = _axis(graph, "m_axis", result, bits, beats)
    type_ = f"ap_axiu<{LOGIT_BITS}, 0, 0, 0>"
    width = body.streams.bits(stream)
    body.processes.append(
        Process(
            body.prefix,
            f"{beats} beats an image",
            f"lrtc::to_axis<{kind}, {bits}, {width // bits}, {beats}>",
            (Port("in", word_type(width), stream), Port("out", type_, axis.name)),
            ("in", "out"),
            (),
            beats,
        )
    )
    return PortView(axis, type_, at, beats)
