"""Boards: what lrtc knows of the machines that a compiled network runs on, one TOML file each."""

from lrtc.boards.board import CONSOLES, Board, Current, Direction, Memory, Step, Uart
from lrtc.boards.reading import PROGRAMMERS, board_named, board_names, parse_board, read_board

__all__ = [
    "CONSOLES", "PROGRAMMERS", "Board", "Current", "Direction", "Memory", "Step", "Uart", "board_named",
    "board_names", "parse_board", "read_board",
]  # fmt: skip
