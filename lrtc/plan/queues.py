"""Queues between layers, sized by the timing model, and the interval and latency of the whole network."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from math import prod

from lrtc.ir.ops import Affine, Crop, Flatten, Linear, Maximum, MaxPool2d, Rearrange, SumPool2d, Threshold
from lrtc.plan.dense import in_memory
from lrtc.plan.fold import FoldPlan, LayerFold, ranked_at_once
from lrtc.plan.rearrange import Move, Pack, Turn, Unpack
from lrtc.plan.stream import StreamLayer, absorbed_posts, readers, stream_inputs
from lrtc.plan.timing import Network, Stuck

IMAGES = 8  # that the timing model runs: the steady state has come by then
TRIAL_IMAGES = 4  # that it runs to choose depths
QUEUE_ROWS = (0, 1, 2, 4)  # depths of a queue before a line buffer that are tried, in rows of pixels
REGISTERS = {Threshold: 2, Affine: 3}  # stages of a post

Depths = Sequence[Sequence[int]]  # of the queue at every input of every layer; 0: none


def with_queues(layers: Sequence[StreamLayer], plan: FoldPlan, to_class: bool) -> FoldPlan:
    """Return the plan with interval and latency, and with the shallowest queues that make the interval what it is to
    be: no more than the target, or than the slowest stage needs, or else the least.

    Pixels come in bursts and a line buffer takes them in bursts; a queue of some rows before it makes neighbours
    wait less for each other. Depths are tried by the timing model: the same for all layers, then less for each.
    Queues before joins follow from the branches (`with_joins`).
    """

    def trial(lines: Sequence[int]) -> FoldPlan:
        depths = [
            [depth] if layer.slides else [0] * len(layer.sources) for depth, layer in zip(lines, layers, strict=True)
        ]
        return with_joins(layers, plan, depths, to_class)

    enough = max(plan.bound, plan.target)
    sliding = [k for k, layer in enumerate(layers) if layer.slides]
    tried = [[rows * layer.window.image[1] if layer.slides else 0 for layer in layers] for rows in QUEUE_ROWS]
    best = trial(tried[0])
    for lines in tried[1:]:
        if best.interval <= enough:
            break
        better = trial(lines)
        best = better if better.interval < best.interval else best
    for k in sliding:
        for smaller in sorted({lines[k] for lines in tried if lines[k] < best.layers[k].queues[0]}):
            depths = [(smaller,) if j == k else fold.queues for j, fold in enumerate(best.layers)]
            candidate = _trial(layers, plan, depths, to_class)
            if candidate is not None and candidate.interval <= max(best.interval, enough):
                best = candidate
                break
    if any(layer.joins for layer in layers):  # shallower lines may need shallower queues before joins
        again = trial([fold.queues[0] for fold in best.layers])
        best = again if again.interval <= max(best.interval, enough) else best
    return timed(layers, plan, [fold.queues for fold in best.layers], to_class)


def with_joins(layers: Sequence[StreamLayer], plan: FoldPlan, depths: Depths, to_class: bool) -> FoldPlan:
    """Return the plan timed with queues before joins that let no branch wait for room on another one.

    What a shorter branch must hold is how far it runs ahead of the longest one where room is no matter. No beat depends
    on data, so that a run of the model that ends proves that nothing can lock up, whatever stalls outside.
    """
    joins = any(layer.joins for layer in layers)
    lead = leads(layers, plan, depths, to_class) if joins else {}
    while True:
        found = _trial(layers, plan, [lead.get(k, own) for k, own in enumerate(depths)], to_class)
        if found is not None:
            return found
        lead = {k: [max(2, 2 * depth) for depth in own] for k, own in lead.items()}


def _trial(layers: Sequence[StreamLayer], plan: FoldPlan, depths: Depths, to_class: bool) -> FoldPlan | None:
    """Return the plan timed over a few images with queues of these depths; None if the stages lock up."""
    try:
        return timed(layers, plan, depths, to_class, TRIAL_IMAGES)
    except Stuck:
        return None


def leads(layers: Sequence[StreamLayer], plan: FoldPlan, depths: Depths, to_class: bool) -> dict[int, list[int]]:
    """Return join (index of the layer) → for each input, how many beats it is at most ahead of the latest one.

    One beat is held by the stage before: 0 then.
    """
    endless = [
        [layer.beats_in * TRIAL_IMAGES] * len(layer.sources) if layer.joins else own
        for layer, own in zip(layers, depths, strict=True)
    ]
    network, ahead = stage_network(layers, _folds(plan, endless), to_class)
    pace = plan.bound if len(plan.inputs) > 1 else 0  # else an input that is short would run ahead without end
    links = network.solve(plan.input_beats, _outputs(plan, to_class), TRIAL_IMAGES, pace)
    found = {}
    for k, before in ahead.items():
        comes = [links[link].moved for link in before]
        latest = [max(cycles) for cycles in zip(*comes, strict=True)]
        most = [max(bisect_left(own, cycle) - i for i, cycle in enumerate(latest)) for own in comes]
        found[k] = [depth if depth > 1 else 0 for depth in most]
    return found


def timed(
    layers: Sequence[StreamLayer], plan: FoldPlan, depths: Depths, to_class: bool = False, images: int = IMAGES
) -> FoldPlan:
    """Return the plan with queues of these depths, and with the interval and latency that they give; Stuck if none."""
    folds = _folds(plan, depths)
    network, _ = stage_network(layers, folds, to_class)
    ends, latency = network.run(plan.input_beats, _outputs(plan, to_class), images)
    interval = -(-(ends[-1] - ends[images // 2 - 1]) // (images - images // 2))
    return replace(plan, layers=folds, interval=interval, latency=latency)


def _outputs(plan: FoldPlan, to_class: bool) -> tuple[int, ...]:
    return (1,) if to_class else plan.output_beats


def _folds(plan: FoldPlan, depths: Depths) -> tuple[LayerFold, ...]:
    """Return the layers' folds with queues of these depths; the shallowest queue holds two beats."""
    return tuple(
        replace(fold, queues=tuple(max(2, d) if d else 0 for d in own))
        for fold, own in zip(plan.layers, depths, strict=True)
    )


