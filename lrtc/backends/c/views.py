"""Steps → what the templates see: frozen objects of names, numbers and finished text. No template computes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.comments import comment_text
from lrtc.backends.c.steps import CPlan, Step, Window, framed, storage
from lrtc.backends.c.tables import Table, number_table, word_table
from lrtc.backends.c.weights import (
    Sum,
    border,
    integer_bits,
    plane_words,
    sign_words,
    straight_sums,
    ternary_words,
)  # fmt: skip
from lrtc.ir import Graph, TensorType
from lrtc.ir.bits import pack_bits, words_for

CTYPE = {"word": "uint32_t", "byte": "uint8_t", "integer": "int32_t"}
FORMULA = {
    "count": "acc[o] = sum of w * x: 2 * (lanes that agree) - (weights that are not 0)",
    "count_planes": "acc[o] = sum of w * x, a weight bit at a time: sum of 2^b * (lanes that agree) - base[o]",
    "slices": "acc[o] = sum of w * x, an input bit at a time: sum of 2^b * (lanes that agree) - base[o]",
    "sums": "acc[o] = sum of w * x, written out; two neighbouring columns share a word, 16 bits each",
    "integers": "acc[o] = sum of w * x",
    "pool_bits": "y[c] = the greatest of +-1 in the window (OR); the least where a channel's direction is -1 (AND)",
    "pool_integers": "y[c] = the greatest in the window; the least where a channel's direction is -1",
    "threshold": "y[c] = +1 where x[c] >= level[c], else -1; the other way round where flipped",
    "affine": "y[c] = x[c] * multiplier[c] + offset[c]",
    "copy": "logits = x",
}
DECISION = {
    "count": "y[o] = +1 where acc[o] >= level[o]: where the lanes that agree reach limit[o], which holds all constants",
    "sums": "y[o] = +1 where acc[o] >= level[o]: each half starts at 0x8000 - level[o], its top bit tells",
}


@dataclass(frozen=True)
class WindowView:
    """A window in the units of its storage: `depth` words, bytes or integers a pixel; flat: no gathering needed."""

    rows: int
    cols: int
    depth: int
    kernel_rows: int
    kernel_cols: int
    stride_rows: int
    stride_cols: int
    top: int
    left: int
    out_rows: int
    out_cols: int
    single: bool
    flat: bool
    row_step: int
    col_step: int


@dataclass(frozen=True)
class SumsView:
    """The straight-line code of a layer on bytes: taps (number, two offsets), groups of at most 16 outputs."""

    framed: bool
    rows: int
    row_bytes: int
    pairs: int
    last: int
    row_step: int
    pair_step: int
    top: int
    left_bytes: int
    in_row_bytes: int
    odd: bool
    taps: tuple[tuple[int, int, int], ...]
    total: str
    groups: tuple[tuple[tuple[Sum, ...], int], ...]
    words: tuple[tuple[int, int | None], ...]


@dataclass(frozen=True)
class LayerView:
    """One C function. ending: `bits`, `affine` or `plain`, what happens to an accumulator."""

    function: str
    template: str
    comment: tuple[str, ...]
    tables: tuple[Table, ...]
    x_ctype: str
    y_ctype: str
    scratch_ctype: str
    ending: str
    outputs: int
    pixels: int
    channels: int
    words: int
    planes: int
    elements: int
    ternary: bool
    padded: bool
    classes: int
    class_cols: int
    class_ctype: str
    weight_ctype: str
    plane_words: int
    has_flip: bool
    window: WindowView | None
    sums: SumsView | None
    call: str
    summary: str
    kernels: frozenset[str]


def layer_views(graph: Graph, plan: CPlan, name: str) -> tuple[LayerView, ...]:
    """Return the view of every step, in order."""
    return tuple(_layer(graph, plan, name, i, step) for i, step in enumerate(plan.steps))


def _layer(graph: Graph, plan: CPlan, name: str, index: int, step: Step) -> LayerView:
    x = graph.types[step.x]
    y = graph.types[step.y] if step.y != "logits" else None
    function = f"{name}_{index + 1}_{step.nodes[0].out if step.nodes else 'logits'}"
    tables, extra = _TABLES[step.kind](step, function, x)
    ending = "bits" if step.level is not None else "affine" if step.rows is not None else "plain"
    outputs = len(step.weights) if step.weights is not None else x.shape[-1]
    fields = {
        "planes": 0, "elements": 0, "ternary": False, "padded": False, "classes": 1, "class_cols": 1,
        "has_flip": False, "words": words_for(x.shape[-1], 32), "sums": None,
    } | extra  # fmt: skip
    ctypes = {table.name.removeprefix(f"{function}_"): table.ctype for table in tables}
    return LayerView(
        function=function,
        template=f"{step.kind}.c.j2",
        comment=_comment(graph, step),
        tables=tables,
        x_ctype=CTYPE[storage(x)],
        y_ctype="int32_t" if y is None else CTYPE[storage(y)],
        scratch_ctype=("uint8_t" if step.kind == "sums" else "uint32_t") if step.scratch else "",
        ending=ending,
        outputs=outputs,
        pixels=x.size // x.shape[-1],
        channels=x.shape[-1],
        window=_window(step, x),
        call=_call(graph, plan, index, step),
        summary=f"{_comment(graph, step)[0]}: {x} -> {y or 'int32_t'}",
        class_ctype=ctypes.get("limit") or ctypes.get("base", ""),
        weight_ctype=ctypes.get("weights", ""),
        plane_words=fields["planes"] * fields["words"],
        kernels=_kernels(step, ending, fields["ternary"]),
        **fields,
    )


def _kernels(step: Step, ending: str, ternary: bool) -> frozenset[str]:
    """Return which texts of hw/c the function calls."""
    count = {"count", "count_t2" if ternary else "count_b1"}
    gathers = step.window is not None and not step.window.covers_pixels
    calls = {
        "count": count | ({"window", "gather"} if gathers else set()),
        "count_planes": count | {"signed"} | ({"window", "gather"} if gathers else set()),
        "slices": count | {"signed", "slice_u8"} | ({"window", "gather_u8"} if gathers else set()),
        "sums": {"bits"} | ({"pad_u8"} if step.scratch else set()),
        "integers": {"signed"},
        "pool_bits": {"window", "maxpool_b1"},
        "affine": {"signed"},
    }.get(step.kind, set())
    return frozenset(calls | {"bits": {"bits"}, "affine": {"signed"}, "plain": set()}[ending])


def _comment(graph: Graph, step: Step) -> tuple[str, ...]:
    """Return the lines above a function: origins, shapes, formula."""
    x = graph.types[step.x]
    shapes = f"{x}"
    for node in step.nodes:
        operands = "".join(f", {graph.types[i]}" for i in node.ins[1:])
        attributes = "".join(f" {k}={v}".replace(" ", "") + " " for k, v in node.op.attributes().items()).strip()
        shapes += f"\n  {node.op.name}{operands}{' ' + attributes if attributes else ''} -> {node.type}"
    title = ", ".join(step.origins)[:200] or (step.nodes[0].out if step.nodes else "output")
    decision = (DECISION.get(step.kind, "y[o] = +1 where acc[o] >= level[o]"),) if step.level is not None else ()
    if decision and step.flip.any():
        decision += ("where the threshold is flipped, the weights are negated and the level is 1 - level",)
    lines = (title, *shapes.splitlines(), FORMULA[step.kind], *(decision if step.weights is not None else ()))
    return tuple(comment_text(line) for line in lines)


def _call(graph: Graph, plan: CPlan, index: int, step: Step) -> str:
    """Return the arguments of the call in the entry function."""
    scratch = ""
    if step.scratch:
        offset = plan.arena.offset(plan.scratch(index)) // 4
        scratch = f"(uint8_t *)(arena + {offset}), " if step.kind == "sums" else f"arena + {offset}, "
    return f"{_place(graph, plan, step.x)}, {scratch}{_place(graph, plan, step.y)}"


def _place(graph: Graph, plan: CPlan, value: str) -> str:
    if value in {v.name for v in graph.inputs}:
        return "input"
    if value == "logits" or (value in graph.outputs and plan.steps[-1].y == value):
        return "logits"
    return _cast(graph.types[value], plan.arena.offset(value) // 4)


def _cast(type_: TensorType, offset: int) -> str:
    ctype = CTYPE[storage(type_)]
    return f"arena + {offset}" if ctype == "uint32_t" else f"({ctype} *)(arena + {offset})"


def _window(step: Step, x: TensorType) -> WindowView | None:
    w = step.window
    if w is None:
        return None
    depth = words_for(w.channels, 32) if storage(x) == "word" else w.channels
    return WindowView(
        w.rows, w.cols, depth, *w.kernel, *w.stride, w.padding[0], w.padding[2], *w.out,
        single=w.out == (1, 1), flat=w.covers_pixels, row_step=w.stride[0] * w.cols * depth,
        col_step=w.stride[1] * depth,
    )  # fmt: skip


def _matrix_tables(step: Step, function: str, words: np.ndarray, base: np.ndarray, scale: int) -> tuple:
    """Return the tables of a layer that counts: weights, limits or bases by border class, classes, ending."""
    classes = border(step.window, step.weights) if step.kind in ("count", "count_planes") else None
    n_classes = 1 if classes is None else len(classes.missing)
    bases = base[None, :] - (0 if classes is None else classes.missing)
    tables = [word_table(f"{function}_weights", words)]
    if step.kind == "count" and step.level is not None:  # scale·count − base ≥ level ⇔ count ≥ limit
        limit = np.clip(-((-bases - step.level) // scale), 0, None)
        tables.append(number_table(f"{function}_limit", _squeeze(limit), least=16))
    else:
        tables.append(number_table(f"{function}_base", _squeeze(bases), least=16))
        tables += _ending_tables(step, function)
    if n_classes > 1:
        tables.append(number_table(f"{function}_row_class", classes.rows))
        tables.append(number_table(f"{function}_col_class", classes.cols))
    return tuple(tables), n_classes, 1 if classes is None else classes.n_cols


def _squeeze(table: np.ndarray) -> np.ndarray:
    return table[0] if len(table) == 1 else table


def _ending_tables(step: Step, function: str) -> list[Table]:
    if step.level is not None:
        return [number_table(f"{function}_level", step.level, least=16)]
    if step.rows is None:
        return []
    return [
        number_table(f"{function}_multiplier", step.rows[0], least=16),
        number_table(f"{function}_offset", step.rows[1], least=16),
    ]


def _count(step: Step, function: str, x: TensorType) -> tuple[tuple[Table, ...], dict]:
    ternary = bool((step.weights == 0).any())
    words = ternary_words(step.weights) if ternary else sign_words(step.weights)
    base = np.abs(step.weights).sum(axis=(1, 2, 3))
    tables, classes, cols = _matrix_tables(step, function, words, base, 2)
    n = words.shape[1] // (2 if ternary else 1)
    return tables, {"ternary": ternary, "words": n, "classes": classes, "class_cols": cols}


def _count_planes(step: Step, function: str, x: TensorType) -> tuple[tuple[Table, ...], dict]:
    words, bits, lanes = plane_words(step.weights), integer_bits(step.weights), step.weights[0].size
    base = np.full(len(step.weights), lanes * ((1 << (bits - 1)) - 1))
    tables, classes, cols = _matrix_tables(step, function, words, base, 1)
    return tables, {"planes": bits, "words": words.shape[1] // bits, "classes": classes, "class_cols": cols}


def _slices(step: Step, function: str, x: TensorType) -> tuple[tuple[Table, ...], dict]:
    flat = step.weights.reshape(len(step.weights), 1, 1, -1)
    ternary = bool((flat == 0).any())
    words = ternary_words(flat) if ternary else sign_words(flat)
    base = ((1 << x.elem.bits) - 1) * (flat < 0).sum(axis=(1, 2, 3))
    tables, _, _ = _matrix_tables(step, function, words, base, 1)
    n = words.shape[1] // (2 if ternary else 1)
    return tables, {"planes": x.elem.bits, "words": n, "elements": flat.shape[3], "ternary": ternary}


def _integers(step: Step, function: str, x: TensorType) -> tuple[tuple[Table, ...], dict]:
    flat = step.weights.reshape(len(step.weights), -1)
    return (number_table(f"{function}_weights", flat), *_ending_tables(step, function)), {}


def _sums(step: Step, function: str, x: TensorType) -> tuple[tuple[Table, ...], dict]:
    w = step.window
    rows, row_bytes = framed(w)
    sums, total = straight_sums(step.weights, step.level)
    used = set(np.flatnonzero((step.weights != 0).any(axis=0)))
    pair = w.stride[1] * w.channels
    taps = [
        ky * row_bytes + kx * w.channels + c
        for ky in range(w.kernel[0])
        for kx in range(w.kernel[1])
        for c in range(w.channels)
    ]
    groups = tuple((sums[i : i + 16], 16 - len(sums[i : i + 16])) for i in range(0, len(sums), 16))
    words = tuple((i, i + 1 if i + 1 < len(groups) else None) for i in range(0, len(groups), 2))
    view = SumsView(
        framed=step.scratch > 0, rows=rows, row_bytes=row_bytes, pairs=(w.out[1] + 1) // 2,
        last=(w.out[1] - 1) // 2,
        row_step=w.stride[0] * row_bytes, pair_step=2 * pair, top=w.padding[0],
        left_bytes=w.padding[2] * w.channels, in_row_bytes=w.cols * w.channels, odd=w.out[1] % 2 == 1,
        taps=tuple((i, t, t + pair) for i, t in enumerate(taps) if total or i in used),
        total=" + ".join(f"x{i}" for i in range(len(taps))) if total else "", groups=groups, words=words,
    )  # fmt: skip
    return (), {"sums": view, "words": words_for(len(step.weights), 32)}


def _pool(step: Step, function: str, x: TensorType) -> tuple[tuple[Table, ...], dict]:
    if step.kind == "pool_bits":
        least = np.zeros(x.shape[-1], dtype=bool) if step.flip is None else step.flip
        return (word_table(f"{function}_least", pack_bits(least, 32)),), {}
    if step.flip is None:
        return (), {}
    return (number_table(f"{function}_least", step.flip.astype(np.int64)),), {"has_flip": True}


def _threshold(step: Step, function: str, x: TensorType) -> tuple[tuple[Table, ...], dict]:
    tables = (number_table(f"{function}_level", step.level, least=16),)
    if not step.flip.any():
        return tables, {}
    return (*tables, word_table(f"{function}_flip", pack_bits(step.flip, 32))), {"has_flip": True}


def _affine(step: Step, function: str, x: TensorType) -> tuple[tuple[Table, ...], dict]:
    return tuple(_ending_tables(step, function)), {}


def _copy(step: Step, function: str, x: TensorType) -> tuple[tuple[Table, ...], dict]:
    return (), {}


_TABLES = {
    "count": _count, "count_planes": _count_planes, "slices": _slices, "sums": _sums, "integers": _integers,
    "pool_bits": _pool, "pool_integers": _pool, "threshold": _threshold, "affine": _affine, "copy": _copy,
}  # fmt: skip


__all__ = ["LayerView", "SumsView", "Window", "WindowView", "layer_views"]
