"""How much of each layer is computed at once: PE output channels × SIMD input elements a cycle, and what that costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from lrtc.errors import FaultList, LrtcError, nearest
from lrtc.plan.stream import StreamLayer


@dataclass(frozen=True)
class LayerFold:
    """The folding of one layer (pe = simd = 0 for a maxpool, which has none) and its cycles a frame.

    A window takes folds·steps cycles: outputs = pe·folds, fan = simd·steps.
    gather: cycles to collect the input (positions that a line buffer scans, or beats that make up a linear's window).
    """

    name: str
    pe: int
    simd: int
    folds: int
    steps: int
    windows: int
    gather: int

    @property
    def compute(self) -> int:
        return self.windows * self.folds * self.steps

    @property
    def cycles(self) -> int:
        """Return the least number of cycles between two frames that this layer alone allows."""
        return max(self.compute, self.gather)

    @property
    def slots(self) -> int:
        """Return the number of products a cycle: the measure of area that the search minimises."""
        return self.pe * self.simd


@dataclass(frozen=True)
class FoldPlan:
    """The folding of every layer; `input_beats` and `output_beats` a frame; `target` cycles a frame."""

    layers: tuple[LayerFold, ...]
    input_beats: int
    output_beats: int
    target: int

    @property
    def slots(self) -> int:
        return sum(layer.slots for layer in self.layers)

    @property
    def cycles(self) -> int:
        """Return the cycles a frame of the slowest stage."""
        return max(self.stages().values())

    @property
    def bottleneck(self) -> str:
        """Return the name of the slowest stage: a layer, "input" or "output"."""
        stages = self.stages()
        return max(stages, key=stages.__getitem__)

    def stages(self) -> dict[str, int]:
        """Return stage → cycles a frame."""
        layers = {layer.name: layer.cycles for layer in self.layers}
        return {"input": self.input_beats} | layers | {"output": self.output_beats}

    def lines(self) -> list[str]:
        """Return the plan in words for people, one stage a line."""
        width = max(len(layer.name) for layer in self.layers)
        rows = [
            f"{self.slots} products a cycle; the slowest stage, {self.bottleneck}, takes {self.cycles} cycles an image"
        ]
        for layer in self.layers:
            folding = f"PE {layer.pe} × SIMD {layer.simd}" if layer.slots else "pool"
            rows.append(f"  {layer.name:<{width}}  {folding:<20} {layer.cycles:>10,} cycles an image")
        return rows


def divisors(n: int) -> tuple[int, ...]:
    """Return the divisors of n, ascending."""
    low = [d for d in range(1, int(n**0.5) + 1) if n % d == 0]
    return tuple(sorted({*low, *(n // d for d in low)}))


def legal_pe(layer: StreamLayer) -> tuple[int, ...]:
    """Return the PE counts that divide the output channels."""
    return divisors(layer.outputs)


def legal_simd(layer: StreamLayer) -> tuple[int, ...]:
    """Return the SIMD counts that divide the fan-in and split no tap unevenly (DESIGN D9)."""
    channels = layer.window.channels
    return tuple(s for s in divisors(layer.window.fan) if channels % s == 0 or s % channels == 0)


def plan_folding(
    layers: Sequence[StreamLayer],
    target: int | None = None,
    fold: Mapping[str, tuple[int, int]] | None = None,
) -> FoldPlan:
    """Return the folding with the fewest slots such that no stage needs more than `target` cycles a frame.

    Without a target: the cycles of the slowest stage that folding cannot change. fold: layer (value name or
    origin) → (pe, simd), which the target does not bind. LrtcError names every illegal folding with the legal ones.
    """
    given = _given(layers, fold or {})
    inputs, outputs = layers[0].input.size, layers[-1].output.size
    floors = {"input": inputs, **{layer.name: max(_gather(layer), layer.window.count) for layer in layers}}
    floors["output"] = outputs
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


def _gather(layer: StreamLayer) -> int:
    """Return the cycles a frame to collect the windows."""
    if layer.slides:
        return prod(layer.window.scan)
    return layer.input.size if layer.input.elem.kind == "u" else prod(layer.input.shape[:-1])


def _fold_layer(layer: StreamLayer, target: int, given: tuple[int, int] | None) -> LayerFold:
    windows, gather = layer.window.count, _gather(layer)
    if not layer.has_weights:
        return LayerFold(layer.name, 0, 0, 1, 1, windows, gather)
    outputs, fan = layer.outputs, layer.window.fan

    def made(pe: int, simd: int) -> LayerFold:
        return LayerFold(layer.name, pe, simd, outputs // pe, fan // simd, windows, gather)

    if given is not None:
        return made(*given)
    choices = [made(pe, simd) for pe in legal_pe(layer) for simd in legal_simd(layer)]
    # All pairs are tried, so the least area is exact. Of equal areas the fewest PEs: they cost accumulators.
    return min((c for c in choices if c.compute <= target), key=lambda c: (c.slots, c.pe))


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
            faults.add(name, f"pe={pe} does not divide {layer.outputs} outputs; legal: {_list(legal_pe(layer))}")
        if simd not in legal_simd(layer):
            what = f"{layer.window.taps} taps of {layer.window.channels} channels"
            faults.add(name, f"simd={simd} does not fit {what}; legal: {_list(legal_simd(layer))}")
        found[layer.name] = (pe, simd)
    faults.check("{n} in the requested folding")
    return found


def _list(values: Sequence[int]) -> str:
    return ", ".join(map(str, values))
