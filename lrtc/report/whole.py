"""All that a page says, as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from lrtc.ir.printer import printable
from lrtc.report.costs import cost_lines, cost_table
from lrtc.report.folding import fold_table
from lrtc.report.page import Facts, is_folded, passes_of, weights_of
from lrtc.report.roofline import Roof

Part = tuple[str, "Table | Sequence[str]"]  # a heading, and what stands under it


def parts_of(facts: Facts) -> Iterator[Part]:
    """Yield the sections of the page in its order, each a table or lines; what is lacking with its reason."""
    saved, after = passes_of(facts.model.graph, "c" if facts.c else "integer")
    table = _table("pass", "nodes", "", "bits of constants", "")
    for row in saved:
        if row is saved[0] or row.nodes_more or row.bits_more:
            table.add_row(row.step, f"{row.nodes:,}", _change(row.nodes_more), f"{row.bits:,}", _change(row.bits_more))
    yield "what each pass saved", table
    table = _table("layer", "type", "weights", "non-zero", "entropy, bits a weight")
    for own in weights_of(after):
        table.add_row(own.layer, own.type, f"{own.count:,}", f"{own.nonzero:.1%}", f"{own.entropy:.3f}")
    yield "weights", table
    if facts.costs:
        yield f"as C on {facts.costs.core}", cost_table(facts.costs)
        yield "", cost_lines(facts.costs, facts.clock_hz, facts.ua_per_mhz, facts.volts)
    if facts.roofs:
        yield f"roofline: {facts.roofs[0].unit} a MAC with a pixel", _roofs(facts.roofs)
    if facts.verilog and is_folded(facts.verilog):
        plan = facts.verilog.plan
        yield "as an accelerator", fold_table(plan, facts.verilog.graph)
        yield "", plan.lines()[:1]
    if facts.answers:
        answers = facts.answers
        yield "accuracy", [f"{answers.accuracy:.2%} of {answers.images:,} images are right, as {answers.by} answers"]
        table = _table("label", "answer", "images")
        for truth, answer, many in answers.worst():
            table.add_row(str(truth), str(answer), str(many))
        yield "", table
    if facts.certificate:
        table = _table("proof", "holds", "what was shown")
        for proof in facts.certificate["proofs"]:  # type: ignore[attr-defined]
            holds = {"True": "yes", "False": "NO"}.get(proof["holds"], "open")
            table.add_row(printable(proof["what"]), holds, printable(proof["text"]))
        which = "this" if facts.certificate["same"] else "ANOTHER"
        yield f"certificate, as it was recorded, of {which} {facts.certificate['about']}", table
    yield from ((f"no {section}", [why]) for section, why in facts.lacking.items())


def _roofs(rows: Sequence[Roof]) -> Table:
    table = _table("layer", "kernel", "a MAC", "roof", "reached", "above")
    for row in rows:
        known = (f"{row.roof:.3f}", f"{row.reached:.0%}", f"{row.above:,}") if row.roof else (row.why, "", "")
        table.add_row(row.layer, row.kernel, f"{row.own:.3f}", *known)
    return table


def _change(n: int) -> str:
    return f"{n:+,}" if n else ""


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        left = heading in ("pass", "layer", "type", "kernel", "proof", "holds", "what was shown")
        table.add_column(heading, justify="left" if left else "right", overflow="fold")
    return table
