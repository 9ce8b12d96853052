"""Reading a table of foreign data field by field: every fault is collected, nothing is guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from lrtc.errors import FaultList, nearest, shown

LONGEST = 300  # characters of a text
MOST = 100  # entries of a list


class Fields:
    """The fields of one table. Each is taken once, by type; what is left over is refused by name."""

    def __init__(self, table: object, where: str, faults: FaultList) -> None:
        self.where, self.faults = where, faults
        self.table: dict[str, object] = {}
        self.known: list[str] = []
        if isinstance(table, Mapping):
            self.table = {str(key): value for key, value in table.items()}
        else:
            faults.add(where, f"{shown(table)} is no table")

    def _at(self, name: str) -> str:
        return f"{self.where}.{shown(name, 40)}" if self.where else shown(name, 40)

    def _take(self, name: str, needed: bool) -> object | None:
        self.known.append(name)
        if name not in self.table:
            if needed:
                self.faults.add(self._at(name), "missing")
            return None
        return self.table.pop(name)

    def text(self, name: str, pattern: str | None = None, needed: bool = True) -> str:
        """Return a text of printable characters that `pattern` matches as a whole."""
        value = self._take(name, needed)
        if value is None:
            return ""
        if not isinstance(value, str) or not value.isprintable() or not 0 < len(value) <= LONGEST:
            self.faults.add(self._at(name), f"{shown(value)} is no text of 1 to {LONGEST} printable characters")
            return ""
        if pattern and not re.fullmatch(pattern, value, re.ASCII):
            self.faults.add(self._at(name), f"{shown(value)} does not look like one ({pattern})")
            return ""
        return value

    def one_of(self, name: str, choices: Iterable[str], default: str | None = None) -> str:
        """Return one of the choices, or the default when the field is not there."""
        choices = tuple(choices)
        value = self._take(name, default is None)
        if value is None:
            return default or choices[0]
        if value not in choices or not isinstance(value, str):
            hint = nearest(value, choices) if isinstance(value, str) else ""
            self.faults.add(self._at(name), f"{shown(value)} is unknown{hint}; known: {', '.join(choices)}")
            return choices[0]
        return value

    def number(self, name: str, low: int, high: int, default: int | None = None) -> int:
        """Return an integer from low to high."""
        value = self._take(name, default is None)
        if value is None:
            return low if default is None else default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.faults.add(self._at(name), f"{shown(str(value))} is no integer from {low} to {high}")
            return low
        return value

    def real(self, name: str, high: float) -> float:
        """Return a number above 0, at most `high`."""
        value = self._take(name, True)
        if value is None:
            return high
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= high:
            self.faults.add(self._at(name), f"{shown(str(value))} is no number above 0 and at most {high:g}")
            return high
        return float(value)

    def flag(self, name: str) -> bool:
        """Return a truth value; not there means false."""
        value = self._take(name, False)
        if value is not None and not isinstance(value, bool):
            self.faults.add(self._at(name), f"{shown(str(value))} is neither true nor false")
        return value is True

    def items(self, name: str, needed: bool = True) -> list[object]:
        """Return a list of at most MOST values."""
        value = self._take(name, needed)
        if value is None:
            return []
        if not isinstance(value, list) or len(value) > MOST:
            self.faults.add(self._at(name), f"this is no list of at most {MOST}")
            return []
        return value

    def inner(self, name: str, needed: bool = True) -> Fields | None:
        """Return the fields of a table in this one, or None when it may be missing and is."""
        value = self._take(name, needed)
        if value is None:
            return None
        return Fields(value, self._at(name), self.faults)

    def finish(self) -> None:
        """Refuse what nobody took."""
        for name in self.table:
            self.faults.add(self._at(name), f"no such field{nearest(name, self.known)}; known: {', '.join(self.known)}")
