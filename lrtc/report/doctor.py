"""What `lrtc doctor` found, as a table, lines and plain data."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from lrtc import __version__
from lrtc.check.doctor import Seen

STYLES = {"here": "green", "missing": "dim", "too old": "yellow", "broken": "red"}


def seen_table(found: Sequence[Seen]) -> Table:
    """Return the tools: for what kind of work, version or state, what each enables or how to get it."""
    table = Table(box=None, padding=(0, 2, 0, 0))
    for column in ("for", "tool", "version", "enables"):
        table.add_column(column, no_wrap=column != "enables", overflow="fold")
    last = ""
    for seen in found:
        need, version = seen.need, seen.version or "yes"
        says = f"{version}{' (pip)' if seen.where == 'pip' else ''}" if seen.state == "here" else seen.state
        if seen.state == "too old":
            says = f"{seen.version}, too old"
        text = need.enables if seen.state == "here" else f"{need.enables}: {need.get}"
        table.add_row("" if need.group == last else need.group, need.name, Text(says, style=STYLES[seen.state]),
                      text)  # fmt: skip
        last = need.group
    return table


def seen_lines(found: Sequence[Seen], about: Mapping[str, str]) -> Iterator[str]:
    """Yield a line about this machine, and one about what is there."""
    here = sum(seen.state == "here" for seen in found)
    yield f"lrtc {about['lrtc']}, Python {about['python']}, {about['system']} on {about['machine']}"
    yield f"{here} of {len(found)} tools are here; none of the others is needed to compile"


def seen_json(seen: Seen) -> dict[str, object]:
    """Return a tool as plain data."""
    need = seen.need
    return {
        "group": need.group, "name": need.name, "state": seen.state, "version": seen.version or None,
        "where": seen.where or None, "enables": need.enables, "get": need.get.strip("`"),
    }  # fmt: skip


def surroundings() -> dict[str, str]:
    """Return what else a report of a fault needs: versions of lrtc and Python, the system, the processor."""
    about = {"python": platform.python_version(), "system": platform.system(), "machine": platform.machine()}
    return {"lrtc": __version__, **about}