def stage_network(
    layers: Sequence[StreamLayer], folds: Sequence[LayerFold], to_class: bool
) -> tuple[Network, dict[int, tuple[int, ...]]]:
    """Return the stages that the Verilog backend instantiates, and join (index of the layer) → the links it reads."""
    network, count, ahead = Network(), readers(layers), {}
    streams: dict[str, list[int]] = {}  # value → the links of its readers that are left

    def give(value: str, beats: int) -> None:
        streams[value] = list(network.fork(count[value], beats)) if count[value] > 1 else [network.at]

    for k, (name, layer) in enumerate(stream_inputs(layers).items()):
        if k:
            network.source()
        pixels, channels = prod(layer.type_of(name).shape[:-1]), layer.type_of(name).shape[-1]
        if not layer.serial and channels > layer.width:
            network.upsize(channels // layer.width, pixels)
        elif not layer.serial and channels < layer.width:
            network.downsize(layer.width // channels, pixels * channels // layer.width)
        give(name, layer.beats_in if layer.serial else pixels)
    for k, (layer, fold) in enumerate(zip(layers, folds, strict=True)):
        links = tuple(streams[name].pop(0) for name in layer.sources)
        if layer.joins:
            ahead[k] = links
        queued = []
        for network.at, depth in zip(links, fold.queues, strict=True):
            if depth:
                network.fifo(depth, layer.beats_in)
            queued.append(network.at)
        _layer_stages(network, layer, fold, tuple(queued))
        give(layer.value, layer.window.count)
    for layer, fold in zip(layers, folds, strict=True):
        if layer.leaves:
            network.at = streams[layer.value].pop(0)
            _output_stages(network, layer, fold, to_class)
    return network, ahead


def _output_stages(network: Network, layer: StreamLayer, fold: LayerFold, to_class: bool) -> None:
    """Add the stages between a layer and the end of the network."""
    per_beat, beats = layer.beat_size(fold.pe), layer.output.size
    at_once = ranked_at_once(layer, fold, to_class)
    if at_once:
        network.registers((beats - 1).bit_length(), 1)
    elif per_beat > 1:
        network.downsize(per_beat, beats // per_beat)
    if to_class and not at_once:
        network.upsize(beats, 1)
    beats = 1 if to_class else beats
    network.skid(beats)
    network.registers(1, beats)
    network.sink()


def _layer_stages(network: Network, layer: StreamLayer, fold: LayerFold, links: tuple[int, ...]) -> None:
    """Add the stages of one layer behind its queues."""
    op, pixels = layer.node.op, layer.window.count
    pe, ratio = layer.lanes(fold.pe)
    if keeps := in_memory(layer, fold.pe, fold.simd):
        beat, beats = layer.fan // layer.beats_in, layer.beats_in
        if beat > fold.simd:
            network.downsize(beat // fold.simd, beats)
        elif beat < fold.simd:
            network.upsize(fold.simd // beat, fold.steps)
        network.mvu(pixels, fold.folds, fold.steps, kept=True)
    elif layer.joins:
        network.join(links, pixels)
        if isinstance(op, Maximum):
            network.registers(1, pixels)
    elif layer.slides:
        network.line_buffer(layer.window)
    elif layer.sums_frame or (isinstance(op, (Linear, Flatten)) and layer.beats_in > 1):
        network.upsize(layer.beats_in, 1)
    elif isinstance(op, Crop):
        network.crop(op.margins, layer.window.image)
    elif isinstance(op, Rearrange):
        _move_stages(network, layer.moves)
    done = absorbed_posts(layer) if fold.stages else ()
    registers = fold.stages + sum(REGISTERS.get(type(node.op), 0) for node in layer.stages if node not in done)
    if layer.has_weights and layer.gathers(fold.pe) and not keeps:  # folded: what is wired gives whole pixels
        network.folded_mvu(pixels, fold.folds, fold.steps, registers)
        return
    if layer.has_weights and not keeps and not fold.stages:
        network.mvu(pixels, fold.folds, fold.steps)
    elif isinstance(op, (MaxPool2d, SumPool2d)) and layer.slides:
        network.registers(1, pixels)
    beats = pixels * ratio
    network.registers(registers, beats)
    if layer.ranks:
        if pe > 1:
            network.downsize(pe, beats)
        network.rank(layer.outputs)
        beats = 1
    network.skid(beats)
    if layer.gathers(fold.pe):
        network.upsize(ratio, pixels)


def _move_stages(network: Network, moves: Sequence[Move]) -> None:
    """Add the stages of a rearrangement."""
    for move in moves:
        match move:
            case Pack(ratio, beats):
                network.upsize(ratio, beats)
            case Unpack(ratio, beats):
                network.downsize(ratio, beats)
            case Turn(words, blocks):
                network.rearrange(words, blocks)
