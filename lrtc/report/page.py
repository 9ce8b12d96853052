"""One HTML file about a network: what it is made of, what passes saved, what it costs in C and as an accelerator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import jinja2
import numpy as np
from markupsafe import Markup

from lrtc import __version__
from lrtc.driver import Model, Result, compile
from lrtc.errors import LrtcError
from lrtc.ir import Graph
from lrtc.ir.ops import Const, Conv2d, Linear
from lrtc.ir.printer import printable
from lrtc.passes import run_pipeline
from lrtc.plan.fold import FoldPlan
from lrtc.proving import digest_of, read_certificate
from lrtc.report.costs import CostReport, cost_lines
from lrtc.report.curves import Run, run_charts, run_json
from lrtc.report.folding import ROOF, fold_json, fold_rows, slowest
from lrtc.report.pictures import DARK, LIGHT, STYLE, arena_svg, filters_svg, graph_svg
from lrtc.report.roofline import TEXT, Roof, roofs_json
from lrtc.report.tables import layer_rows
from lrtc.resources import share

MOST_CLASSES = 32  # of a confusion matrix that is drawn whole
WORST = 20  # confusions that are listed


@dataclass(frozen=True)
class Weights:
    """The weights of a layer. entropy: bits a weight, of how often each value stands there; nonzero: a share."""

    layer: str
    count: int
    type: str
    nonzero: float
    entropy: float


@dataclass(frozen=True)
class Saved:
    """A graph after a pass: nodes, bits of constants, and how many there are more (fewer: negative) than before it."""

    step: str
    nodes: int
    bits: int
    nodes_more: int
    bits_more: int


@dataclass(frozen=True)
class Answers:
    """What a network answered on labelled data: counts[truth, answer]. engine: which one answered."""

    counts: np.ndarray
    engine: str = "interp"

    @property
    def by(self) -> str:
        """Return the engine in words."""
        return {"c": "the compiled C on this machine", "interp": "the reference interpreter"}[self.engine]

    @property
    def images(self) -> int:
        return int(self.counts.sum())

    @property
    def accuracy(self) -> float:
        return float(np.trace(self.counts) / self.counts.sum())

    def worst(self) -> list[tuple[int, int, int]]:
        """Return (truth, answer, how often) of the most frequent confusions, the worst first."""
        wrong = self.counts - np.diag(np.diag(self.counts))
        order = np.argsort(-wrong, axis=None, kind="stable")[:WORST]
        pairs = [tuple(int(i) for i in np.unravel_index(k, wrong.shape)) for k in order]
        return [(t, a, int(wrong[t, a])) for t, a in pairs if wrong[t, a]]


def answers_of(classes: np.ndarray, truth: np.ndarray, number: int, engine: str = "interp") -> Answers | None:
    """Return the confusion of answers [N] and labels [N] of `number` classes; None without an image."""
    if not len(truth):
        return None
    counts = np.zeros((number, number), dtype=np.int64)
    np.add.at(counts, (truth.astype(np.int64), classes.astype(np.int64)), 1)
    return Answers(counts, engine)


@dataclass(frozen=True)
class Facts:
    """All that a page shows. lacking: section → why it has nothing. certificate: of `lrtc compile --certificate`."""

    model: Model
    c: Result | None = None
    costs: CostReport | None = None
    verilog: Result | None = None
    answers: Answers | None = None
    certificate: Mapping[str, object] | None = None
    clock_hz: float | None = None
    ua_per_mhz: float | None = None
    volts: float | None = None
    lacking: Mapping[str, str] = field(default_factory=dict)
    roofs: Sequence[Roof] = ()
    training: Run | None = None


def weights_of(graph: Graph) -> list[Weights]:
    """Return the weights of every layer that has some."""
    found = []
    for node in graph.compute_nodes():
        if isinstance(node.op, (Conv2d, Linear)):
            weight = graph.const(node.ins[1])
            _, counts = np.unique(weight, return_counts=True)
            shares = counts / weight.size
            entropy = abs(float(-(shares * np.log2(shares)).sum()))
            name, nonzero = printable(node.origin or node.out), float(np.count_nonzero(weight) / weight.size)
            found.append(Weights(name, weight.size, str(graph.types[node.ins[1]].elem), nonzero, entropy))
    return found


def first_filters(graph: Graph) -> str:
    """Return the first layer's filters as SVG; nothing if it is no convolution of a few channels."""
    first = next((n for n in graph.compute_nodes() if isinstance(n.op, (Conv2d, Linear))), None)
    return filters_svg(graph.const(first.ins[1])) if first is not None and isinstance(first.op, Conv2d) else ""


