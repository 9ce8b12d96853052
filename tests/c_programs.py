"""Networks compiled to C, many in one program, so that a test pays for one compiler run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from graphs import random_feeds

from lrtc import interp
from lrtc.backends.c import CPlan, emit, refuse
from lrtc.check.host import HostProgram, build_host
from lrtc.check.toolchain import STRICT
from lrtc.ir import Graph, Ports, feed_rows, in_rows, ports_of
from lrtc.passes import run_pipeline


@dataclass(frozen=True)
class Compiled:
    """A network as C: its files, its plan, inputs uint8 [N,…] and the interpreter's logits int32 [N,classes].

    Several inputs lie in a row, and several outputs (`lrtc.ir.ports`).
    """

    name: str
    files: dict[str, str]
    plan: CPlan
    x: np.ndarray
    want: np.ndarray
    ports: Ports

    @property
    def classes(self) -> int | Ports:
        return self.want.shape[1] if len(self.ports.taken) == len(self.ports.given) == 1 else self.ports


def to_c(graph: Graph, images: int = 6, seed: int = 0, feed: np.ndarray | None = None, **options) -> Compiled:
    """Return a graph compiled to C, with inputs and what the interpreter answers on the graph as it was given.

    feed: the data of its one input, if not random.
    """
    feeds = random_feeds(graph, images, seed) if feed is None else {graph.inputs[0].name: feed}
    x = feeds[graph.inputs[0].name] if graph.is_plain else feed_rows(graph, feeds)
    want = in_rows(interp.answers(graph, feeds).values()).astype(np.int32)
    packed = run_pipeline(graph, "c")
    assert refuse(packed) == []
    output = emit(packed, graph.name, {"vectors": (x[:2], want[:2]), **options})
    return Compiled(graph.name, dict(output.files), output.plan, x, want, ports_of(graph))


def to_program(networks: Iterable[Compiled], folder: Path, extra: Sequence[str] = (), **options) -> HostProgram:
    """Return one program of all networks, compiled without a warning."""
    return build_host({n.name: (n.files, n.classes) for n in networks}, folder, flags=(*STRICT, *extra), **options)


def assert_equal(network: Compiled, got: np.ndarray) -> None:
    """Fail with the first logit that differs."""
    if not np.array_equal(got, network.want):
        image, k = np.argwhere(got != network.want)[0]
        want = network.want[image, k]
        pytest.fail(f"{network.name}: image {image}, class {k}: want {want}, got {got[image, k]}")
