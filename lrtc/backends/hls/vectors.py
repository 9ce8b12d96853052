"""What the test bench carries: images in rows, and their answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.hls.parts import Table, table
from lrtc.backends.hls.top import TopView
from lrtc.ir import Graph


@dataclass(frozen=True)
class VectorsView:
    """count: images. taken, given: bytes and values of one."""

    count: int
    taken: int
    given: int
    tables: tuple[Table, ...]


def vectors_view(graph: Graph, top: TopView, vectors: object) -> VectorsView:
    """Return the vectors (bytes [N, taken], answers [N, values]); without any, an image of zeros and no answer.

    Where the accelerator answers with a class, so do the vectors.
    """
    taken, given = sum(port.elements for port in top.inputs), sum(port.elements for port in top.outputs)
    if vectors is None:
        return VectorsView(0, taken, given, _tables(top.name, np.zeros((1, taken)), np.zeros((1, given))))
    x, y = vectors
    if top.answer == "class":
        y = np.asarray(y).argmax(axis=1)[:, None]
    return VectorsView(len(x), taken, given, _tables(top.name, np.asarray(x), np.asarray(y)))


def _tables(name: str, x: np.ndarray, y: np.ndarray) -> tuple[Table, ...]:
    return (
        table(f"{name}_x", "unsigned char", x.astype(np.int64), (), 8),
        table(f"{name}_y", "int", y.astype(np.int64), (), 32),
    )
