"""All inputs of a sample in a row, all outputs in a row: how callers of compiled code carry them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from lrtc.ir.graph import Graph


@dataclass(frozen=True)
class Ports:
    """taken: elements of each input. given: integers of each output."""

    taken: tuple[int, ...]
    given: tuple[int, ...]


def ports_of(graph: Graph) -> Ports:
    """Return the sizes of a graph's inputs and outputs."""
    return Ports(tuple(v.type.size for v in graph.inputs), tuple(graph.types[name].size for name in graph.outputs))


def in_rows(values: Iterable[np.ndarray]) -> np.ndarray:
    """Return [N, sum of sizes] of values [N,…], one behind the other."""
    rows = [value.reshape(len(value), -1) for value in values]
    return rows[0] if len(rows) == 1 else np.concatenate(rows, axis=1)


def from_rows(graph: Graph, rows: np.ndarray) -> dict[str, np.ndarray]:
    """Return {result: values [N,*shape]} of rows [N, sum of sizes]; the inverse of `in_rows` for outputs."""
    found, at = {}, 0
    for result, name in zip(graph.results, graph.outputs, strict=True):
        type_ = graph.types[name]
        found[result] = rows[:, at : at + type_.size].reshape(len(rows), *type_.shape)
        at += type_.size
    return found


def feed_rows(graph: Graph, feeds: Mapping[str, np.ndarray]) -> np.ndarray:
    """Return uint8 [N, sum of sizes] of input → data, in the order of the graph's inputs."""
    return in_rows(np.ascontiguousarray(feeds[value.name], dtype=np.uint8) for value in graph.inputs)
