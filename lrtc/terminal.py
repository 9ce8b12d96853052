"""What every command prints with: the consoles, JSON, a spinner, notes; how much of it."""

from __future__ import annotations

import json
import shlex
import sys
import time
from collections.abc import Iterable

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

PLAIN_WIDTH = 120  # of tables that go into a pipe or a file
# names of layers stand in tables: no markup anywhere, a style is said by a Text
out = Console(markup=False) if sys.stdout.isatty() else Console(width=PLAIN_WIDTH, markup=False)
err = Console(stderr=True, markup=False)
_told: list[float] = []  # when --verbose began; empty without it


def behave(quiet: bool = False, verbose: bool = False, anew: bool = False) -> None:
    """Print errors and JSON only (quiet); also every program that is started (verbose). anew: forget the last words."""
    if anew:
        out.quiet = False
        _told.clear()
    out.quiet = out.quiet or quiet
    if verbose and not _told:
        _told.append(time.monotonic())
        if not _hooked:
            _hooked.append(sys.addaudithook(_tell))  # sees every program, however it is started; stays for good


_hooked: list[None] = []


def is_verbose() -> bool:
    """Return whether --verbose was given."""
    return bool(_told)


def _tell(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen" and _told:
        _, argv, folder, _ = arguments
        words = [argv] if isinstance(argv, (str, bytes)) else argv
        text = shlex.join(str(word) for word in words)
        where = f" (in {folder})" if folder else ""
        err.print(f"[{time.monotonic() - _told[0]:.1f} s] {text}{where}", style="dim", markup=False, highlight=False,
                  soft_wrap=True)  # fmt: skip


def working(text: str) -> Progress:
    """Return a spinner on the terminal's error stream; it shows nothing when that is no terminal."""
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    progress = Progress(*columns, console=err, transient=True, disable=out.quiet or not err.is_terminal)
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
