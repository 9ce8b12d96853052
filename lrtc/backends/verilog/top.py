"""What the template of the top module sees: layers, forks between them, and both ends of the network."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.backends import rom
from lrtc.backends.streaming import LOGIT_BITS, AxisView
from lrtc.backends.verilog.netlist import CLOCK, Chain, Instance, Stream
from lrtc.backends.verilog.views import LayerView
from lrtc.ir import Graph, Input
from lrtc.plan.fold import FoldPlan, ranked_at_once
from lrtc.plan.stream import StreamLayer, readers, stream_inputs


@dataclass(frozen=True)
class TopView:
    """The top module. stages: (stage, cycles an image). reload_bits: of the port that writes memories; 0: none."""

    module: str
    layers: tuple[LayerView, ...]
    body: tuple[Instance, ...]
    inputs: tuple[AxisView, ...]
    outputs: tuple[AxisView, ...]
    answer: str
    stages: tuple[tuple[str, int], ...]
    bottleneck: str
    bound: int
    interval: int
    latency: int
    slots: int
    reload_bits: int = 0


def top_view(
    name: str,
    graph: Graph,
    layers: tuple[StreamLayer, ...],
    views: tuple[LayerView, ...],
    plan: FoldPlan,
    answer: str,
) -> TopView:
    """Return the view of the top module. answer: "logits" or "class"."""
    last = zip(layers, plan.layers, strict=True)
    at_once = any(ranked_at_once(layer, fold, answer == "class") for layer, fold in last if layer.leaves)
    body = _Body(graph, layers, answer, at_once)
    first = stream_inputs(layers)
    inputs = tuple(body.input(source, first[source.name]) for source in graph.inputs)
    for layer, view in zip(layers, views, strict=True):
        body.layer(layer, view)
    made = {layer.value: layer for layer in layers}
    outputs = tuple(body.output(r, made[value]) for r, value in zip(graph.results, graph.outputs, strict=True))
    return TopView(
        module=name,
        layers=views,
        body=tuple(body.chain.instances),
        inputs=inputs,
        outputs=outputs,
        answer=answer,
        stages=tuple(plan.stages().items()),
        bottleneck=plan.bottleneck,
        bound=plan.bound,
        interval=plan.interval,
        latency=plan.latency,
        slots=plan.slots,
        reload_bits=max(view.reload_bits for view in views),
    )


class _Body:
    """Builds the top's body: inputs, then layers in order, then outputs; `streams` are what nobody has taken yet."""

    def __init__(self, graph: Graph, layers: tuple[StreamLayer, ...], answer: str, at_once: bool) -> None:
        self.chain, self.count, self.answer = Chain(Stream("s_axis", 1)), readers(layers), answer
        self.at_once = at_once
        self.plain = graph.is_plain
        self.streams: dict[str, list[Stream]] = {}

    def _give(self, value: str) -> None:
        """Let the readers of a value take the current stream."""
        count = self.count[value]
        self.streams[value] = self.chain.fork(value, count) if count > 1 else [self.chain.stream]

    def _view(self, side: str, name: str, bits: int, beats: int, lanes: int = 1) -> AxisView:
        port, label = (side, "") if self.plain else (f"{side}_{name}", f"{side}_{name}: ")
        return AxisView(port, label, bits, beats, lanes)

    def input(self, source: Input, reader: StreamLayer) -> AxisView:
        """Add what makes pixels of the beats of an input."""
        bits, channels, lanes = source.type.elem.bits, source.type.shape[-1], reader.width
        view = self._view("s_axis", source.name, bits, source.type.size // lanes, lanes)
        used = f"{view.name}_tdata[{view.used - 1}:0]" if view.used < view.width else ""
        self.chain.stream = Stream(view.name, view.used, used)
        pixel = Stream("pixel" if self.plain else f"{source.name}_pixel", bits * channels)
        if not reader.serial and channels > lanes:
            sizes = {"Width": view.used, "Ratio": channels // lanes}
            note = f"{channels} bytes a pixel" if lanes == 1 else f"{channels} elements a pixel"
            self.chain.add("lrtc_upsize", f"{view.name}_pixel", pixel, sizes, note)
        elif not reader.serial and channels < lanes:
            sizes = {"Width": pixel.bits, "Ratio": lanes // channels}
            self.chain.add("lrtc_downsize", f"{view.name}_pixel", pixel, sizes, f"{lanes // channels} pixels a beat")
        self._give(source.name)
        return view

    def layer(self, layer: StreamLayer, view: LayerView) -> None:
        """Add a layer's module."""
        taken = [self.streams[name].pop(0) for name in layer.sources]
        sink = tuple(port for (name, _), stream in zip(view.inputs, taken, strict=True) for port in stream.sink(name))
        loads = (("reload_i", "reload_i"),) if view.reload_bits else ()
        note = f"{view.origin or layer.name}: {view.output_type}"
        out = Stream(f"{layer.name}_out", view.out_bits)
        self.chain.place(view.module, f"u_{layer.name}", sink, out, note=note, ports=loads)
        self._give(layer.value)

    def output(self, result: str, layer: StreamLayer) -> AxisView:
        """Add what makes one integer a beat of a layer's value, with TLAST."""
        chain, logits = self.chain, layer.output
        chain.stream = self.streams[layer.value].pop(0)
        bits, beats = logits.elem.bits, logits.size
        name, head = self._view("m_axis", result, bits, beats).name, "" if self.plain else f"{result}_"
        if chain.stream.bits > bits and not self.at_once:
            sizes = {"Width": bits, "Ratio": chain.stream.bits // bits}
            chain.add("lrtc_downsize", f"{name}_logit", Stream(f"{head}logit", bits), sizes, "one logit a beat")
        if self.answer == "class":
            sizes = {"Count": beats, "Width": bits, "Signed": int(logits.elem.kind in "it")}
            bits, beats = rom.index_bits(beats), 1
            index, ranked = Stream(f"{head}class_index", bits), "lrtc_argmax" if self.at_once else "lrtc_topk"
            sizes |= {} if self.at_once else {"K": 1}
            chain.add(ranked, f"{name}_class", index, sizes, "the lowest index wins a tie")
        elif logits.elem.kind == "b":
            wide = {"Count": 1, "InBits": 1, "InKind": 1, "OutBits": 2}
            chain.stream = chain.extend(f"{name}_sign", chain.stream, wide)
            bits = 2
        answer = Stream(f"{head}answer", bits)
        chain.add("lrtc_skid_buffer", f"{name}_skid", answer, {"Width": bits}, f"cuts the path of {name}_tready")
        signed = self.answer == "logits" and logits.elem.kind != "u"
        chain.side(_frame_last(name, answer, beats, signed))
        return self._view("m_axis", result, bits, beats)


def _frame_last(name: str, answer: Stream, beats: int, signed: bool) -> Instance:
    """Return the instance that widens the answer to 32 bits and marks the last beat of an image."""
    (valid, ready, data), bits = answer.signals, answer.bits
    top = f"{data}[{bits - 1}]" if signed else "1'b0"
    widened = f"{{{{{LOGIT_BITS - bits}{{{top}}}}}, {data}}}" if bits < LOGIT_BITS else data
    return Instance(
        module="lrtc_frame_last",
        name=f"{name}_last",
        note="",
        parameters=(("Width", str(LOGIT_BITS)), ("Beats", str(beats))),
        ports=(
            *CLOCK,
            ("in_valid_i", valid),
            ("in_ready_o", ready),
            ("in_data_i", widened),
            ("out_valid_o", f"{name}_tvalid"),
            ("out_ready_i", f"{name}_tready"),
            ("out_data_o", f"{name}_tdata"),
            ("out_last_o", f"{name}_tlast"),
        ),
        wires=(),
        flags=(),
    )
