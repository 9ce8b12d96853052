"""How much of each layer is computed at once: PE output channels × SIMD input elements a cycle, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lrtc.errors import FaultList, nearest
from lrtc.plan.cost import NOTHING, Area
from lrtc.plan.stages import gap_counts
from lrtc.plan.stream import StreamLayer, divisors

WIRED = "wired"  # in place of (pe, simd): the weights of the layer are wires
Given = tuple[int, int] | str


@dataclass(frozen=True)
class LayerFold:
    """The folding of one layer (pe = simd = 0 where there are no weights to fold) and its cycles a frame.

    A window takes folds·steps cycles: outputs = pe·folds, fan = simd·steps. cycles: the least number between two images
    that this layer alone allows. queues: beats that the queue at each input holds (0: none). stages: pipeline stages of
    a layer whose weights are wires (0: they lie in a memory), of `gates` gates and `flops` flip-flops of data. area:
    estimated.
    """

    name: str
    pe: int
    simd: int
    folds: int
    steps: int
    windows: int
    cycles: int
    queues: tuple[int, ...] = (0,)
    area: Area = NOTHING
    stages: int = 0
    gates: int = 0
    flops: int = 0

    @property
    def slots(self) -> int:
        """Return the number of products a cycle: the measure of area that the search minimises."""
        return self.pe * self.simd


@dataclass(frozen=True)
class FoldPlan:
    """The folding of every layer; (name, beats an image) of inputs and outputs, a single one without a name; `target`
    cycles an image.

    interval: exact cycles from image to image when nothing outside stalls. latency: from the first byte of the first
    image to its first answer. Both are known once the queues are (`lrtc.plan.queues`). least: LUTs, estimated, that no
    other folding for these cycles and this budget goes below; what is above it are queues. reasons: why layers have
    their weights in memories or as wires.
    """

    layers: tuple[LayerFold, ...]
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]
    target: int
    interval: int = 0
    latency: int = 0
    least: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def slots(self) -> int:
        return sum(layer.slots for layer in self.layers)

    @property
    def area(self) -> Area:
        """Return the estimated area of all layers."""
        return sum((layer.area for layer in self.layers), NOTHING)

    @property
    def bound(self) -> int:
        """Return the cycles an image of the slowest stage; `interval` is no less."""
        return max(self.stages().values())

    @property
    def bottleneck(self) -> str:
        """Return the name of the slowest stage: a layer, "input" or "output"."""
        stages = self.stages()
        return max(stages, key=stages.__getitem__)

    def stages(self) -> dict[str, int]:
        """Return stage → cycles a frame."""
        layers = {layer.name: layer.cycles for layer in self.layers}
        return ends("input", self.inputs) | layers | ends("output", self.outputs)

    @property
    def input_beats(self) -> tuple[int, ...]:
        return tuple(beats for _, beats in self.inputs)

    @property
    def output_beats(self) -> tuple[int, ...]:
        return tuple(beats for _, beats in self.outputs)

    def lines(self) -> list[str]:
        """Return the plan in words for people, one stage a line."""
        width = max(len(layer.name) for layer in self.layers)
        rows = [
            f"{self.slots} products a cycle; an image every {self.interval:,} cycles, latency {self.latency:,}",
            f"slowest stage: {self.bottleneck}, {self.bound:,} cycles an image",
            f"estimated area: {self.area.text}",
        ]
        if not all(layer.stages for layer in self.layers if layer.slots):
            rows[-1] += f"; no folding as fast takes less than {self.least:,} LUTs"
        rows += self.reasons
        for layer in self.layers:
            folding = f"PE {layer.pe} × SIMD {layer.simd}" if layer.slots else "no weights"
            folding = f"wired, {layer.stages} stages" if layer.stages else folding
            depths = " and ".join(str(depth) for depth in layer.queues if depth)
            queue = f", after a queue of {depths} beats" if depths else ""
            cycles = f"{layer.cycles:>10,} cycles an image alone"
            rows.append(f"  {layer.name:<{width}}  {folding:<20} {cycles}{queue}, {layer.area.text}")
        return rows


def ranked_at_once(layer: StreamLayer, fold: LayerFold, to_class: bool) -> bool:
    """Return whether the class is found of all logits in one cycle: a last layer of wires gives them side by side."""
    return to_class and fold.stages > 0 and layer.beat_size(fold.pe) == layer.output.size > 1


def legal_pe(layer: StreamLayer) -> tuple[int, ...]:
    """Return the PE counts that divide the output channels, and those of a group or are a multiple of them."""
    group = layer.outputs // layer.groups
    return tuple(pe for pe in divisors(layer.outputs) if group % pe == 0 or pe % group == 0)


def legal_simd(layer: StreamLayer) -> tuple[int, ...]:
    """Return the SIMD counts that divide the fan-in and split no tap unevenly (DESIGN D9)."""
    channels = layer.window.channels // layer.groups
    return tuple(s for s in divisors(layer.fan) if channels % s == 0 or s % channels == 0)


def named_beats(beats: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Return (name, beats) as given, without the name of a single one."""
    found = tuple(beats)
    return found if len(found) > 1 else (("", found[0][1]),)


