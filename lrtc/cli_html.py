"""lrtc report --html: gathers what a page shows, says what is missing and why, and writes the file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from lrtc.errors import LrtcError, ToolMissing
from lrtc.terminal import out, print_json, print_line, print_notes, working

if TYPE_CHECKING:
    from lrtc.driver import Model
    from lrtc.report.page import Answers

Electrical = tuple[float | None, float | None, float | None]  # hertz, µA/MHz, volts


def write_page(
    opened: Model, source: Path, html: Path, core: str, data: Path | None, certificate: Path | None,
    lanes: int | None, cpi: float | None, electrical: Electrical, as_json: bool,
) -> None:  # fmt: skip
    """Write the page about a model read from `source`; print the table of costs too, or all as JSON."""
    from lrtc.check.cores import core_named
    from lrtc.cli import read_images
    from lrtc.driver import compile, random_feeds
    from lrtc.report.costs import at_cpi, cost_json, cost_report, cost_table
    from lrtc.report.page import Facts, accelerator, certificate_summary, page, page_json
    from lrtc.tuning import by_layer
    from lrtc.wholefile import write_whole

    if not html.absolute().parent.is_dir():
        raise LrtcError(f"--html {html}: there is no folder {html.parent}", hint="make it first")
    lacking: dict[str, str] = {}
    raw, truth = read_images(opened, data) if data else (None, None)
    summary = None
    if certificate:
        summary = certificate_summary(certificate, hashlib.sha256(source.read_bytes()).hexdigest())
    else:
        lacking["certificate"] = "no certificate was given; `lrtc compile MODEL --certificate` makes one"
    costs = c = None
    with working("") as progress:
        task = progress.add_task(f"{core}: one image")
        try:
            c = compile(opened, "c", lanes=lanes or core_named(core).lanes, **by_layer(core))
            feeds = opened.quantized(raw) if raw is not None else random_feeds(c.graph, 3)
            costs = cost_report(c, core, {name: value[-1:] for name, value in feeds.items()})
            costs = at_cpi(costs, cpi) if cpi else costs
        except ToolMissing as missing:
            lacking["costs"] = f"{missing.summary} ({missing.hint})" if missing.hint else missing.summary
        except LrtcError as error:
            if c is not None:
                raise
            lacking["costs"] = str(error)
        progress.update(task, description="the accelerator")
        verilog, lacking["accelerator"] = accelerator(opened)
        progress.update(task, description="accuracy")
        answers, lacking["answers"] = _answers(opened, raw, truth)
    clock, current, volts = electrical
    lacking = {section: why for section, why in lacking.items() if why}
    facts = Facts(opened, c, costs, verilog, answers, summary, clock, current, volts, lacking)
    write_whole(html, page(facts).encode())
    if as_json:
        own = cost_json(costs, clock, current, volts) if costs else {}
        print_json({"name": opened.name, "html": str(html), **own, **page_json(facts)})
        return
    if costs:
        out.print(cost_table(costs))
    print_notes(f"{section}: {why}" for section, why in lacking.items() if section in ("costs", "accelerator"))
    print_line(f"wrote {html}")


def _answers(opened: Model, raw, truth) -> tuple[Answers | None, str]:
    """Return what an engine answers on labelled data: the compiled C, or the interpreter without a C compiler."""
    from lrtc.chain import Chain
    from lrtc.driver import class_count
    from lrtc.report.page import answers_of

    if truth is None:
        return None, "no labelled data; give --data with x and y"
    chain = Chain(opened)
    try:
        done = chain.run("c", raw)
    except ToolMissing:
        done = chain.run("interp", raw)
    return answers_of(done.classes, truth, class_count(opened.graph), done.engine), ""
