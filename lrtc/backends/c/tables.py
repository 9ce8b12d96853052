"""Constant tables: numbers as C text, in the narrowest type that holds them, in lines that people can read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

LINE = 116
TYPES = (("uint8_t", 0, 0xFF), ("int8_t", -0x80, 0x7F), ("uint16_t", 0, 0xFFFF), ("int16_t", -0x8000, 0x7FFF))


@dataclass(frozen=True, eq=False)
class Table:
    """`static const ctype name dims = {rows};` of integers of one or two axes; `lines` makes their text when asked."""

    name: str
    ctype: str
    values: np.ndarray
    lines: Callable[[np.ndarray, int], list[str]]

    @property
    def dims(self) -> str:
        """Return the lengths of the axes as C writes them."""
        return "".join(f"[{n}]" for n in self.values.shape)

    @property
    def bytes(self) -> int:
        """Return what the table takes in flash."""
        return self.values.size * _bits(self.ctype) // 8

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """Return the lines between the braces."""
        if self.values.ndim == 1:
            return tuple(self.lines(self.values, 4))
        rows: list[str] = []
        for row in self.values:
            texts = self.lines(row, 6)
            if len(texts) == 1:
                rows.append("{" + texts[0].rstrip(",") + "},")
            else:
                rows += ["{" + texts[0], *(" " + line for line in texts[1:-1]), " " + texts[-1].rstrip(",") + "},"]
        return tuple(rows)


def ctype_of(values: np.ndarray, least: int = 8) -> str:
    """Return the narrowest C type, at least `least` bits wide, that holds all values."""
    low, high = int(values.min(initial=0)), int(values.max(initial=0))
    for name, floor, ceiling in TYPES:
        if floor <= low and high <= ceiling and _bits(name) >= least:
            return name
    return "int32_t" if high <= 0x7FFF_FFFF else "uint32_t"


def number_table(name: str, values: np.ndarray, least: int = 8) -> Table:
    """Return a table of integers of one or two axes."""
    return Table(name, ctype_of(values, least), values, _decimal_lines)


def word_table(name: str, words: np.ndarray) -> Table:
    """Return a table of 32-bit words in hexadecimal."""
    return Table(name, "uint32_t", words, _word_lines)


def _bits(ctype: str) -> int:
    return int("".join(filter(str.isdigit, ctype)))


def _decimal(value: int) -> str:
    return "(-2147483647 - 1)" if value == -(1 << 31) else str(value)


def _decimal_lines(values: np.ndarray, indent: int) -> list[str]:
    lines, line, length = [], [], 0
    for item in map(_decimal, values.tolist()):
        if line and length + len(item) + 1 + indent > LINE:
            lines.append(" ".join(line))
            line, length = [], 0
        line.append(item + ",")
        length += len(item) + 2
    return [*lines, " ".join(line)]


def _word_lines(words: np.ndarray, indent: int) -> list[str]:
    """Return the lines of words, written all at once: every word takes as many characters."""
    item = b"0x00000000u, "
    text = np.tile(np.frombuffer(item, dtype=np.uint8), (len(words), 1))
    digits = np.frombuffer(words.astype(">u4").tobytes().hex().encode(), dtype=np.uint8)
    text[:, 2:10] = digits.reshape(-1, 8)
    whole, step = text.tobytes().decode("ascii"), (LINE + 1 - indent) // len(item) * len(item)
    return [whole[i : i + step].rstrip() for i in range(0, len(whole), step)]