def ends(what: str, beats: Iterable[tuple[str, int]]) -> dict[str, int]:
    return {f"{what} {name}".strip(): n for name, n in beats}


def least_cycles(layer: StreamLayer, per_window: int) -> int:
    """Return the cycles an image of a layer alone when a window takes `per_window` cycles.

    A line buffer scans on while a window is computed, but not past the next one.
    """
    if layer.slides:
        return sum(max(gap, per_window) * count for gap, count in gap_counts(layer.window))
    ranked = layer.outputs if layer.ranks else 0  # one element a cycle
    return max(layer.most_beats, per_window, ranked)


def fold_layer(layer: StreamLayer, given: tuple[int, int]) -> LayerFold:
    """Return the folding of a layer to (pe, simd), which only layers with weights have."""
    windows = layer.window.count
    if not layer.has_weights:
        return LayerFold(layer.name, 0, 0, 1, 1, windows, least_cycles(layer, 1), (0,) * len(layer.sources))
    pe, simd = given
    folds, steps = layer.outputs // pe, layer.fan // simd
    return LayerFold(layer.name, pe, simd, folds, steps, windows, least_cycles(layer, folds * steps))


def wired_fold(layer: StreamLayer, stages: int, gates: int, flops: int) -> LayerFold:
    """Return the fold of a layer whose weights are a netlist of that size: a window a cycle."""
    whole = fold_layer(layer, (layer.outputs, layer.fan))
    return replace(whole, stages=stages, gates=gates, flops=flops)


def given_folds(layers: Sequence[StreamLayer], fold: Mapping[str, Given], wires: bool = False) -> dict[str, Given]:
    """Return layer name → (pe, simd), or WIRED, which only a target with `wires` has; LrtcError if one is not legal."""
    faults, found = FaultList(), {}
    names = {layer.origin: layer for layer in layers if layer.has_weights and layer.origin}
    names |= {layer.name: layer for layer in layers if layer.has_weights}
    for name, given in fold.items():
        layer = names.get(name)
        if layer is None:
            faults.add(name, f"no layer with weights has this name{nearest(name, names)}; known: {', '.join(names)}")
            continue
        if given == WIRED:
            if not wires:
                faults.add(name, "only target verilog has layers whose weights are wires; give it PE and SIMD")
            found[layer.name] = WIRED
            continue
        pe, simd = given
        if pe not in legal_pe(layer):
            grouped = f" in {layer.groups} groups" if layer.groups > 1 else ""
            faults.add(
                name, f"pe={pe} does not divide {layer.outputs} outputs{grouped}; legal: {_list(legal_pe(layer))}"
            )
        if simd not in legal_simd(layer):
            what = f"{layer.window.taps} taps of {layer.window.channels // layer.groups} channels"
            faults.add(name, f"simd={simd} does not fit {what}; legal: {_list(legal_simd(layer))}")
        found[layer.name] = (pe, simd)
    faults.check("{n} in the requested folding")
    return found


def _list(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
