"""Tables that people read: what a network is made of, and what the chain of trust found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from rich.table import Table
from rich.text import Text

from lrtc.chain import Verdict
from lrtc.ir import Graph
from lrtc.ir.ops import Const, Conv2d, Linear
from lrtc.ir.printer import printable

if TYPE_CHECKING:
    from lrtc.frontend.quantize_file import Written
    from lrtc.proving import Proof


@dataclass(frozen=True)
class LayerRow:
    """One compute node. macs: multiply-accumulates; weight_bits: bits of the weights; nonzero: their share."""

    name: str
    origin: str
    op: str
    type: str
    macs: int
    weight_bits: int
    nonzero: float | None


def layer_rows(graph: Graph) -> list[LayerRow]:
    """Return a row for each node of the graph that computes."""
    rows = []
    for node in graph.compute_nodes():
        macs = bits = 0
        nonzero = None
        if isinstance(node.op, (Conv2d, Linear)):
            weight, type_ = graph.const(node.ins[1]), graph.types[node.ins[1]]
            positions = prod(node.type.shape[:-1])
            macs, bits = weight.size * positions, weight.size * type_.elem.bits
            nonzero = float(np.count_nonzero(weight) / weight.size)
        rows.append(LayerRow(node.out, printable(node.origin), node.op.name, str(node.type), macs, bits, nonzero))
    return rows


def layer_table(graph: Graph) -> Table:
    """Return the layers as a rich table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, justify in (
        ("layer", "left"), ("op", "left"), ("type", "left"), ("MACs", "right"), ("weight bits", "right"),
        ("non-zero", "right"),
    ):  # fmt: skip
        table.add_column(heading, justify=justify, no_wrap=True)
    rows = layer_rows(graph)
    for row in rows:
        share = "" if row.nonzero is None else f"{row.nonzero:.1%}"
        cells = (row.origin or row.name, row.op, row.type, _number(row.macs), _number(row.weight_bits), share)
        table.add_row(*cells)
    total = (_number(sum(r.macs for r in rows)), _number(sum(r.weight_bits for r in rows)))
    table.add_row("total", "", "", *total, "", style="bold")
    return table


def saved_text(before: Graph | None, after: Graph) -> str:
    """Return how large a graph is, and by how much it shrank or grew: nodes, and bits of constants."""
    sizes = [(len(g.nodes), _const_bits(g)) for g in (before or after, after)]
    parts = []
    for noun, old, new in zip(("nodes", "bits of constants"), *sizes, strict=True):
        change = "" if new == old else f" ({abs(new - old):,} {'fewer' if new < old else 'more'})"
        parts.append(f"{new:,} {noun}{change}")
    return ", ".join(parts)


def _const_bits(graph: Graph) -> int:
    return sum(n.type.size * n.type.elem.bits for n in graph.nodes if isinstance(n.op, Const))


def _number(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) and value else ("" if value in (0, None) else str(value))


def verdict_table(verdicts: Iterable[Verdict]) -> Table:
    """Return the chain's verdicts as a rich table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, justify in (
        ("engine", "left"), ("images", "right"), ("equal", "left"), ("accuracy", "right"),
        ("cost", "left"),
    ):  # fmt: skip
        table.add_column(heading, justify=justify, overflow="fold")
    for v in verdicts:
        said = {True: ("yes", "green"), False: ("NO", "bold red"), None: ("skipped", "yellow")}
        equal = Text(*said[v.equal])
        accuracy = "" if v.accuracy is None else f"{v.accuracy:.2%}"
        table.add_row(v.engine, _number(v.images), equal, accuracy, v.note or cost_text(v.figures))
    return table


def cost_text(figures) -> str:
    """Return what an engine's run cost, in a line."""
    parts = []
    if "flash_bytes" in figures:
        parts += [f"{figures[unit]:,} {unit} an image" for unit in ("instructions", "cycles") if unit in figures]
        parts.append(f"flash {figures['flash_bytes']:,} B")
        parts.append(f"RAM {figures['ram_bytes']:,} + {figures['stack_bytes']:,} B stack")
    if "qemu_self_test" in figures:
        parts.append(f"self-test on QEMU {figures['qemu_self_test']}")
    if "processes" in figures:
        parts.append(figures["processes"])
    if "cycles_per_image" in figures:
        parts.append(f"{figures['cycles_per_image']:,g} cycles an image; latency {figures['latency_cycles']:,} cycles")
    if "resets" in figures:
        parts.append(f"{figures['total_cycles']:,} cycles, {figures['resets']} resets")
    if "words" in figures:
        parts.append(f"{len(figures['words'])} inner streams, each with the same words for every image")
    return "; ".join(parts)


def verdicts_json(verdicts: Iterable[Verdict]) -> list[dict]:
    """Return the verdicts as plain data."""
    return [asdict(v) for v in verdicts]


def proof_table(proofs: Iterable[Proof]) -> Table:
    """Return proofs as a rich table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("target", "proof", "holds", "what was shown"):
        table.add_column(heading, overflow="fold")
    for proof in proofs:
        holds = {True: "yes", False: "NO", None: "open"}[proof.holds]
        table.add_row(proof.target, proof.what, holds, printable(proof.text))
    return table


def quantiser_table(done: Written) -> Table:
    """Return the quantisers that were put in as a rich table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    headings = ("behind", "codes", "step", "clip at", "beyond", "error")
    for i, heading in enumerate(headings):
        table.add_column(heading, justify="right" if i > 1 else "left", overflow="fold")
    for q in done.quantisers:
        s = q.scale
        kind = f"{'i' if s.signed else 'u'}{s.bits}"
        table.add_row(
            printable(q.layer), kind, f"{s.step:.4g}", f"{s.clip:.4g}", f"{s.saturated:.2%}", f"{s.error:.1%}"
        )
    return table


def written_text(done: Written, data: object) -> str:
    """Return in a line what the quantised network loses."""
    text = f"steps chosen on {done.calibrated:,} samples, for the least squared error"
    if done.before is None:
        return f"{text}; accuracy is not measured, which takes a model.pt and labels (y)"
    lost = 100 * (done.before - done.after)
    change = "no loss" if lost == 0 else f"{abs(lost):.2f} points {'lost' if lost > 0 else 'gained'}"
    return (
        f"{text}\naccuracy on {done.measured:,} samples of {data}: real activations {done.before:.2%}, "
        f"quantised {done.after:.2%} ({change})"
    )


def written_json(done: Written) -> dict:
    """Return what was quantised as plain data."""
    quantisers = [{"layer": q.layer, **asdict(q.scale)} for q in done.quantisers]
    accuracy = {"samples": done.measured, "real": done.before, "quantized": done.after}
    notes = list(done.notes)
    return {"calibrated": done.calibrated, "accuracy": accuracy, "quantisers": quantisers, "notes": notes}
