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


def print_whole(
    subject: Subject, html: Path | None, every: bool, core: str, data: Path | None, as_json: bool,
    certificate: Path | None, **given: object,
) -> None:  # fmt: skip
    """Print all that is known as JSON, as every table, or the costs alone; write the page. given: of `facts_of`."""
    from lrtc.cli import read_images
    from lrtc.report.costs import cost_json, cost_table
    from lrtc.report.page import page, page_json
    from lrtc.report.whole import parts_of
    from lrtc.reporting import facts_of
    from lrtc.wholefile import write_whole

    if html and not html.absolute().parent.is_dir():
        raise LrtcError(f"--html {html}: there is no folder {html.parent}", hint="make it first")
    raw, truth = read_images(subject.model, data) if data else (None, None)
    with working("") as progress:
        task = progress.add_task("")

        def step(text: str) -> None:
            progress.update(task, description=text)

        facts = facts_of(subject, core, raw, truth, certificate=certificate, step=step, **given)  # type: ignore[arg-type]
    if html:
        write_whole(html, page(facts).encode())
    if as_json:
        own = cost_json(facts.costs, facts.clock_hz, facts.ua_per_mhz, facts.volts) if facts.costs else {}
        page_of = {"html": str(html)} if html else {}
        print_json({"name": subject.model.name, **page_of, **own, **page_json(facts)})
        return
    if every:
        for heading, part in parts_of(facts):
            if heading:
                out.print(f"\n{heading}", style="bold", markup=False, highlight=False)
            for text in [part] if not isinstance(part, (list, tuple)) else part:
                out.print(text) if not isinstance(text, str) else print_line(text)
    else:
        if facts.costs:
            out.print(cost_table(facts.costs))
        missing = ((section, why) for section, why in facts.lacking.items() if section in ("costs", "accelerator"))
        print_notes(f"{section}: {why}" for section, why in missing)
    if html:
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
