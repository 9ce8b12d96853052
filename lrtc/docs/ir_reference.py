"""The IR reference, made of the ops themselves: docstrings, fields, their meaning, and what each target answers."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import MISSING, fields

import numpy as np

from lrtc.docs.errors import Wrong
from lrtc.driver import TARGETS, compile
from lrtc.errors import LrtcError
from lrtc.interp import MEANING
from lrtc.ir import B1, OPS, T2, U8, Elem, Graph, GraphBuilder, ops, tensor, to_text, verify
from lrtc.passes import PASSES, PIPELINES

SIZE = (4, 4, 2)


def ir_reference() -> str:
    """Return the page; Wrong if an op has no example here."""
    if lacking := sorted(set(OPS) - set(EXAMPLES)):
        raise Wrong(f"no example for the ops {', '.join(lacking)}: lrtc/docs/ir_reference.py")
    rows = ["| op | result | C | Verilog | HLS |", "|---|---|---|---|---|"]
    chapters = []
    for name, op in OPS.items():
        graph = _example(name)
        answers = {target: _answer(graph, target) for target in TARGETS}
        result = graph.types[next(node.out for node in graph.nodes if isinstance(node.op, op))].elem
        rows.append(f"| [`{name}`](#{name}) | `{result}` | " + " | ".join(a[0] for a in answers.values()) + " |")
        chapters.append(_chapter(name, op, graph, answers))
    return "\n".join(
        [
            "# Every op",
            "",
            "This page is made of the ops in `lrtc/ir`, of their meaning in `lrtc/interp.py`, and of one small network",
            "for each op, compiled to every target while this page is built. [The IR](ir.md) says what a graph is.",
            "",
            "`yes`: the op is emitted. `folded`: a target takes it, and after the passes it is gone: its function went",
            "into a `threshold`, other weights, or nothing at all.",
            "",
            *rows,
            "",
            *chapters,
            "## Passes",
            "",
            _passes(),
        ]
    )


def _chapter(name: str, op: type, graph: Graph, answers: dict[str, tuple[str, str]]) -> str:
    first, _, rest = inspect.getdoc(op).partition("\n")
    lines = [f"## {name}", "", f"**{_plain(first)}**", "", _plain(rest.strip()), ""]
    attributes = [field for field in fields(op) if name != "const"]
    if attributes:
        lines += ["| attribute | type | default |", "|---|---|---|"]
        for field in attributes:
            default = "" if field.default is MISSING else f"`{field.default}`"
            lines.append(f"| `{field.name}` | `{field.type}` | {default} |".replace(" | None", " \\| None"))
        lines.append("")
    lines += ["```text", to_text(graph).rstrip(), "```", ""]
    lines += [f"{target}: {text}  " for target, (_, text) in answers.items()]
    if op in MEANING:
        source = textwrap.indent(inspect.getsource(MEANING[op]).rstrip(), "    ")
        lines += ["", '??? note "Its meaning, in numpy"', "", "    ```python", source, "    ```"]
    return "\n".join([*lines, ""])


def _plain(text: str) -> str:
    """Return a docstring's text with what Markdown would read otherwise escaped."""
    return "".join(f"\\{c}" if c in "*_[]|<>" else c for c in text)


def _answer(graph: Graph, target: str) -> tuple[str, str]:
    """Return (word, sentence) for what a target makes of a graph."""
    try:
        result = compile(graph, target)
    except LrtcError as error:
        why = "; ".join(fault.what for fault in error.faults) or error.summary
        return "no", f"refused: {why}"
    left = [node.op.name for node in result.graph.compute_nodes()]
    own = graph.name.removeprefix("op_")
    return ("yes" if own in left or own == "const" else "folded"), f"emitted as {', '.join(f'`{n}`' for n in left)}"


def _passes() -> str:
    rows = ["| pass | what it does | in |", "|---|---|---|"]
    for name, step in PASSES.items():
        doc = inspect.getdoc(inspect.getmodule(type(step))).splitlines()[0]
        where = ", ".join(pipeline for pipeline, steps in PIPELINES.items() if any(s.name == name for s in steps))
        rows.append(f"| `{name}` | {_plain(doc)} | {where} |")
    return "\n".join([*rows, ""])


def _example(name: str) -> Graph:
    """Return a network of one op, and of what makes logits of its value."""
    b = GraphBuilder(f"op_{name}")
    value = EXAMPLES[name](b, b.input("x", tensor(SIZE, U8)))
    if name == "topk":
        return verify(b.finish([value]))
    if b.facts[value].type.elem.is_float:
        value = b.add(ops.Sign(), [value], "z", "act")
    if len(b.facts[value].type.shape) == 3:
        value = b.add(ops.Flatten(), [value], "flat", "flatten")
    return verify(b.finish([_linear(b, value, 3)]))


