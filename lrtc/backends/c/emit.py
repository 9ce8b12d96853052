"""Views and templates → the text of the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2
import numpy as np

from lrtc.backends.c.comments import comment_block, comment_text
from lrtc.backends.c.layers import layer_views
from lrtc.backends.c.memory import CPlan
from lrtc.backends.c.ports import PortView, port_views
from lrtc.backends.c.storage import WORD
from lrtc.backends.c.tables import number_table
from lrtc.backends.c.views import LayerView
from lrtc.ir import Graph, to_text
from lrtc.ir.ops import TopK
from lrtc.resources import share

TEXT_ORDER = (
    "rom", "compiler", "word", "int16", "bits", "signed", "read_b1", "read_t2", "count", "count_b1", "count_t2",
    "pairs", "pairs_b1", "pairs_t2", "window", "gather", "chunks", "chunks_b1", "chunks_t2", "gather_u8", "pad_u8",
    "edge_u8", "slice_u8", "maxpool_b1", "list", "list_b1", "list_t2", "rows", "rows_b1", "rows_t2", "plane", "lanes",
    "transpose", "wide", "wide_b1", "wide_t2", "add8", "add8_far", "add8_nibbles", "add16", "add16_far", "total",
    "lift", "lift_wide", "spot", "lift_window", "drop", "inside", "border",
)  # fmt: skip


AVR_TABLES = 0xF000  # bytes of tables that fit the first 64 KiB of an AVR's flash, behind its vectors


@dataclass(frozen=True)
class Form:
    """What C looks like beside what it computes.

    prefix: put before every symbol. context: the caller gives the arena. report: the self-test says what differs.
    profile: None, or layers are timed; then function (without prefix) → instructions that were counted in an emulator.
    """

    prefix: str = ""
    context: bool = False
    report: bool = False
    profile: Mapping[str, int] | None = None


DEFAULT = Form()


@dataclass(frozen=True)
class ModelView:
    """What the files say about the whole model. name: what its symbols begin with; file: what its files do.

    context: whether the caller gives the arena; report: whether the self-test says what differs; profile: whether
    layers are timed; predicted: the instructions of each, or nothing. lanes: pixels in a word of pixel-sliced kernels.
    """

    name: str
    file: str
    context: bool
    report: bool
    profile: bool
    predicted: tuple[int, ...]
    upper: str
    version: str
    ir: tuple[str, ...]
    kernels: tuple[str, ...]
    layers: tuple[LayerView, ...]
    lanes: int
    arena_bytes: int
    arena_words: int
    constant_bytes: int
    far: bool
    plain: bool
    inputs: tuple[PortView, ...]
    outputs: tuple[PortView, ...]
    classify: bool
    vectors: int
    input_rows: tuple[str, ...]
    expected_rows: tuple[str, ...]

    @property
    def rom(self) -> str:
        """Return what says where constants lie."""
        return _kernel_text("rom")

    @property
    def say(self) -> str:
        """Return the functions that print through a putchar."""
        return _kernel_text("say")

    @property
    def params(self) -> str:
        """Return the parameters of the entry function."""
        return ", ".join([self.classify_params, *(f"int32_t *{port.param}" for port in self.outputs)])

    @property
    def classify_params(self) -> str:
        """Return the parameters of the function that classifies."""
        return ", ".join([*([f"{self.name}_context *context"] if self.context else []), *self.input_params])

    @property
    def input_params(self) -> tuple[str, ...]:
        return tuple(f"const uint8_t *{port.param}" for port in self.inputs)

    @property
    def taken(self) -> str:
        """Return the bytes of all inputs together, as C text."""
        return " + ".join(port.macro for port in self.inputs)

    @property
    def given(self) -> str:
        """Return the integers of all outputs together, as C text."""
        return " + ".join(port.macro for port in self.outputs)


def render(
    graph: Graph, plan: CPlan, name: str, version: str, vectors: tuple[np.ndarray, np.ndarray] | None,
    templates: Path | None, form: Form = DEFAULT,
) -> dict[str, str]:  # fmt: skip
    """Return {path: text} of the files of `name`."""
    loaded = environment((templates,) if templates else ())
    view = _model(graph, plan, name, version, vectors, form)
    files = {f"{name}.c": "model.c.j2", f"{name}.h": "model.h.j2"}
    if view.vectors:
        files[f"{name}_test.c"] = "model_test.c.j2"
    if view.profile:
        files |= {f"{name}_profile.c": "profile.c.j2", f"{name}_profile.h": "profile.h.j2"}
    return {path: tidy(loaded.get_template(file).render(m=view)) for path, file in files.items()}


@cache  # templates are compiled once; a file that changes is read again
def environment(folders: tuple[Path, ...]) -> jinja2.Environment:
    """Return where templates of C are found: in `folders`, then in ours."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader((*folders, share("templates") / "c")), undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True, autoescape=False,
    )  # fmt: skip
    environment.filters["block"] = block
    return environment


