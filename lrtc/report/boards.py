"""Tables of boards: what they are, and whether a network fits them."""

from __future__ import annotations

from collections.abc import Iterable

from rich.table import Table

from lrtc.boards import Board
from lrtc.flashing import Fit


def board_table(boards: Iterable[Board]) -> Table:
    """Return the boards: core, clock, memories, programmers."""
    table = _table("board", "chip", "core", "clock", "flash", "RAM", "programmers")
    for b in boards:
        clock = "-" if b.emulated else f"{b.clock_hz / 1e6:g} MHz"
        row = (b.name, b.chip, b.core, clock, _kib(b.flash.size), _kib(b.ram.size))
        table.add_row(*row, ", ".join(b.programmers) or "the emulator")
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for i, column in enumerate(columns):
        table.add_column(column, no_wrap=i + 1 < len(columns), overflow="fold")
    return table


def _kib(size: int) -> str:
    return f"{size / 1024:,g} KiB"


def fit_table(fits: Iterable[Fit]) -> Table:
    """Return for every board whether the network fits: bytes of flash, of RAM and stack, and what is too big."""
    table = _table("board", "core", "fits", "flash", "of", "RAM + stack", "of", "")
    for fit in fits:
        says = {True: "yes", False: "no", None: "?"}[fit.fits]
        flash, ram = fit.board.flash.size, fit.board.ram.size
        both = f"{fit.ram:,} + {fit.stack:,}" if fit.stack else ""
        sizes = (f"{fit.flash:,}", f"{flash:,}", both, f"{ram:,}") if fit.flash else [""] * 4
        table.add_row(fit.board.name, fit.board.core, says, *sizes, fit.why)
    return table


def board_json(board: Board) -> dict[str, object]:
    """Return a board as plain data."""
    return {
        "name": board.name, "title": board.title, "chip": board.chip, "core": board.core, "clock_hz": board.clock_hz,
        "flash": vars(board.flash), "ram": vars(board.ram), "stack": board.stack, "consoles": board.consoles,
        "programmers": list(board.programmers), "emulated": board.emulated, "note": board.note,
        "current": vars(board.current) if board.current else None,
    }  # fmt: skip


def fit_json(fit: Fit) -> dict[str, object]:
    """Return a verdict as plain data; bytes: of flash, of RAM with the stack, of the stack, of the board's memories."""
    return {
        "board": fit.board.name, "fits": fit.fits, "flash": fit.flash, "ram": fit.ram + fit.stack, "stack": fit.stack,
        "flash_there": fit.board.flash.size, "ram_there": fit.board.ram.size, "why": fit.why,
    }  # fmt: skip