def passes_of(graph: Graph, pipeline: str) -> tuple[list[Saved], Graph]:
    """Return what each pass of a pipeline saved, after a row for the graph as it was read, and the last graph."""
    rows, graphs = [_saved("frontend", graph, graph)], [graph]

    def watch(step, after: Graph) -> None:
        rows.append(_saved(step.name, graphs[-1], after))
        graphs.append(after)

    run_pipeline(graph, pipeline, watch)
    return rows, graphs[-1]


def _saved(step: str, before: Graph, after: Graph) -> Saved:
    bits = [sum(n.type.size * n.type.elem.bits for n in g.nodes if isinstance(n.op, Const)) for g in (before, after)]
    return Saved(step, len(after.nodes), bits[1], len(after.nodes) - len(before.nodes), bits[1] - bits[0])


def accelerator(model: Model) -> tuple[Result | None, str]:
    """Return the model as Verilog, or why it cannot be."""
    try:
        return compile(model, "verilog"), ""
    except LrtcError as error:
        return None, str(error)


def certificate_summary(path: Path, digest: str, graph: Graph) -> Mapping[str, object]:
    """Return target, version and proofs of a certificate, and whether it is about the file of that SHA-256.

    Without a file, "", whether it is about this graph as it was read.
    """
    found = read_certificate(path)
    proofs = [{key: str(p.get(key, "")) for key in ("what", "target", "holds", "text")} for p in found["proofs"]]
    same = found["model"]["sha256"] == digest if digest else found["graph"]["read"] == digest_of(graph)
    return {
        "lrtc": found["lrtc"],
        "target": found["target"],
        "proofs": proofs,
        "same": same,
        "about": "model file" if digest else "network",
    }


def page(facts: Facts) -> str:
    """Return the HTML: one file with its style and pictures inside, no script, nothing from a network."""
    saved, after = passes_of(facts.model.graph, "c" if facts.c else "integer")
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([share("templates") / "report"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=True,
    )
    environment.filters["name"] = lambda text: printable(str(text))
    steps = [", ".join(step.origins) or step.y for step in facts.c.plan.steps] if facts.c else []
    rows, folded = layer_rows(facts.model.graph), is_folded(facts.verilog)
    folds = fold_rows(facts.verilog.plan, facts.verilog.graph) if folded else []
    return environment.get_template("page.html.j2").render(
        facts=facts,
        version=__version__,
        light=Markup(LIGHT),  # constants of ours
        dark=Markup(DARK),
        style=Markup(STYLE),
        before=Markup(graph_svg(facts.model.graph)),  # every text in it is escaped
        after=Markup(graph_svg(after)),
        arena=Markup(arena_svg(facts.c.plan.arena, steps)) if facts.c else "",
        steps=steps,
        saved=saved,
        weights=weights_of(after),
        filters=Markup(first_filters(facts.model.graph)),
        macs=sum(row.macs for row in rows),
        notes=cost_lines(facts.costs, facts.clock_hz, facts.ua_per_mhz, facts.volts) if facts.costs else [],
        fold=facts.verilog.plan if folded else None,
        folds=folds,
        slowest=slowest(facts.verilog.plan, facts.verilog.graph) if folded else "",
        products=sum(row.fold.slots * row.ideal for row in folds),
        charts=[(title, Markup(svg)) for title, svg in (run_charts(facts.training) if facts.training else [])],
        fold_roof=ROOF,
        roof=TEXT,
        roof_scale=max([0.0, *(max(row.own, row.roof or 0.0) for row in facts.roofs)]),
        small=facts.answers is not None and len(facts.answers.counts) <= MOST_CLASSES,
    )


def is_folded(result: Result | None) -> bool:
    """Return whether there is an accelerator with a plan of its folding."""
    return result is not None and isinstance(result.plan, FoldPlan)


def page_json(facts: Facts) -> dict[str, object]:
    """Return what a page shows as plain data, but for the costs, which `report.costs.cost_json` has."""
    saved, after = passes_of(facts.model.graph, "c" if facts.c else "integer")
    answers = facts.answers
    known = answers and {
        "engine": answers.engine,
        "images": answers.images,
        "accuracy": answers.accuracy,
        "confusion": answers.counts.tolist(),
    }
    return {
        "passes": [vars(row) for row in saved],
        "weights": [vars(row) for row in weights_of(after)],
        "roofline": roofs_json(facts.roofs) if facts.roofs else None,
        "training": run_json(facts.training) if facts.training else None,
        "answers": known,
        "accelerator": fold_json(facts.verilog.plan, facts.verilog.graph) if is_folded(facts.verilog) else None,
        "certificate": facts.certificate,
        "lacking": dict(facts.lacking),
    }  # fmt: skip
