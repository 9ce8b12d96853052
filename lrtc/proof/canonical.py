"""A graph → a cell for each channel of each value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from lrtc.interp import MEANING
from lrtc.ir import Graph, Node
from lrtc.ir.ops import (
    Add,
    Affine,
    BatchNorm,
    Channels,
    Clamp,
    Concat,
    Const,
    Conv2d,
    Crop,
    Divide,
    Flatten,
    Identity,
    Linear,
    Maximum,
    MaxPool2d,
    Op,
    Pad,
    Quantize,
    Rearrange,
    ScaleBias,
    Sign,
    SumPool2d,
    Ternarize,
    Threshold,
    TopK,
)  # fmt: skip
from lrtc.proof.cells import Cell, Table, affordable, combine, digest

UNARY = (Affine, BatchNorm, Clamp, Divide, Identity, Quantize, ScaleBias, Sign, Ternarize, Threshold)
Cells = list[Cell]


def cells_of(graph: Graph) -> Iterator[tuple[Node | None, str, Cells]]:
    """Yield (node, value, its cells) of every input (no node) and every value, in order. TooMany as in `cells`.

    Cells that no later node reads are dropped.
    """
    known: dict[str, Cells] = {}
    last = {name: i for i, node in enumerate(graph.nodes) for name in node.ins}
    for source in graph.inputs:
        known[source.name] = _input(source.name, source.type.shape, source.type.elem.high)
        yield None, source.name, known[source.name]
    for i, node in enumerate(graph.nodes):
        if isinstance(node.op, Const) and not any(_as_value(graph, user, node.out) for user in graph.users[node.out]):
            continue
        known[node.out] = _cells(graph, node, known)
        yield node, node.out, known[node.out]
        for name in {*node.ins, node.out}:
            if last.get(name, i) == i:
                known.pop(name, None)


def _as_value(graph: Graph, user: Node, name: str) -> bool:
    """Return whether a constant is read as a value, not as weights or rows."""
    return isinstance(user.op, (Add, Concat, Maximum)) or user.ins[0] == name


def _input(name: str, shape: tuple[int, ...], high: int) -> Cells:
    shared = Table.evenly(0, 1, high + 1)

    def element(k: int) -> Cell:
        return Cell(digest("input", name, k), shared)

    if len(shape) == 1:
        return [element(k) for k in range(shape[0])]
    channels = shape[-1]
    return [
        Cell(digest("input", name, shape, c), shared, lambda i, c=c: element(i * channels + c), shared)
        for c in range(channels)
    ]


def _cells(graph: Graph, node: Node, known: Mapping[str, Cells]) -> Cells:
    op, shape = node.op, node.type.shape
    if isinstance(op, Const):
        return _elements_as(op.value.astype(np.int32), lambda v: Cell.constant(int(v)))
    ins = [known.get(name) for name in node.ins]
    before = graph.types[node.ins[0]].shape
    if isinstance(op, UNARY):
        return _mapped(op, ins[0], [graph.const(name) for name in node.ins[1:]])
    match op:
        case Conv2d():
            return _convolved(op, ins[0], graph.const(node.ins[1]), before)
        case Linear():
            weights = graph.const(node.ins[1]).reshape(shape[0], -1)
            return combine(("linear",), list(_elements(ins[0], before).ravel()), weights[:, :, None], False)
        case Add():
            return [_sum(a, b, before) for a, b in zip(*ins, strict=True)]
        case Maximum():
            return [_greatest(op, a, b, before) for a, b in zip(*ins, strict=True)]
        case SumPool2d():
            taps = np.ones((1, 1, prod(op.kernel)), np.int64)
            tag = ("sumpool", op.attributes(), before[:2])
            return [combine(tag, [x], taps, any(op.padding))[0] for x in ins[0]]
        case MaxPool2d():
            f = graph.const(node.ins[1]) if len(node.ins) > 1 else np.ones(shape[-1], np.int8)
            return [_pooled(op, x, int(sign), before) for x, sign in zip(ins[0], f, strict=True)]
        case Flatten() | Rearrange():
            elements = _elements(ins[0], before)
            axes = (
                op.axes if isinstance(op, Rearrange) else (2, 0, 1) if op.order == "CHW" and len(before) == 3 else None
            )
            moved = elements if axes is None else elements.transpose(axes)
            return _regrouped(moved.reshape(shape), ins[0] if shape == before else [])
        case Pad():
            tag = ("pad", op.padding, op.value, before)
            return [_placed(tag, x, np.append(np.unique(x.table.values), op.value)) for x in ins[0]]
        case Crop():
            return [_cropped(op, x, before) for x in ins[0]]
        case Channels():
            return [ins[0][k] for k in graph.const(node.ins[1])]
        case Concat():
            return [cell for part in ins for cell in part]
        case TopK():
            anchor = digest("topk", *(x.exact for x in ins[0]))
            reached = np.arange(before[-1], dtype=np.int32)
            return [Cell.of_values(digest(anchor, op.k, k), reached) for k in range(shape[-1])]
    raise TypeError(f"no proof rule for {op.name}")


def _mapped(op: Op, cells: Cells, rows: Sequence[np.ndarray]) -> Cells:
    """Return op of each channel, evaluated by the interpreter on whole tables, those of one length at once."""
    if isinstance(op, Identity):
        return cells
    groups: dict[int, dict[tuple, list[int]]] = {}
    found: list[Cell | None] = [None] * len(cells)
    for c, cell in enumerate(cells):
        even = cell.table.affine(*map(int, rows[0][:, c])) if isinstance(op, Affine) else None
        if even is not None:
            found[c] = cell.with_table(even)
            continue
        mine = tuple(row[..., c].tobytes() for row in rows)
        groups.setdefault(cell.table.count, {}).setdefault((id(cell.table), *mine), []).append(c)
    affordable([count for count, alike in groups.items() for _ in alike] or [0])
    for alike in groups.values():
        chosen = [same[0] for same in alike.values()]
        x = np.stack([cells[c].table.values for c in chosen], axis=-1)
        y = MEANING[type(op)](op, x, *(row[..., chosen] for row in rows))
        y = y.astype(np.float32 if y.dtype.kind == "f" else np.int32)
        for k, same in enumerate(alike.values()):
            table = Table(np.ascontiguousarray(y[:, k]))
            for c in same:
                found[c] = cells[c].with_table(table)
    return found


def _convolved(op: Conv2d, x: Cells, weights: np.ndarray, before: tuple[int, ...]) -> Cells:
    outputs, kernel, inside = weights.shape[0] // op.groups, weights.shape[1:3], weights.shape[-1]
    flat = weights.transpose(0, 3, 1, 2).reshape(len(weights), inside, -1)
    tag = ("conv", kernel, replace(op, groups=1).attributes(), before[:2])
    cells = []
    for g in range(op.groups):
        mine = flat[g * outputs : (g + 1) * outputs]
        cells += combine(tag, x[g * inside : (g + 1) * inside], mine, any(op.padding))
    return cells


def _elements(cells: Cells, shape: tuple[int, ...]) -> np.ndarray:
    """Return the elements of a value as an array of its shape."""
    found = np.empty((prod(shape[:-1]), shape[-1]), dtype=object)
    for c, cell in enumerate(cells):
        found[:, c] = [cell.at(i) for i in range(len(found))] if len(shape) > 1 else [cell]
    return found.reshape(shape)


def _elements_as(values: np.ndarray, make: Callable[[object], Cell]) -> Cells:
    made = np.empty(values.shape, dtype=object)
    made.ravel()[:] = [make(v) for v in values.ravel()]
    return _regrouped(made, [])


def _regrouped(elements: np.ndarray, before: Cells) -> Cells:
    """Return the channels of an array of elements; one that is a channel of `before`, place by place, is that one."""
    if elements.ndim == 1:
        return list(elements)
    planes = elements.reshape(-1, elements.shape[-1])
    known = {(cell.at(0).exact, cell.at(len(planes) - 1).exact): cell for cell in before}
    cells = []
    for plane in planes.T:
        if len({cell.exact for cell in plane}) == 1 and not plane[0].anchor:
            cells.append(plane[0])
            continue
        same = known.get((plane[0].exact, plane[-1].exact))
        if same is not None and all(cell.exact == same.at(i).exact for i, cell in enumerate(plane)):
            cells.append(same)
            continue
        tables = {id(cell.table): cell.table.values for cell in plane}
        reached = np.unique(np.concatenate([np.unique(v) for v in tables.values()])).astype(np.int32)
        anchor = digest("plane", elements.shape[:-1], *(cell.exact for cell in plane))
        cells.append(Cell.of_values(anchor, reached, list(plane).__getitem__))
    return cells


def _sum(a: Cell, b: Cell, shape: tuple[int, ...]) -> Cell:
    """Return a + b: exactly where both depend on one anchor, or on none."""
    if not a.anchor or not b.anchor or a.anchor == b.anchor:
        x = a if a.anchor else b
        return x.with_table(Table((a.table.values + b.table.values).astype(np.int32)))
    return combine(("sum", shape[:-1]), [a, b], np.ones((1, 2, 1), np.int64), False)[0]


def _greatest(op: Maximum, a: Cell, b: Cell, shape: tuple[int, ...]) -> Cell:
    """Return max(a, b), or min: exactly where both depend on one anchor, or on none."""
    if not a.anchor or not b.anchor or a.anchor == b.anchor:
        x = a if a.anchor else b
        return x.with_table(Table(MEANING[Maximum](op, a.table.values, b.table.values)))
    values, ends = np.union1d(a.table.values, b.table.values), np.array([a.table.ends, b.table.ends])
    low, high = (ends.min(axis=0) if op.least else ends.max(axis=0)).tolist()
    reached = values[(values >= low) & (values <= high)]
    if len(reached) == 1:
        return Cell.constant(int(reached[0]))
    tag = digest("maximum", op.least, shape[:-1], *sorted((a.exact, b.exact)))
    return Cell.of_values(tag, reached.astype(np.int32))


def _pooled(op: MaxPool2d, x: Cell, f: int, shape: tuple[int, ...]) -> Cell:
    """Return f · max of f · x.

    Where f · x rises with the anchor (or falls), the greatest of it stands where the anchor is greatest (least), so the
    pool is one of the anchor and the table stays: a decision before a pool and behind it are the same cell.
    """
    if not x.anchor:
        return x
    tag, direction = ("maxpool", op.attributes(), shape[:2]), x.table.direction
    if direction is not None:
        return Cell(digest(*tag, "greatest" if f * direction > 0 else "least", x.anchor), x.table)
    return _placed((*tag, f), x, np.unique(x.table.values))


def _placed(tag: tuple, x: Cell, values: np.ndarray) -> Cell:
    """Return a cell of its own that takes some of these values."""
    return Cell.of_values(digest(*tag, x.exact), np.unique(values).astype(x.table.values.dtype))


def _cropped(op: Crop, x: Cell, shape: tuple[int, ...]) -> Cell:
    if not x.anchor:
        return x
    top, _, left, right = op.margins
    width = shape[1] - left - right

    def inner(i: int) -> Cell:
        return x.places((i // width + top) * shape[1] + i % width + left)

    anchor = digest("crop", op.margins, shape[:2], x.anchor)
    return Cell(anchor, x.table, inner if x.places else None, x.plain)
