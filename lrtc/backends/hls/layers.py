"""The processes of each kind of layer."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from lrtc.backends import rom
from lrtc.backends.hls.build import Body, weight_words
from lrtc.backends.hls.parts import MAX_BITS
from lrtc.backends.streaming import STREAM_KIND, operand_types
from lrtc.ir import Elem, Graph
from lrtc.ir.ops import (
    Add,
    Channels,
    Crop,
    Flatten,
    Maximum,
    MaxPool2d,
    Pad,
    Rearrange,
    SumPool2d,
)
from lrtc.plan.fold import LayerFold
from lrtc.plan.rearrange import Pack, Turn, Unpack, Wires
from lrtc.plan.stream import StreamLayer


def build_layer(body: Body, graph: Graph, layer: StreamLayer, fold: LayerFold) -> str:
    """Add the processes of a layer; return the stream of its value."""
    op = layer.node.op
    sources = [body.streams.take(name, queue) for name, queue in zip(layer.sources, fold.queues, strict=True)]
    lanes, ratio = layer.lanes(fold.pe)
    post, bits = body.post(graph, layer, lanes)
    out = lanes * bits
    if layer.joins:
        stream = _join(body, graph, layer, sources, post, out)
    elif layer.has_weights:
        stream = _dot(body, graph, layer, fold, sources[0], post, bits)
    elif isinstance(op, (MaxPool2d, SumPool2d)):
        stream = _pool(body, graph, layer, sources[0], post, out)
    elif isinstance(op, (Pad, Crop)):
        stream = _margins(body, layer, sources[0], post, out)
    elif isinstance(op, Channels):
        stream = _select(body, sources[0], layer, graph.const(layer.node.ins[1]), post, out)
    elif isinstance(op, (Flatten, Rearrange)):
        stream = _moved(body, layer, sources[0], post, out)
    else:
        gather = ratio if layer.gathers(fold.pe) else 1
        stream = _points(body, layer, sources[0], post, lanes, ratio, gather, bits)
    if layer.ranks:
        stream = _rank(body, graph, layer, stream, lanes, ratio, bits)
    return stream


def elem_before_rank(layer: StreamLayer) -> Elem:
    """Return the element that the last node, which ranks, takes."""
    return layer.nodes[-2].type.elem if len(layer.nodes) > 1 else layer.input.elem


def _numbers(*pairs: tuple[str, tuple[int, ...]]) -> dict[str, int]:
    return {f"{name}{axis}": value for name, values in pairs for axis, value in zip("HW", values, strict=True)}


def _window_numbers(layer: StreamLayer) -> dict[str, object]:
    """Return the shape of a sliding window."""
    w = layer.window
    return {
        "PixelBits": w.channels * layer.input.elem.bits,
        "Height": w.image[0],
        "Width": w.image[1],
        **_numbers(("Kernel", w.kernel), ("Stride", w.stride)),
        "PadTop": w.padding[0],
        "PadLeft": w.padding[2],
        **_numbers(("Dilation", w.dilation), ("Scan", w.scan)),
    }


def _dot(
    body: Body, graph: Graph, layer: StreamLayer, fold: LayerFold, source: str, post: str, bits: int
) -> str:  # fmt: skip
    """Add windows, or beats of SIMD elements, and the matrix-vector unit."""
    elem, w = layer.input.elem, layer.window
    weight = graph.types[layer.node.ins[1]].elem
    outputs = layer.outputs // layer.groups
    slices = max(1, fold.pe // outputs)
    channels = w.channels // layer.groups
    padded = int(any(w.padding) and elem.kind == "b")  # numbers are 0 in the padding
    if layer.slides:
        words = layer.groups // slices * fold.steps
        own = {"Windows": w.count, "Groups": layer.groups, "Slices": slices, "Simd": fold.simd, "Bits": elem.bits}
        shape = body.shape("window_shape", {**_window_numbers(layer), **own, "HasPad": padded})
        width = slices * fold.simd * elem.bits + padded * max(1, fold.simd // channels)
        note = f"windows of {w.kernel[0]}x{w.kernel[1]} pixels, {words} words each"
        steps = prod(w.scan) + w.count * (words - 1)
        source = body.stage("window", f"lrtc::window<{shape}>", [source], width, steps, note)
    else:
        before = layer.width if layer.serial else layer.input.shape[-1]
        source = body.resized("steps", source, elem.bits, before, fold.simd, layer.input.size)
    gather = fold.folds if layer.gathers(fold.pe) else 1
    numbers = {
        "Windows": w.count,
        "Fan": layer.fan,
        "Taps": w.taps,
        "Outputs": layer.outputs,
        "Groups": layer.groups,
        "Pe": fold.pe,
        "Simd": fold.simd,
        "Kind": STREAM_KIND[elem.kind],
        "Bits": elem.bits,
        "Weight": rom.WEIGHT_KIND[weight.kind],
        "WeightBits": rom.weight_bits(weight),
        "AccBits": layer.node.type.elem.bits,
        "HasPad": padded,
        "Gather": gather,
    }
    shape = body.shape("mvu_shape", numbers)
    words = weight_words(graph.const(layer.node.ins[1]).reshape(layer.outputs, -1), weight, fold.pe, fold.simd)
    lane = fold.simd * rom.weight_bits(weight)
    body.streams.words[f"{body.prefix}_mvu"] = min(max(lane, fold.simd * elem.bits), MAX_BITS)
    row = min(64, lane)
    table = body.table("weight", f"ap_uint<{row}>", words, (0, 2), row, "ULL")
    note = f"{fold.folds} folds of {fold.pe} outputs, {fold.steps} steps of {fold.simd} inputs each"
    width = gather * fold.pe * bits
    cycles = w.count * fold.folds * fold.steps
    return body.stage("mvu", f"lrtc::mvu<{shape}, {post}>", [source], width, cycles, note, [table])


def _pool(body: Body, graph: Graph, layer: StreamLayer, source: str, post: str, out: int) -> str:
    """Add the maximum or the sum over windows, or over an image."""
    elem, w = layer.input.elem, layer.window
    kind, sums = STREAM_KIND[elem.kind], layer.node.type.elem.bits
    if layer.sums_frame:
        call = f"lrtc::frame_sum<{post}, {w.channels}, {kind}, {elem.bits}, {sums}, {w.taps}>"
        return body.stage("sum", call, [source], out, w.taps, "sums over the image")
    numbers = {**_window_numbers(layer), "Channels": w.channels, "Kind": kind, "Bits": elem.bits}
    note = f"windows of {w.kernel[0]}x{w.kernel[1]} pixels"
    if isinstance(layer.node.op, SumPool2d):
        shape = body.shape("sum_shape", {**numbers, "SumBits": sums})
        return body.stage("sum", f"lrtc::sumpool<{shape}, {post}>", [source], out, prod(w.scan), note)
    shape = body.shape("pool_shape", numbers)
    named = graph.const(layer.node.ins[1]) if len(layer.node.ins) == 2 else np.ones(w.channels)
    least = body.table("least", "bool", (np.asarray(named) < 0).astype(np.int64), (0,))
    return body.stage("pool", f"lrtc::maxpool<{shape}, {post}>", [source], out, prod(w.scan), note, [least])


def _join(body: Body, graph: Graph, layer: StreamLayer, streams: Sequence[str], post: str, out: int) -> str:
    """Add the sum of two streams, the greater of both, or several side by side; some may be constants."""
    waiting, operands, beats = iter(streams), [], layer.beats_in
    kinds = operand_types(graph, layer.node)
    for k, (name, type_) in enumerate(kinds):
        if graph.const(name) is None:
            operands.append(next(waiting))
            continue
        bits, channels = type_.elem.bits, type_.shape[-1]
        codes = rom.code(graph.const(name), type_.elem).reshape(beats, channels, bits)
        values = (codes.astype(np.int64) << np.arange(bits)).sum(axis=-1).T
        rows = body.table(f"constant{k}", f"ap_uint<{bits}>", values, (0,), bits)
        call = f"lrtc::constants<{channels}, {bits}, {beats}>"
        note = "the same for every image"
        operands.append(body.stage(f"constants{k}", call, [], channels * bits, beats, note, [rows]))
    if isinstance(layer.node.op, (Add, Maximum)):
        name, least = "add", ""
        if isinstance(layer.node.op, Maximum):
            name, least = "maximum", f"{str(layer.node.op.least).lower()}, "
        a, b = (f"{STREAM_KIND[t.elem.kind]}, {t.elem.bits}" for _, t in kinds)
        sizes = f"{layer.outputs}, {a}, {b}, {layer.node.type.elem.bits}, {least}{beats}"
        return body.stage(name, f"lrtc::{name}<{post}, {sizes}>", operands, out, beats)
    kinds_text = ", ".join(f"lrtc::operand<{t.shape[-1]}, {STREAM_KIND[t.elem.kind]}, {t.elem.bits}>" for _, t in kinds)
    call = f"lrtc::concat<{post}, {layer.outputs}, {beats}, {kinds_text} >"
    return body.stage("concat", call, operands, out, beats, "channels side by side", first_out=True)


def _margins(body: Body, layer: StreamLayer, source: str, post: str, out: int) -> str:
    """Add pixels around an image, or leave some out."""
    op, (height, width), channels = layer.node.op, layer.window.image, layer.window.channels
    margins = op.padding if isinstance(op, Pad) else op.margins
    sizes = ", ".join(map(str, (channels, height, width, *margins)))
    if isinstance(op, Crop):
        return body.stage("crop", f"lrtc::crop<{post}, {sizes}>", [source], out, height * width)
    elem = layer.input.elem
    code = int((rom.code(np.full((), op.value), elem).astype(int) << np.arange(elem.bits)).sum())
    value = f"ap_uint<{elem.bits}>({code}u)"
    beats = (margins[0] + height + margins[1]) * (margins[2] + width + margins[3])
    note = f"{op.value} in the padding"
    return body.stage("pad", f"lrtc::pad<{post}, {sizes}>", [source], out, beats, note, [value])


def _select(
    body: Body, source: str, layer: StreamLayer, order: np.ndarray, post: str, out: int, what: str = "select"
) -> str:  # fmt: skip
    """Add what puts the elements of a pixel in an order."""
    pixels = layer.window.count
    index = body.table("order", "unsigned short", np.asarray(order, dtype=np.int64), (0,), 16)
    came = body.streams.bits(source) // layer.input.elem.bits
    call = f"lrtc::select<{post}, {came}, {len(order)}, {pixels}>"
    return body.stage(what, call, [source], out, pixels, "elements in another order", [index])


def _moved(body: Body, layer: StreamLayer, source: str, post: str, out: int) -> str:
    """Add the stages of a flatten or a rearrangement, and what is done to its elements."""
    op, bits = layer.node.op, layer.input.elem.bits
    if isinstance(op, Flatten):
        rows, channels = layer.beats_in, layer.input.shape[-1]
        source = body.resized("whole", source, bits, channels, layer.input.size, layer.input.size)
        if op.order == "CHW" and rows > 1 and channels > 1:
            order = np.arange(layer.input.size).reshape(rows, channels).T.reshape(-1)
            return _select(body, source, layer, order, post, out)
    else:
        source = _rearranged(body, layer, source)
    if post.startswith("lrtc::as_is"):
        return source
    return _points(body, layer, source, post, layer.outputs, 1, 1, out // layer.outputs)


def _rearranged(body: Body, layer: StreamLayer, source: str) -> str:
    """Add the stages that put the elements of an image in another order."""
    elem = layer.input.elem.bits
    beats = layer.beats_in
    for k, stage in enumerate(layer.moves):
        name, bits = f"move{k}", body.streams.bits(source)
        match stage:
            case Pack(ratio):
                call = f"lrtc::upsize<{bits}, {ratio}, {beats}>"
                source = body.stage(name, call, [source], bits * ratio, beats, f"{ratio} beats side by side")
                beats //= ratio
            case Unpack(ratio):
                beats *= ratio
                call = f"lrtc::downsize<{bits // ratio}, {ratio}, {beats}>"
                source = body.stage(name, call, [source], bits // ratio, beats, f"{ratio} beats of each one")
            case Wires(count, elements, walk):
                order = body.table(f"order{k}", "unsigned short", _places(walk), (0,), 16)
                call = f"lrtc::select<lrtc::as_is<{elements * elem}>, {count}, {count}, {beats}>"
                source = body.stage(name, call, [source], bits, beats, "elements in another order", [order])
            case Turn(words, blocks, _, walk):
                counts, strides = (np.array(numbers) for numbers in zip(*walk, strict=True))
                tables = [body.table(f"count{k}", "int", counts, (0,)), body.table(f"stride{k}", "int", strides, (0,))]
                call = f"lrtc::turn<{bits}, {words}, {blocks}, {len(walk)}>"
                note = f"blocks of {words} beats, in another order"
                source = body.stage(name, call, [source], bits, 2 * words * blocks, note, tables)
    return source


def _places(walk: Sequence[tuple[int, int]]) -> np.ndarray:
    """Return the places that nested counters reach, in order."""
    found = np.zeros(1, dtype=np.int64)
    for count, stride in walk:
        found = (np.arange(count)[:, None] * stride + found).reshape(-1)
    return found


def _points(
    body: Body, layer: StreamLayer, source: str, post: str, lanes: int, folds: int, gather: int, bits: int
) -> str:  # fmt: skip
    """Add what is done to elements as they come, unless it is nothing."""
    if post.startswith("lrtc::as_is") and gather == 1:
        return source
    beats = layer.window.count * folds
    call = f"lrtc::points<{post}, {lanes}, {folds}, {gather}, {beats}>"
    return body.stage("points", call, [source], gather * lanes * bits, beats, "element by element")


def _rank(body: Body, graph: Graph, layer: StreamLayer, source: str, lanes: int, ratio: int, bits: int) -> str:
    """Add what finds the places of the greatest elements."""
    node, elem = layer.nodes[-1], elem_before_rank(layer)
    index = node.type.elem.bits
    call = f"lrtc::topk<{STREAM_KIND[elem.kind]}, {elem.bits}, {lanes}, {ratio}, {node.op.k}, {index}>"
    note = "the lowest index wins a tie"
    return body.stage("rank", call, [source], node.op.k * index, lanes * ratio, note)
