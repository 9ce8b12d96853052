"""The compiler's table of contents: every pass, every pipeline, and why each stands where it stands.

A pass is a frozen dataclass with `name` and `run(graph) -> graph`: valid IR in, valid IR out, the same outputs bit
for bit. Its fields are its options.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from lrtc import interp
from lrtc.errors import LrtcError, nearest
from lrtc.ir import Graph, IllegalGraph, verify
from lrtc.passes.absorb_flatten import AbsorbFlatten
from lrtc.passes.drop_identities import DropIdentities
from lrtc.passes.flatten_input import FlattenInput
from lrtc.passes.fold_thresholds import FoldThresholds
from lrtc.passes.merge_affine import MergeAffine
from lrtc.passes.merge_equal import MergeEqual
from lrtc.passes.merge_neurons import MergeNeurons
from lrtc.passes.pack import Pack
from lrtc.passes.prune_channels import PruneChannels
from lrtc.passes.sink_flatten import SinkFlatten
from lrtc.passes.sink_pool import SinkPool
from lrtc.passes.snap_levels import SnapLevels


class Pass(Protocol):
    """What every pass looks like."""

    name: str

    def run(self, graph: Graph) -> Graph:
        """Return a graph with the same outputs."""


INTEGER: tuple[Pass, ...] = (
    DropIdentities(),  # first: nothing below has to look through a dropout
    SinkFlatten(),  # before folding: a sign behind a flatten must come to stand behind its batchnorm
    SinkPool(),  # before folding: pool → batchnorm → sign must become batchnorm → sign → pool
    FoldThresholds(),  # needs batchnorm and sign adjacent, above an integer
    AbsorbFlatten(),  # by now a flatten stands right before its linear
    MergeEqual(),  # before pruning: a value with one reader less may be cut
    MergeAffine(),
    SnapLevels(),  # before merging neurons: equal functions must have equal levels
    MergeNeurons(),  # before pruning: the twin is left without readers
    PruneChannels(),  # last: it needs thresholds, which alone can be constant
)
# What constants of the same types would not change: nothing merged, cut or turned because of their values.
RELOADABLE: tuple[Pass, ...] = (
    DropIdentities(),
    SinkFlatten(),
    SinkPool(turns=False),  # batchnorm → pool → sign still becomes batchnorm → sign → pool
    FoldThresholds(),
    AbsorbFlatten(),
    MergeAffine(),
    SnapLevels(),
)
PIPELINES: dict[str, tuple[Pass, ...]] = {
    "none": (),
    "reloadable": RELOADABLE,
    "integer": INTEGER,
    # flatten-input: after the flattens are absorbed; packing last: the passes above work on plain layouts
    "c": (*INTEGER, FlattenInput(word=32), Pack(word=32)),
    "verilog": INTEGER,  # streams are not packed into words
}
PASSES: dict[str, Pass] = {p.name: p for pipeline in PIPELINES.values() for p in pipeline}


def run_pipeline(
    graph: Graph,
    pipeline: str | Sequence[Pass],
    watch: Callable[[Pass, Graph], None] | None = None,
    probe: interp.Feeds | None = None,
) -> Graph:
    """Return the graph after all passes of a pipeline; every result is verified.

    watch(pass, graph) sees each result. probe: data as `interp.answers` takes it; outputs on it must stay the same bit
    for bit after every pass; IllegalGraph names the pass that changed one.
    """
    passes = pipeline_named(pipeline) if isinstance(pipeline, str) else pipeline
    before = None if probe is None else interp.answers(graph, probe)
    for step in passes:
        graph = verify(step.run(graph))
        if before is not None:
            _same(step, before, interp.answers(graph, probe))
        if watch is not None:
            watch(step, graph)
    return graph


def _same(step: Pass, before: dict[str, np.ndarray], after: dict[str, np.ndarray]) -> None:
    if list(before) != list(after):
        raise IllegalGraph(f"pass {step.name} changed the outputs from {', '.join(before)} to {', '.join(after)}")
    for name, was in before.items():
        now = after[name]
        if was.shape != now.shape:
            raise IllegalGraph(f"pass {step.name} changed the shape of {name} from {was.shape} to {now.shape}")
        if (different := np.argwhere(was != now)).size:
            at = tuple(int(i) for i in different[0])
            raise IllegalGraph(f"pass {step.name} changed output {at} of {name}: was {was[at]}, is {now[at]}")


def pipeline_named(name: str) -> tuple[Pass, ...]:
    """Return a pipeline; LrtcError names the known ones."""
    if name not in PIPELINES:
        raise LrtcError(f"no pipeline {name!r}{nearest(name, PIPELINES)}; known: {', '.join(PIPELINES)}")
    return PIPELINES[name]


__all__ = ["PASSES", "PIPELINES", "Pass", "pipeline_named", "run_pipeline"]
