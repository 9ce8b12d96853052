"""The roof of each layer's C on a core: what its kernel takes a MAC where a layer is large, measured by the emulator.

MACs here are those with a pixel: what padding adds is left out, since many kernels skip it.

A roof layer has the layer's kernel, filter size, types of input and weights, values drawn from its weights and shares
drawn from its input, and at least so many channels and pixels that what a layer pays once a pixel, a row or a call is
small. All roofs of a network are one program, so that they cost one build.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lrtc.check.emulate import run_emulated
from lrtc.driver import Result, compile
from lrtc.errors import DoesNotFit, LrtcError
from lrtc.interp import evaluate, feeds_of
from lrtc.ir import B1, T2, U8, Graph, GraphBuilder, Node, feed_rows, tensor
from lrtc.ir.ops import Conv2d, Linear, Threshold
from lrtc.report.costs import CostReport
from lrtc.tuning import by_layer, legal_kernels

PIXELS, CHANNELS, FAN_IN, FAN_OUT = 16, 64, 1024, 512  # rows and columns, channels; inputs and outputs of linear layers
FEW = 4  # channels of an input of integers that stay as they are: those of images
NAME = "roof"
TEXT = (
    "The roof is measured, by the same emulator: the same kernel, filter size, types, share of zero weights and values "
    f"of inputs, on a layer of {PIXELS}×{PIXELS} pixels with at least {CHANNELS} channels, or {FAN_IN} inputs and "
    f"{FAN_OUT} outputs. What a layer takes above it, it pays for being small: borders, words that are not full, what "
    "comes once a row or a call. MACs with padding are not counted here."
)


@dataclass(frozen=True)
class Roof:
    """A layer against its roof. macs: without those on padding. own, roof: of `unit` a MAC.

    roof: None where there is none; why: the reason for that. above: of `unit` an image that the layer takes more.
    """

    layer: str
    kernel: str
    macs: int
    own: float
    roof: float | None
    unit: str
    why: str = ""

    @property
    def reached(self) -> float | None:
        """Return which share of the roof's speed the layer reaches."""
        return None if self.roof is None else self.roof / self.own

    @property
    def above(self) -> int | None:
        return None if self.roof is None else round((self.own - self.roof) * self.macs)


def roofs_of(result: Result, costs: CostReport, feeds: Mapping[str, np.ndarray]) -> list[Roof]:
    """Return a row for each layer with MACs. feeds: input → data in the IR's order, whose last image was measured.

    ToolMissing without a compiler or emulator of the core.
    """
    unit = "instructions" if costs.instructions is not None else "cycles"
    image = feeds_of(result.graph, {name: value[-1:] for name, value in feeds.items()})
    values = {**image, **dict(evaluate(result.graph, image))}
    builder, rng, made, why = GraphBuilder(NAME), np.random.default_rng(0), {}, {}
    drawn: dict[str, np.ndarray] = {}
    for i, step in enumerate(result.plan.steps):
        if step.kernel is None:
            continue
        node = step.nodes[0]
        try:
            made[i], own = _grown(builder, rng, result.graph, node, values[node.ins[0]], step.level is not None)
            drawn |= own
        except LrtcError as error:
            why[i] = error.summary
    measured, reasons = _measured(result, costs.core, builder, made, drawn)
    rows = []
    for i, (step, row) in enumerate(zip(result.plan.steps, costs.rows, strict=False)):
        if step.kernel is None or not row.macs:
            continue
        counted = row.instructions if unit == "instructions" else row.cycles
        macs = _macs(result, i)
        rows.append(
            Roof(row.layer, row.kernel, macs, (counted or 0) / macs, measured.get(i), unit,
                 why.get(i) or reasons.get(i, ""))
        )  # fmt: skip
    return rows


