"""Queues between layers, sized by the timing model, and the interval and latency of the whole chain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from math import prod

from lrtc.plan.fold import FoldPlan, LayerFold, plan_folding
from lrtc.plan.stream import StreamLayer
from lrtc.plan.timing import Chain

IMAGES = 8  # that the timing model runs: the steady state has come by then
TRIAL_IMAGES = 4  # that it runs to choose depths
QUEUE_ROWS = (0, 1, 2, 4)  # depths of a queue that are tried, in rows of pixels


def plan_stream(
    layers: Sequence[StreamLayer],
    target: int | None = None,
    fold: Mapping[str, tuple[int, int]] | None = None,
    to_class: bool = False,
) -> FoldPlan:
    """Return the folding (see `plan_folding`), the queues, and the interval and latency that they give."""
    return with_queues(layers, plan_folding(layers, target, fold), to_class)


def with_queues(layers: Sequence[StreamLayer], plan: FoldPlan, to_class: bool) -> FoldPlan:
    """Return the plan with interval and latency, and with the shallowest queues that make the interval least.

    Pixels come in bursts and a line buffer takes them in bursts; a queue of some rows before it makes neighbours
    wait less for each other. Depths are tried by the timing model: the same for all layers, then less for each.
    """
    trial = partial(timed, layers, plan, to_class=to_class, images=TRIAL_IMAGES)
    sliding = [k for k, layer in enumerate(layers) if layer.slides]
    depths = [[0] * len(layers)]
    for rows in QUEUE_ROWS[1:]:
        depths.append([rows * layer.window.image[1] if layer.slides else 0 for layer in layers])
    best = trial(depths[0])
    for depth in depths[1:]:
        if best.interval <= plan.bound:
            break
        better = trial(depth)
        best = better if better.interval < best.interval else best
    for k in sliding:
        for smaller in sorted({d[k] for d in depths if d[k] < best.layers[k].fifo}):
            now = [layer.fifo for layer in best.layers]
            now[k] = smaller
            candidate = trial(now)
            if candidate.interval <= best.interval:
                best = candidate
                break
    return timed(layers, plan, [layer.fifo for layer in best.layers], to_class)


def timed(
    layers: Sequence[StreamLayer], plan: FoldPlan, depths: Sequence[int], to_class: bool = False, images: int = IMAGES
) -> FoldPlan:
    """Return the plan with queues of these depths, and with the interval and latency that they give."""
    folds = tuple(replace(fold, fifo=max(2, d) if d else 0) for fold, d in zip(plan.layers, depths, strict=True))
    chain = stage_chain(layers, folds, to_class)
    outputs = 1 if to_class else plan.output_beats
    ends, latency = chain.run(plan.input_beats, outputs, images)
    interval = -(-(ends[-1] - ends[images // 2 - 1]) // (images - images // 2))
    return replace(plan, layers=folds, interval=interval, latency=latency)


def stage_chain(layers: Sequence[StreamLayer], folds: Sequence[LayerFold], to_class: bool) -> Chain:
    """Return the stages that the Verilog backend instantiates, in order."""
    chain = Chain()
    first, last = layers[0].input, layers[-1]
    if layers[0].slides and first.shape[-1] > 1:
        chain.upsize(first.shape[-1], prod(first.shape[:-1]))
    for layer, fold in zip(layers, folds, strict=True):
        window, pixels = layer.window, layer.window.count
        if fold.fifo:
            chain.fifo(fold.fifo, prod(layer.input.shape[:-1]))
        if layer.slides:
            chain.line_buffer(window)
        elif layer.beats_in > 1:
            chain.upsize(layer.beats_in, 1)
        beats = pixels * fold.folds
        if not layer.has_weights:
            chain.registers(1, beats)
        else:
            chain.mvu(pixels, fold.folds, fold.steps)
            chain.registers({"threshold": 2, "affine": 3}[layer.post.op.name] if layer.post else 0, beats)
            if layer.post and layer.post.op.name == "threshold" and fold.folds > 1:
                chain.upsize(fold.folds, pixels)
                beats = pixels
        chain.skid(beats)
    if folds[-1].pe > 1:
        chain.downsize(folds[-1].pe, last.output.size // folds[-1].pe)
    beats = last.output.size
    if to_class:
        chain.upsize(beats, 1)
        beats = 1
    chain.skid(beats)
    chain.registers(1, beats)
    return chain