def block(text: str, indent: int = 0) -> str:
    """Return text without the newline at its end, every line indented by `indent` more."""
    lines = text.rstrip("\n").split("\n")
    return "\n".join(" " * indent + line if line else line for line in lines)


def tidy(text: str) -> str:
    """Return text without blanks at the ends of lines, with one newline at its end."""
    return "\n".join(line.rstrip() for line in text.rstrip().split("\n")) + "\n"


def _model(
    graph: Graph, plan: CPlan, file: str, version: str, vectors: tuple[np.ndarray, np.ndarray] | None, form: Form
) -> ModelView:
    name = form.prefix + file
    layers = layer_views(graph, plan, name)
    inputs, outputs = port_views(graph, name)
    given, input_rows, expected_rows = _vectors(vectors)
    kernels = _kernels(layers)
    constant_bytes = sum(table.bytes for layer in layers for table in layer.tables)
    return ModelView(
        name=name,
        file=file,
        context=form.context,
        report=form.report,
        profile=form.profile is not None,
        predicted=_predicted(layers, form),
        upper=name.upper(),
        version=comment_text(version),
        ir=tuple(comment_block(to_text(graph)).splitlines()),
        kernels=tuple(_kernel_text(k) for k in kernels),
        layers=layers,
        lanes=plan.lanes if "plane" in kernels else WORD,
        arena_bytes=plan.arena.size,
        arena_words=plan.arena.size // 4,
        constant_bytes=constant_bytes,
        far=constant_bytes > AVR_TABLES,
        plain=graph.is_plain,
        inputs=inputs,
        outputs=outputs,
        classify=_classifies(graph),
        vectors=given,
        input_rows=input_rows,
        expected_rows=expected_rows,
    )


def _predicted(layers: tuple[LayerView, ...], form: Form) -> tuple[int, ...]:
    """Return the instructions of each layer, or nothing unless all are known."""
    known = form.profile or {}
    functions = [layer.function.removeprefix(form.prefix) for layer in layers]
    return tuple(known[f] for f in functions) if all(f in known for f in functions) else ()


def _classifies(graph: Graph) -> bool:
    """Return whether the only output is a vector of logits: two integers or more, and no indices already."""
    if len(graph.outputs) != 1:
        return False
    (result,) = graph.outputs
    shape, producer = graph.types[result].shape, graph.producers.get(result)
    return len(shape) == 1 and shape[0] >= 2 and not (producer is not None and isinstance(producer.op, TopK))


def _vectors(vectors: tuple[np.ndarray, np.ndarray] | None) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    """Return how many vectors there are, and the lines of both tables."""
    if vectors is None or not len(vectors[0]):
        return 0, (), ()
    x, logits = (np.asarray(v).reshape(len(v), -1).astype(np.int64) for v in vectors)
    return len(x), number_table("", x).rows, number_table("", logits).rows


def _kernels(layers: tuple[LayerView, ...]) -> tuple[str, ...]:
    """Return the kernels that the layers call, in the order of their text."""
    needed = {"rom", "word", "compiler"}
    for layer in layers:
        needed |= layer.kernels
    return tuple(k for k in TEXT_ORDER if k in needed)


def _kernel_text(kernel: str) -> str:
    return (share("hw") / "c" / f"lrtc_{kernel}.h").read_text(encoding="utf-8")
