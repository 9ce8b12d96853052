"""Steps → layer views: names, tables, stages, comments, calls."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.formulas import comment
from lrtc.backends.c.memory import CPlan
from lrtc.backends.c.menu import Parts
from lrtc.backends.c.ports import port_views
from lrtc.backends.c.steps import Step
from lrtc.backends.c.storage import WORD, ctype_of_value, depth, kind_of, pixels
from lrtc.backends.c.tables import Table, number_table, word_table
from lrtc.backends.c.views import LayerView, OperandView, StageView, WindowView
from lrtc.ir import Graph, TensorType
from lrtc.ir.bits import pack_bits, words_for
from lrtc.ir.bits import planes as planes_of
from lrtc.ir.ops import Flatten, Maximum, Pad, Rearrange, TopK


def layer_views(graph: Graph, plan: CPlan, name: str) -> tuple[LayerView, ...]:
    """Return the view of every step, in order."""
    inputs, outputs = port_views(graph, name)
    callers = Callers({port.name: port.param for port in inputs}, tuple(port.param for port in outputs))
    return tuple(_layer(graph, plan, name, callers, i, step) for i, step in enumerate(plan.steps))


@dataclass(frozen=True)
class Callers:
    """The caller's memory: input → its pointer, and the pointers of the outputs."""

    inputs: dict[str, str]
    outputs: tuple[str, ...]


def _layer(graph: Graph, plan: CPlan, name: str, callers: Callers, index: int, step: Step) -> LayerView:
    answers = step.output is not None
    function = f"{name}_{index + 1}_{step.nodes[0].out if step.nodes else graph.results[step.output]}"
    x, y = graph.types[step.xs[0]], graph.types[step.y if step.nodes else step.xs[0]]
    store = "int" if answers else {"b1": "bits", "t2": "pair", "int": "int"}[kind_of(y)]
    y_ctype = "int32_t" if answers else ctype_of_value(y)
    parts = step.kernel.parts(step.matrix, function) if step.kernel else None
    operands, constants, places = _operands(graph, plan, step, function, callers)
    stages, stage_tables = _stages(graph, step, function, operands)
    window = _window(step, x)
    lines = comment(graph, step)
    n_added = step.stage_operands
    scratch = plan.place(plan.scratch(index), step.kernel.scratch_ctype) if step.scratch else ""
    params = [f"const {o.ctype} *{o.name}" for o in operands]
    params += [f"{step.kernel.scratch_ctype} *{step.kernel.scratch_name}"] if scratch else []
    extra = _extra(step)
    place = callers.outputs[step.output] if answers else _place(graph, plan, step.y, callers)
    in_order = bool(step.nodes) and isinstance(step.nodes[0].op, Flatten) and step.nodes[0].op.order == "HWC"
    return LayerView(
        function=function,
        template=f"{step.kernel.template if step.kernel else step.kind}.c.j2",
        comment=lines,
        tables=(*constants, *(parts.tables if parts else ()), *_own_tables(graph, step, function, x), *stage_tables),
        params=", ".join([*params, f"{y_ctype} *y"]),
        operands=operands,
        added=operands[len(operands) - n_added :],
        y_ctype=y_ctype,
        store=store,
        level=step.level is not None,
        flip=step.flip is not None and bool(step.flip.any()),
        stages=stages,
        value=stages[-1].result if stages else "acc",
        outputs=y.shape[-1],
        pixels=pixels(x),
        window=window,
        matrix=parts.view if parts else None,
        has_least=step.least is not None,
        least=bool(step.nodes) and isinstance(step.nodes[0].op, Maximum) and step.nodes[0].op.least,
        words=pixels(y) * words_for(y.shape[-1], WORD),
        extra=extra,
        in_order=in_order,
        places=pixels(y),
        walk=_walk(step, x),
        spans=operands[: len(operands) - n_added] if step.kind == "concat" else (),
        tail=(y.shape[-1] - 1) % WORD + 1,
        last_word=(y.shape[-1] - 1) // WORD,
        call=", ".join([*places, *([scratch] if scratch else []), place]),
        summary=f"{lines[0]}: {x} -> {y if step.nodes else 'int32_t'}",
        kernels=_kernels(step, store, operands, stages, parts, y_ctype),
    )


def _walk(step: Step, x: TensorType) -> tuple[tuple[str, int], ...]:
    """Return the counters of a rearrangement over its operand, (name, where it turns), the fastest first."""
    op = step.nodes[0].op if step.nodes else None
    if not isinstance(op, Rearrange):
        return ()
    names = ("row", "col", "c")[-len(x.shape) :]
    return tuple((names[axis], x.shape[axis]) for axis in reversed(op.axes))


def _operands(
    graph: Graph, plan: CPlan, step: Step, function: str, callers: Callers
) -> tuple[tuple, list[Table], list[str]]:
    """Return the operands, the tables of those that are constants, and where all of them lie."""
    views, tables, places = [], [], []
    for k, value in enumerate(step.xs):
        type_, name = graph.types[value], f"x{k + 1 if k else ''}"
        if (constant := graph.const(value)) is not None:
            tables.append(number_table(f"{function}_{name}", constant.reshape(-1).astype(np.int64)))
            places.append(tables[-1].name)
            views.append(OperandView(name, f"LRTC_ROM {tables[-1].ctype}", "int", type_.shape[-1], type_.shape[-1]))
            continue
        places.append(_place(graph, plan, value, callers))
        views.append(OperandView(name, ctype_of_value(type_), kind_of(type_), depth(type_), type_.shape[-1]))
    return tuple(views), tables, places


