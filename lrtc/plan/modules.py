"""The library modules that a layer is made of, with the parameters that areas depend on: what an estimate adds up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from lrtc.ir.ops import Add, Affine, Crop, Flatten, Linear, Maximum, MaxPool2d, Rearrange, SumPool2d, Threshold, TopK
from lrtc.plan.dense import in_memory
from lrtc.plan.forms import by_classes, class_starts
from lrtc.plan.stream import StreamLayer, absorbed_posts

if TYPE_CHECKING:
    from lrtc.plan.fold import LayerFold

STREAM_KIND = {"u": 0, "b": 1, "t": 2, "i": 2}  # of an element on a stream, as the library counts kinds
WEIGHT_KIND = {"b": 0, "t": 1, "i": 2, "u": 2}
WIRES = "wires"  # the weights of a layer as a netlist: a module of its own, not of the library


@dataclass(frozen=True)
class Part:
    """One instance: the module of the library, and its parameters as (name, number) in alphabetical order."""

    module: str
    parameters: tuple[tuple[str, int], ...]

    def __getitem__(self, name: str) -> int:
        return dict(self.parameters)[name]


def part(module: str, **parameters: int) -> Part:
    return Part(module, tuple(sorted(parameters.items())))


def weight_width(kind: str, bits: int) -> int:
    """Return the bits of a weight in a ROM: one of an unsigned integer gets a sign."""
    return bits + (kind == "u")


def fold_parts(layer: StreamLayer, fold: LayerFold) -> Iterator[Part]:
    """Yield the parts of a layer as it is folded, or wired."""
    wires = part(WIRES, Gates=fold.gates, Flops=fold.flops, Stages=fold.stages) if fold.stages else None
    return layer_parts(layer, fold.pe, fold.simd, fold.queues, wires)


def layer_parts(
    layer: StreamLayer, pe: int, simd: int, queues: tuple[int, ...] = (0,), wires: Part | None = None
) -> Iterator[Part]:
    """Yield the parts of a layer folded to pe × simd (0: no weights), with queues of these depths before it.

    wires: what its weights are, and a threshold to ±1 behind them, in place of a memory and a matrix-vector unit.
    """
    widths = [t.elem.bits * (layer.width if layer.serial else t.shape[-1]) for t in layer.inputs]
    for width, depth in zip(widths, queues, strict=False):
        if depth:
            yield part("lrtc_fifo", Width=width, Depth=depth)
    kept = layer.has_weights and in_memory(layer, pe, simd)
    yield from _words(layer, simd) if kept else _gathering(layer, widths)
    bits, (lanes, ratio) = layer.node.type.elem.bits, layer.lanes(pe)
    if wires:
        yield wires
    elif layer.has_weights:
        yield from _dot_product(layer, pe, simd)
    elif isinstance(layer.node.op, MaxPool2d) and layer.slides:
        yield part("lrtc_maxpool", Channels=layer.outputs, Taps=layer.window.taps, Bits=bits)
    elif isinstance(layer.node.op, Maximum):
        yield part("lrtc_maxpool", Channels=layer.outputs, Taps=2, Bits=bits)
    elif isinstance(layer.node.op, (SumPool2d, Rearrange)) and not layer.slides:
        yield part("lrtc_upsize", Width=layer.input.elem.bits * layer.input.shape[-1], Ratio=layer.beats_in)
    elif isinstance(layer.node.op, SumPool2d):
        yield part("lrtc_sumpool", Channels=layer.outputs, Taps=layer.window.taps, OutBits=bits)
    elif isinstance(layer.node.op, Add):
        yield part("lrtc_add", Channels=layer.outputs, OutBits=bits)
    elem = layer.input.elem if layer.node in layer.points else layer.node.type.elem
    done = absorbed_posts(layer) if wires else layer.posts[: int(layer.signs)]
    for node in layer.points:
        if node not in done:
            yield from _point(layer, node, elem, lanes, ratio)
        elem = node.type.elem
    if layer.ranks:
        lanes, ratio = 1, 1
    yield part("lrtc_skid_buffer", Width=lanes * elem.bits)
    if layer.gathers(pe):
        yield part("lrtc_upsize", Width=lanes * elem.bits, Ratio=ratio)


def _words(layer: StreamLayer, simd: int) -> Iterator[Part]:
    """Yield what makes words of `simd` elements of the beats of a vector that is kept in a memory."""
    beat, bits = layer.fan // layer.beats_in, layer.input.elem.bits
    if beat > simd:
        yield part("lrtc_downsize", Width=simd * bits, Ratio=beat // simd)
    elif beat < simd:
        yield part("lrtc_upsize", Width=beat * bits, Ratio=simd // beat)


def _gathering(layer: StreamLayer, widths: list[int]) -> Iterator[Part]:
    w = layer.window
    if layer.slides:
        sizes = {"Height": w.image[0], "Width": w.image[1], "KernelH": w.kernel[0], "KernelW": w.kernel[1]}
        spans = {"SpanH": w.span[0], "SpanW": w.span[1], "Padded": int(any(w.padding))}
        yield part("lrtc_line_buffer", PixelBits=widths[0], **sizes, **spans)
    elif isinstance(layer.node.op, (Linear, Flatten)) and layer.beats_in > 1:
        yield part("lrtc_upsize", Width=widths[0], Ratio=layer.beats_in)
    elif isinstance(layer.node.op, Crop):
        yield part("lrtc_crop", PixelBits=widths[0], Height=w.image[0], Width=w.image[1])


def _dot_product(layer: StreamLayer, pe: int, simd: int) -> Iterator[Part]:
    elem, weight = layer.input.elem, layer.weight
    row = pe * simd * weight_width(weight.kind, weight.bits)
    yield part("lrtc_rom", Width=row, Depth=(layer.outputs // pe) * (layer.fan // simd))
    yield part(
        "lrtc_dense" if in_memory(layer, pe, simd) else "lrtc_mvu",
        Fan=layer.fan,
        Taps=layer.window.taps,
        Outputs=layer.outputs,
        Pe=pe,
        Simd=simd,
        InBits=elem.bits,
        InKind=STREAM_KIND[elem.kind],
        WeightKind=WEIGHT_KIND[weight.kind],
        WeightBits=weight_width(weight.kind, weight.bits),
        AccBits=layer.node.type.elem.bits,
        HasPad=int(any(layer.window.padding) and elem.kind == "b"),
        Groups=layer.groups,
    )
    folds, acc = layer.outputs // pe, layer.node.type.elem.bits
    places = 1
    if (
        any(layer.window.padding)
        and elem.kind == "b"
        and by_classes(layer.window, weight, pe, simd, folds, acc, "auto")
    ):
        places = prod(1 << len(starts).bit_length() for starts in class_starts(layer.window))
    yield part("lrtc_rom", Width=pe * acc, Depth=folds * places)  # start values, of each class of windows


def _point(layer: StreamLayer, node, elem, lanes: int, ratio: int) -> Iterator[Part]:
    acc = elem.bits + (STREAM_KIND[elem.kind] != 2)
    if isinstance(node.op, Threshold):
        levels = dict(layer.levels)[node.out]
        yield part("lrtc_threshold", Pe=lanes, Folds=ratio, AccBits=acc, Levels=levels, OutBits=node.type.elem.bits)
        yield part("lrtc_rom", Width=lanes * (levels * (acc + 1) + 1), Depth=ratio)
    elif isinstance(node.op, Affine):
        yield part("lrtc_affine", Pe=lanes, Folds=ratio, AccBits=acc, OutBits=node.type.elem.bits)
        yield part("lrtc_rom", Width=lanes * 2 * node.type.elem.bits, Depth=ratio)
    elif isinstance(node.op, TopK):
        if lanes > 1:
            yield part("lrtc_downsize", Width=elem.bits, Ratio=lanes)
        yield part("lrtc_topk", Count=lanes * ratio, Width=elem.bits, K=node.op.k)


def end_parts(layer: StreamLayer, pe: int) -> Iterator[Part]:
    """Yield the parts between a layer and the end of the network."""
    bits, size = layer.output.elem.bits, layer.beat_size(pe)
    if size > 1:
        yield part("lrtc_downsize", Width=bits, Ratio=size)
    yield part("lrtc_skid_buffer", Width=bits)
