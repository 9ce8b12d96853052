"""What the template of the top module sees: layers, forks between them, and both ends of the network."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.backends.verilog.netlist import CLOCK, Chain, Instance, Stream
from lrtc.backends.verilog.views import LayerView, index_bits
from lrtc.plan.fold import FoldPlan
from lrtc.plan.stream import StreamLayer, readers

LOGIT_BITS = 32  # of m_axis_tdata


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
class TopView:
    """The top module. stages: (stage, cycles an image)."""

    module: str
    layers: tuple[LayerView, ...]
    body: tuple[Instance, ...]
    input_beats: int
    input_bits: int
    output_beats: int
    answer: str
    stages: tuple[tuple[str, int], ...]
    bottleneck: str
    bound: int
    interval: int
    latency: int
    slots: int


def top_view(
    name: str, layers: tuple[StreamLayer, ...], views: tuple[LayerView, ...], plan: FoldPlan, answer: str
) -> TopView:
    """Return the view of the top module. answer: "logits" or "class"."""
    first, logits = layers[0].input, layers[-1].output
    elem_bits = first.elem.bits
    source = Stream("s_axis", elem_bits, f"s_axis_tdata[{elem_bits - 1}:0]" if elem_bits < 8 else "")
    chain, count = Chain(source), readers(layers)
    streams: dict[str, list[Stream]] = {}  # value → the streams of its readers that are left

    def give(value: str) -> None:
        streams[value] = chain.fork(value, count[value]) if count[value] > 1 else [chain.stream]

    if not layers[0].serial and first.shape[-1] > 1:
        pixel, sizes = Stream("pixel", elem_bits * first.shape[-1]), {"Width": elem_bits, "Ratio": first.shape[-1]}
        chain.add("lrtc_upsize", "s_axis_pixel", pixel, sizes, f"{first.shape[-1]} bytes a pixel")
    give(layers[0].sources[0])
    for layer, view in zip(layers, views, strict=True):
        taken = [streams[name].pop(0) for name in layer.sources]
        sink = tuple(port for (name, _), stream in zip(view.inputs, taken, strict=True) for port in stream.sink(name))
        note = f"{view.origin or layer.name}: {view.output_type}"
        chain.place(view.module, f"u_{layer.name}", sink, Stream(f"{layer.name}_out", view.out_bits), note=note)
        give(layer.value)
    bits, beats = logits.elem.bits, logits.size
    if chain.stream.bits > bits:
        sizes = {"Width": bits, "Ratio": chain.stream.bits // bits}
        chain.add("lrtc_downsize", "m_axis_logit", Stream("logit", bits), sizes, "one logit a beat")
    if answer == "class":
        sizes = {"Count": beats, "Width": bits, "K": 1, "Signed": int(logits.elem.kind in "it")}
        bits, beats = index_bits(beats), 1
        chain.add("lrtc_topk", "m_axis_class", Stream("class_index", bits), sizes, "the lowest index wins a tie")
    elif logits.elem.kind == "b":
        chain.stream = chain.extend("m_axis_sign", chain.stream, {"Count": 1, "InBits": 1, "InKind": 1, "OutBits": 2})
        bits = 2
    chain.add(
        "lrtc_skid_buffer", "m_axis_skid", Stream("answer", bits), {"Width": bits}, "cuts the path of m_axis_tready"
    )
    chain.side(_frame_last(bits, beats, signed=answer == "logits" and logits.elem.kind != "u"))
    return TopView(
        module=name,
        layers=views,
        body=tuple(chain.instances),
        input_beats=first.size,
        input_bits=elem_bits,
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
