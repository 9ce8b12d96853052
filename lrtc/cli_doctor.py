"""lrtc doctor: which tools are here, and what each is for."""

from __future__ import annotations

from typing import Annotated

import typer

from lrtc.terminal import out, print_json, print_line, working


def doctor(as_json: Annotated[bool, typer.Option("--json", help="print JSON for machines")] = False) -> None:
    """Print which tools are on this machine, their versions, what each enables and how to get what is missing.

    Nothing but Python is needed to compile; the rest runs, checks, maps and flashes what was compiled.

    Example: lrtc doctor
    """
    from lrtc.check.doctor import examine
    from lrtc.report.doctor import seen_json, seen_lines, seen_table, surroundings

    with working("looking for tools"):
        found = examine()
    if as_json:
        print_json({**surroundings(), "tools": [seen_json(one) for one in found]})
        return
    out.print(seen_table(found))
    for line in seen_lines(found, surroundings()):
        print_line(line)