def _weights(b: GraphBuilder, shape: tuple[int, ...], elem: Elem = T2) -> str:
    value = np.arange(int(np.prod(shape))).reshape(shape) * 7 % 5
    value = np.where(value % 2 == 0, 1, -1) if elem == B1 else value % 3 - 1
    return b.const("w", value.astype(np.int8), tensor(shape, elem, "OI" if len(shape) == 2 else "OHWI"))


def _linear(b: GraphBuilder, x: str, outputs: int, elem: Elem = T2) -> str:
    weights = _weights(b, (outputs, *b.facts[x].type.shape), elem)
    return b.add(ops.Linear(), [x, weights], "acc", "fc")


def _conv(b: GraphBuilder, x: str, kernel: int = 1) -> str:
    weights = _weights(b, (2, kernel, kernel, b.facts[x].type.shape[-1]))
    return b.add(ops.Conv2d(), [x, weights], "acc", "conv")


def _signs(b: GraphBuilder, x: str) -> str:
    rows = np.array([[100, 90], [0, 0]], dtype=np.int32)
    return b.add(ops.Threshold(), [x, b.const("t", rows)], "s", "sign")


def _rows(b: GraphBuilder, *rows: tuple[float, ...], real: bool = True) -> str:
    return b.const("rows", np.array(rows, dtype=np.float32 if real else np.int32))


def _batchnorm(b: GraphBuilder, x: str) -> str:
    rows = _rows(b, (1.0, -0.5), (0.25, 0.0), (3.0, -2.0), (40.0, 9.0))
    return b.add(ops.BatchNorm(), [_conv(b, x), rows], "y", "bn")


def _real(b: GraphBuilder, x: str) -> str:
    return b.add(ops.ScaleBias(), [_conv(b, x), _rows(b, (0.5, 0.25), (1.0, -1.0))], "y", "gain")


def _added(b: GraphBuilder, x: str) -> str:
    return b.add(ops.Add(), [_conv(b, x), _conv(b, x)], "sum", "add")


U2 = Elem("u", 2)
EXAMPLES: dict[str, Callable[[GraphBuilder, str], str]] = {
    "const": lambda b, x: _linear(b, x, 3),
    "conv2d": lambda b, x: _conv(b, _signs(b, x), 3),
    "linear": lambda b, x: _linear(b, _signs(b, x), 3),
    "scale_bias": _real,
    "batchnorm": _batchnorm,
    "divide": lambda b, x: b.add(ops.Divide(), [_conv(b, x), _rows(b, (4.0, 9.0))], "y", "mean"),
    "affine": lambda b, x: b.add(ops.Affine(), [_conv(b, x), _rows(b, (3, 5), (-7, 2), real=False)], "y", "scale"),
    "add": _added,
    "maximum": lambda b, x: b.add(ops.Maximum(), [_signs(b, x), _conv(b, x)], "y", "maxout"),
    "clamp": lambda b, x: b.add(ops.Clamp(0, 90), [_conv(b, x)], "y", "relu"),
    "sumpool": lambda b, x: b.add(ops.SumPool2d(), [x], "y", "pool"),
    "sign": lambda b, x: b.add(ops.Sign(), [_conv(b, x)], "z", "sign"),
    "ternarize": lambda b, x: b.add(ops.Ternarize(1.5), [_real(b, x)], "z", "act"),
    "quantize": lambda b, x: b.add(ops.Quantize(U2, 0, 3), [_real(b, x)], "q", "act"),
    "threshold": lambda b, x: b.add(ops.Threshold(), [_conv(b, x), _rows(b, (0, 5), (0, 1), real=False)], "z", "act"),
    "topk": lambda b, x: b.add(ops.TopK(), [_linear(b, x, 3)], "best", "argmax"),
    "maxpool": lambda b, x: b.add(ops.MaxPool2d(), [_signs(b, x)], "y", "pool"),
    "flatten": lambda b, x: b.add(ops.Flatten(), [_signs(b, x)], "y", "flatten"),
    "rearrange": lambda b, x: b.add(ops.Rearrange((1, 0, 2), (4, 4, 2)), [_signs(b, x)], "y", "transpose"),
    "pad": lambda b, x: b.add(ops.Pad((1, 1, 1, 1)), [_conv(b, x)], "y", "pad"),
    "crop": lambda b, x: b.add(ops.Crop((1, 1, 1, 1)), [_signs(b, x)], "y", "crop"),
    "channels": lambda b, x: b.add(ops.Channels(), [_signs(b, x), _index(b)], "y", "shuffle"),
    "concat": lambda b, x: b.add(ops.Concat(), [_conv(b, x), _conv(b, x)], "y", "cat"),
    "identity": lambda b, x: b.add(ops.Identity(), [_signs(b, x)], "y", "dropout"),
}


def _index(b: GraphBuilder) -> str:
    return b.const("index", np.array([1, 0], dtype=np.int32), tensor((2,), Elem("i", 8)))
