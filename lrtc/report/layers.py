"""Where the boxes of a drawn graph stand: rows by depth, long edges through empty places, few crossings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from itertools import pairwise

SWEEPS = 4  # of ordering rows by their neighbours; more change little


def rows_of(edges: Mapping[str, Sequence[str]]) -> tuple[list[list[str]], dict[tuple[str, str], list[str]]]:
    """Return rows of names, and edge → the places that it runs through, both ends included.

    edges: name → what it reads, in topological order. A place that begins with "." is no box: an edge longer than one
    row passes there.
    """
    depth: dict[str, int] = {}
    for name, reads in edges.items():
        depth[name] = 1 + max((depth[r] for r in reads), default=-1)
    rows: list[list[str]] = [[] for _ in range(1 + max(depth.values(), default=-1))]
    routes: dict[tuple[str, str], list[str]] = {}
    for name, reads in edges.items():
        for read in dict.fromkeys(reads):
            between = [f".{read}>{name}>{k}" for k in range(depth[read] + 1, depth[name])]
            for k, place in enumerate(between, depth[read] + 1):
                rows[k].append(place)
            routes[read, name] = [read, *between, name]
        rows[depth[name]].append(name)
    _untangle(rows, routes)
    return rows, routes


def _untangle(rows: list[list[str]], routes: Mapping[tuple[str, str], Sequence[str]]) -> None:
    """Order each row by the mean place of its neighbours above, then below, some times."""
    above, below = defaultdict(list), defaultdict(list)
    for route in routes.values():
        for one, other in pairwise(route):
            below[one].append(other)
            above[other].append(one)
    for sweep in range(SWEEPS):
        near = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            at = {name: (k + 0.5) / len(other) for other in rows for k, name in enumerate(other)}
            row.sort(key=lambda name: sum(at[n] for n in near[name]) / len(near[name]) if near[name] else at[name])
