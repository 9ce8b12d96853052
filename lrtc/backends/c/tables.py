"""Constant tables: numbers as C text, in the narrowest type that holds them, in lines that people can read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LINE = 116
TYPES = (("uint8_t", 0, 0xFF), ("int8_t", -0x80, 0x7F), ("uint16_t", 0, 0xFFFF), ("int16_t", -0x8000, 0x7FFF))


@dataclass(frozen=True)
class Table:
    """`static const ctype name dims = {rows};` where rows are lines of text. bytes: what it takes in flash."""

    name: str
    ctype: str
    dims: str
    rows: tuple[str, ...]
    bytes: int


def ctype_of(values: np.ndarray, least: int = 8) -> str:
    """Return the narrowest C type, at least `least` bits wide, that holds all values."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    for name, floor, ceiling in TYPES:
        if floor <= low and high <= ceiling and _bits(name) >= least:
            return name
    return "int32_t" if high <= 0x7FFF_FFFF else "uint32_t"


def number_table(name: str, values: np.ndarray, least: int = 8) -> Table:
    """Return a table of integers of one or two axes."""
    return _table(name, ctype_of(values, least), values, _decimal)


def word_table(name: str, words: np.ndarray) -> Table:
    """Return a table of 32-bit words in hexadecimal."""
    return _table(name, "uint32_t", words, lambda v: f"0x{int(v):08x}u")


def _bits(ctype: str) -> int:
    return int("".join(filter(str.isdigit, ctype)))


def _decimal(value: int) -> str:
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(int(value))


def _table(name: str, ctype: str, values: np.ndarray, text) -> Table:
    dims = "".join(f"[{n}]" for n in values.shape)
    size = values.size * _bits(ctype) // 8
    if values.ndim == 1:
        return Table(name, ctype, dims, _lines([text(v) for v in values], 4), size)
    rows: list[str] = []
    for row in values:
        lines = _lines([text(v) for v in row], 6)
        if len(lines) == 1:
            rows.append("{" + lines[0].rstrip(",") + "},")
        else:
            rows += ["{" + lines[0], *(" " + line for line in lines[1:-1]), " " + lines[-1].rstrip(",") + "},"]
    return Table(name, ctype, dims, tuple(rows), size)


def _lines(items: list[str], indent: int) -> tuple[str, ...]:
    lines, line = [], ""
    for item in items:
        if line and len(line) + len(item) + 2 + indent > LINE:
            lines.append(line)
            line = ""
        line += f"{' ' if line else ''}{item},"
    return (*lines, line)