def _place(graph: Graph, plan: CPlan, value: str, callers: Callers) -> str:
    """Return where a value lies: an input of the caller's, or a place in the arena."""
    buffer = plan.buffers[value]
    return callers.inputs.get(buffer) or plan.place(buffer, ctype_of_value(graph.types[value]))


def _stages(graph: Graph, step: Step, function: str, operands: tuple) -> tuple[tuple[StageView, ...], list[Table]]:
    """Return the views of the stages, and their tables with the level behind them."""
    views, tables, source = [], [], "acc"
    added = list(operands[len(operands) - step.stage_operands :])
    for k, stage in enumerate(step.stages):
        says = {"kind": stage.kind, "source": source, "result": f"v{k + 1}"}
        suffix = f"_{k + 1}" if k else ""
        if stage.kind == "affine":
            tables.append(number_table(f"{function}_multiplier{suffix}", stage.rows[0], least=16))
            tables.append(number_table(f"{function}_offset{suffix}", stage.rows[1], least=16))
            says |= {"multiplier": tables[-2].name, "offset": tables[-1].name}
        elif stage.kind == "clamp":
            says |= {"low": stage.limits[0], "high": stage.limits[1]}
        elif stage.operand:
            says |= {"operand": added.pop(0)}
        else:
            levels = stage.levels.T
            shared = bool((levels == levels[0]).all())
            tables.append(number_table(f"{function}_levels", levels[0] if shared else levels, least=16))
            says |= {"table": tables[-1].name, "ctype": tables[-1].ctype, "count": levels.shape[1], "shared": shared}
            says |= {"base": stage.node.op.base, "has_flip": bool(stage.flip.any())}
            if says["has_flip"]:
                tables.append(number_table(f"{function}_flip", stage.flip.astype(np.int64)))
        views.append(StageView(**says))
        source = f"v{k + 1}"
    if step.level is not None and not (step.kernel and step.kernel.folds(step.matrix)):
        tables.append(number_table(f"{function}_level", step.level, least=16))
        if step.flip is not None and step.flip.any():
            tables.append(word_table(f"{function}_flip", pack_bits(step.flip, WORD)))
    return tuple(views), tables


def _own_tables(graph: Graph, step: Step, function: str, x: TensorType) -> tuple[Table, ...]:
    """Return the tables of pools and moves."""
    if step.kind == "pool_bits":
        least = np.zeros(x.shape[-1], dtype=bool) if step.least is None else step.least
        return (word_table(f"{function}_least", pack_bits(least, WORD)),)
    if step.kind == "pool_integers" and step.least is not None:
        return (number_table(f"{function}_least", step.least.astype(np.int64)),)
    if step.kind == "channels":
        return (number_table(f"{function}_index", graph.const(step.nodes[0].ins[1]).astype(np.int64)),)
    if step.kind == "place_words":
        fill = np.full(x.shape[-1], _extra(step) or (-1 if x.elem.kind == "b" else 0), dtype=np.int8)
        words = np.stack([pack_bits(p, WORD) for p in planes_of(fill, x.elem)], axis=-1)
        return (word_table(f"{function}_fill", words.reshape(-1)),)
    return ()


def _extra(step: Step) -> int:
    """Return the fill value of a pad, the k of a top-k, else 0."""
    op = step.nodes[0].op if step.nodes else None
    return op.value if isinstance(op, Pad) else op.k if isinstance(op, TopK) else 0


def _window(step: Step, x: TensorType) -> WindowView | None:
    w = step.window
    if w is None:
        return None
    units = depth(x)
    return WindowView(
        w.rows, w.cols, units, *w.kernel, *w.stride, *w.dilation, w.padding[0], w.padding[2], *w.out,
        single=w.out == (1, 1), flat=w.covers_pixels, row_step=w.stride[0] * w.cols * units,
        col_step=w.stride[1] * units,
    )  # fmt: skip


def _kernels(
    step: Step, store: str, operands: tuple, stages: tuple, parts: Parts | None, y_ctype: str
) -> frozenset[str]:
    """Return which texts of hw/c the function calls."""
    calls = set(parts.texts) if parts else {"window", "maxpool_b1"} if step.kind == "pool_bits" else set()
    whole = step.kind in ("pool_bits", "place_words", "join", "maximum_words")  # words are written, not elements
    added = operands[len(operands) - step.stage_operands :]
    reads = added if whole or (step.kernel and not step.kernel.reads_elements) else operands
    calls |= {f"read_{o.kind}" for o in reads if o.kind != "int"}
    elements = step.kernel.elements if step.kernel else not whole
    calls |= {"bits"} if store == "bits" and elements else set()
    calls |= {"signed"} if any(s.kind == "affine" for s in stages) else set()
    calls |= {"int16"} if any("int16" in c for c in (y_ctype, *(o.ctype for o in operands))) else set()
    return frozenset(calls)