def _grown(
    b: GraphBuilder, rng: np.random.Generator, graph: Graph, node: Node, x: np.ndarray, decided: bool
) -> tuple[str, dict[str, np.ndarray]]:
    """Add the large layer of a node; return its value and its input's data; LrtcError if there is none of its kind."""
    weights, kind = graph.const(node.ins[1]), graph.types[node.ins[1]].elem
    elem = graph.types[node.ins[0]].elem
    if isinstance(node.op, Conv2d):
        if node.op.groups > 1:
            raise LrtcError("convolutions in groups have no roof")
        outputs, rows, columns, channels = weights.shape
        channels = channels if not elem.is_discrete and channels <= FEW else max(channels, CHANNELS)
        shape, size = (max(outputs, CHANNELS), rows, columns, channels), (PIXELS + rows - 1, PIXELS + columns - 1)
        op, taken = Conv2d(), (*size, channels)
    else:
        fan = max(weights.reshape(len(weights), -1).shape[1], FAN_IN)
        shape, op, taken = (max(len(weights), FAN_OUT), fan), Linear(), (fan,)
    value, data = _input(b, rng, elem, taken, x)
    drawn = rng.choice(weights.reshape(-1), shape).astype(weights.dtype)
    layer = b.add(op, [value, b.const("w", drawn, tensor(shape, kind))], "layer")
    if decided:
        n = b.facts[layer].type.shape[-1]
        spread = max(1, round(float(np.sqrt(np.prod(shape[1:]))) / 2))
        levels = np.stack([rng.integers(-spread, spread + 1, n), rng.integers(0, 2, n)]).astype(np.int32)
        b.add(Threshold(), [layer, b.const("levels", levels)], "bits")
    return layer, data


def _input(
    b: GraphBuilder, rng: np.random.Generator, elem, shape: tuple[int, ...], x: np.ndarray
) -> tuple[str, dict[str, np.ndarray]]:
    """Add an input as large as that, its values spread as those of x."""
    if elem.kind == "u" and elem.bits <= 8:
        name = b.input("x", tensor(shape, elem))
        return name, {name: rng.choice(x.reshape(-1), (1, *shape)).astype(np.uint8)}
    if elem not in (B1, T2):
        raise LrtcError(f"inputs of {elem} have no roof")
    name = b.input("x", tensor(shape, U8))
    above = [int((x >= level).mean() * 256 + 0.5) for level in ((1,) if elem == B1 else (0, 1))]
    levels = np.array([[min(max(256 - n, 1), 255)] * shape[-1] for n in above] + [[0] * shape[-1]], np.int32)
    bits = b.add(Threshold(elem), [name, b.const("levels", levels)], "in")
    return bits, {name: rng.integers(0, 256, (1, *shape)).astype(np.uint8)}


def _measured(
    result: Result, core: str, b: GraphBuilder, made: Mapping[int, str], drawn: Mapping[str, np.ndarray]
) -> tuple[dict[int, float], dict[int, str]]:
    """Return step → what its large layer takes a MAC, and step → why there is no such figure."""
    if not made:
        return {}, {}
    layers = set(made.values())
    decided = {node.ins[0]: node.out for node in b.nodes if isinstance(node.op, Threshold) and node.ins[0] in layers}
    graph = b.finish([decided.get(layer, layer) for layer in made.values()])
    wanted = {layer: result.plan.steps[i].kernel.name for i, layer in made.items()}
    lanes = result.options.get("lanes")
    try:
        may = legal_kernels(compile(graph, "c", verify=False, lanes=lanes))
        kernels = {layer: kernel for layer, kernel in wanted.items() if kernel in may.get(layer, ())}
        large = compile(graph, "c", verify=False, kernels=kernels, lanes=lanes, **by_layer(core))
        done = run_emulated(dict(large.files), large.name, feed_rows(large.graph, drawn), core, large.ports)
    except DoesNotFit as error:
        return {}, dict.fromkeys(made, f"the large layers do not fit: {error.summary}")
    found, why = {}, {}
    profile = done.profile or done.cycles
    at = {step.nodes[0].out: k for k, step in enumerate(large.plan.steps) if step.kernel}
    for i, layer in made.items():
        if layer not in kernels:
            why[i] = f"{wanted[layer]} takes no layer as large"
            continue
        counted = sum(n for name, n in profile.items() if name.startswith(f"{large.name}_{at[layer] + 1}_"))
        found[i] = counted / _macs(large, at[layer])
    return found, why


def _macs(result: Result, step: int) -> int:
    """Return the multiply-accumulates of a layer that read a pixel, not padding."""
    node = result.plan.steps[step].nodes[0]
    weights = result.graph.const(node.ins[1])
    if not isinstance(node.op, Conv2d):
        return weights.size
    op, image = node.op, result.graph.types[node.ins[0]].shape
    inside = 1
    for axis in (0, 1):
        first = np.arange(node.type.shape[axis]) * op.stride[axis] - op.padding[2 * axis]
        taps = first[:, None] + np.arange(weights.shape[1 + axis]) * op.dilation[axis]
        inside *= int(((taps >= 0) & (taps < image[axis])).sum())
    return inside * weights.shape[0] * weights.shape[3]


def roofs_json(rows: Sequence[Roof]) -> dict[str, object]:
    """Return the rows as plain data."""
    layers = [{**vars(row), "reached": row.reached, "above": row.above} for row in rows]
    return {"roof": TEXT, "layers": layers}
