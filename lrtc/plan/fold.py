"""How much of each layer is computed at once: PE output channels × SIMD input elements a cycle, and what that costs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from lrtc.errors import FaultList, LrtcError, nearest
from lrtc.plan.stages import window_gaps
from lrtc.plan.stream import StreamLayer, divisors, stream_inputs, stream_outputs


@dataclass(frozen=True)
class LayerFold:
    """The folding of one layer (pe = simd = 0 where there are no weights to fold) and its cycles a frame.

    A window takes folds·steps cycles: outputs = pe·folds, fan = simd·steps. cycles: the least number between two images
    that this layer alone allows. queues: beats that the queue at each input holds (0: none).
    """

    name: str
    pe: int
    simd: int
    folds: int
    steps: int
    windows: int
    cycles: int
    queues: tuple[int, ...] = (0,)

    @property
    def slots(self) -> int:
        """Return the number of products a cycle: the measure of area that the search minimises."""
        return self.pe * self.simd


@dataclass(frozen=True)
class FoldPlan:
    """The folding of every layer; (name, beats an image) of inputs and outputs, a single one without a name; `target`
    cycles an image.

    interval: exact cycles from image to image when nothing outside stalls. latency: from the first byte of the first
    image to its first answer. Both are known once the queues are (`lrtc.plan.queues`).
    """

    layers: tuple[LayerFold, ...]
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int], ...]
    target: int
    interval: int = 0
    latency: int = 0

    @property
    def slots(self) -> int:
        return sum(layer.slots for layer in self.layers)

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
        return _ends("input", self.inputs) | layers | _ends("output", self.outputs)

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
        ]
        for layer in self.layers:
            folding = f"PE {layer.pe} × SIMD {layer.simd}" if layer.slots else "no weights"
            depths = " and ".join(str(depth) for depth in layer.queues if depth)
            queue = f", after a queue of {depths} beats" if depths else ""
            rows.append(f"  {layer.name:<{width}}  {folding:<20} {layer.cycles:>10,} cycles an image alone{queue}")
        return rows


def legal_pe(layer: StreamLayer) -> tuple[int, ...]:
    """Return the PE counts that divide the output channels, and those of a group or are a multiple of them."""
    group = layer.outputs // layer.groups
    return tuple(pe for pe in divisors(layer.outputs) if group % pe == 0 or pe % group == 0)


def legal_simd(layer: StreamLayer) -> tuple[int, ...]:
    """Return the SIMD counts that divide the fan-in and split no tap unevenly (DESIGN D9)."""
    channels = layer.window.channels // layer.groups
    return tuple(s for s in divisors(layer.fan) if channels % s == 0 or s % channels == 0)


def plan_folding(
    layers: Sequence[StreamLayer],
    target: int | None = None,
    fold: Mapping[str, tuple[int, int]] | None = None,
) -> FoldPlan:
    """Return the folding with the fewest slots such that no stage needs more than `target` cycles an image.

    Without a target: the cycles of the slowest stage that folding cannot change. fold: layer (value name or
    origin) → (pe, simd), which the target does not bind. LrtcError names every illegal folding with the legal ones.
    """
    given = _given(layers, fold or {})
    inputs = _named((name, layer.type_of(name).size // layer.width) for name, layer in stream_inputs(layers).items())
    outputs = _named((layer.value, layer.output.size) for layer in stream_outputs(layers))
    floors = {layer.name: _least_cycles(layer, 1) for layer in layers}
    floors = _ends("input", inputs) | floors | _ends("output", outputs)
    floor = max(floors.values())
    if target is not None and target < floor:
        slowest = max(floors, key=floors.__getitem__)
        raise LrtcError(
            f"a target of {target} cycles an image cannot be met: {slowest} needs {floor}",
            hint=f"ask for at least {floor}",
        )
    target = floor if target is None else target
    folds = tuple(_fold_layer(layer, target, given.get(layer.name)) for layer in layers)
    return FoldPlan(folds, inputs, outputs, target)


def _named(beats: Iterable[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Return (name, beats) as given, without the name of a single one."""
    found = tuple(beats)
    return found if len(found) > 1 else (("", found[0][1]),)


def _ends(what: str, beats: Iterable[tuple[str, int]]) -> dict[str, int]:
    return {f"{what} {name}".strip(): n for name, n in beats}


def _least_cycles(layer: StreamLayer, per_window: int) -> int:
    """Return the cycles an image of a layer alone when a window takes `per_window` cycles.

    A line buffer scans on while a window is computed, but not past the next one.
    """
    if layer.slides:
        return sum(max(gap, per_window) for gap in window_gaps(layer.window))
    ranked = layer.outputs if layer.ranks else 0  # one element a cycle
    return max(layer.most_beats, per_window, ranked)


def _fold_layer(layer: StreamLayer, target: int, given: tuple[int, int] | None) -> LayerFold:
    windows = layer.window.count
    if not layer.has_weights:
        return LayerFold(layer.name, 0, 0, 1, 1, windows, _least_cycles(layer, 1), (0,) * len(layer.sources))
    outputs, fan = layer.outputs, layer.fan
    if given is None:
        pairs = [(pe, simd) for pe in legal_pe(layer) for simd in legal_simd(layer)]
        cost = {pair: (outputs // pair[0]) * (fan // pair[1]) for pair in pairs}
        slow = {per_window: _least_cycles(layer, per_window) for per_window in set(cost.values())}
        # All pairs are tried, so the least area is exact. Of equal areas the fewest PEs: they cost accumulators.
        given = min((p for p in pairs if slow[cost[p]] <= target), key=lambda p: (p[0] * p[1], p[0]))
    pe, simd = given
    folds, steps = outputs // pe, fan // simd
    return LayerFold(layer.name, pe, simd, folds, steps, windows, _least_cycles(layer, folds * steps))


def _given(layers: Sequence[StreamLayer], fold: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    """Return layer name → (pe, simd), all legal; LrtcError otherwise."""
    faults, found = FaultList(), {}
    names = {layer.origin: layer for layer in layers if layer.has_weights and layer.origin}
    names |= {layer.name: layer for layer in layers if layer.has_weights}
    for name, (pe, simd) in fold.items():
        layer = names.get(name)
        if layer is None:
            faults.add(name, f"no layer with weights has this name{nearest(name, names)}; known: {', '.join(names)}")
            continue
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
