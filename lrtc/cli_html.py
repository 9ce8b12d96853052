"""lrtc report: a page, or tables, about a model or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lrtc.errors import LrtcError
from lrtc.terminal import out, print_json, print_line, print_notes, working

if TYPE_CHECKING:
    from lrtc.reporting import Subject


def opened_subject(path: Path, name: str | None) -> Subject:
    """Return what a report is about, with a spinner."""
    with working(f"reading {path.name}"):
        from lrtc.reporting import subject_of

        return subject_of(path, name)


def write_page(
    subject: Subject, html: Path, core: str, data: Path | None, as_json: bool, certificate: Path | None,
    **given: object,
) -> None:  # fmt: skip
    """Write the page; print the table of costs too, or all as JSON. given: options of `reporting.facts_of`."""
    from lrtc.cli import read_images
    from lrtc.report.costs import cost_json, cost_table
    from lrtc.report.page import page, page_json
    from lrtc.reporting import facts_of
    from lrtc.wholefile import write_whole

    if not html.absolute().parent.is_dir():
        raise LrtcError(f"--html {html}: there is no folder {html.parent}", hint="make it first")
    raw, truth = read_images(subject.model, data) if data else (None, None)
    with working("") as progress:
        task = progress.add_task("")

        def step(text: str) -> None:
            progress.update(task, description=text)

        facts = facts_of(subject, core, raw, truth, certificate=certificate, step=step, **given)  # type: ignore[arg-type]
    write_whole(html, page(facts).encode())
    if as_json:
        own = cost_json(facts.costs, facts.clock_hz, facts.ua_per_mhz, facts.volts) if facts.costs else {}
        print_json({"name": subject.model.name, "html": str(html), **own, **page_json(facts)})
        return
    if facts.costs:
        out.print(cost_table(facts.costs))
    print_notes(f"{section}: {why}" for section, why in facts.lacking.items() if section in ("costs", "accelerator"))
    print_line(f"wrote {html}")


def print_accelerator(subject: Subject, as_json: bool) -> None:
    """Print the folding of the accelerator in a folder: a table, or JSON."""
    from lrtc.report.folding import fold_json, fold_table

    plan, graph = subject.result.plan, subject.result.graph
    if as_json:
        print_json({"name": subject.model.name, "target": subject.holds, "accelerator": fold_json(plan, graph)})
        return
    out.print(fold_table(plan, graph))
    for line in plan.lines()[:1]:
        print_line(line)
