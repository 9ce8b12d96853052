"""What every command prints with: the consoles, JSON, a spinner, notes."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PLAIN_WIDTH = 120  # of tables that go into a pipe or a file
out = Console() if sys.stdout.isatty() else Console(width=PLAIN_WIDTH)
err = Console(stderr=True)


def working(text: str) -> Progress:
    """Return a spinner on the terminal's error stream; it shows nothing when that is no terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    progress = Progress(*columns, console=err, transient=True)
    if text:
        progress.add_task(text)
    return progress


def print_line(text: str) -> None:
    """Print one line as it is: no markup, no wrapping."""
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def print_notes(notes: Iterable[str]) -> None:
    """Print notes for people."""
    for note in notes:
        print_line(f"note: {note}")


def print_json(value: object) -> None:
    """Print a value as JSON for machines."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")
