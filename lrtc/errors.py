"""The errors a user can cause: where, what was met, what is supported, what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing that is wrong: `where` it is, `what` was met there and what would be accepted."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


class LrtcError(Exception):
    """A fault of the input, not of lrtc: a summary, every fault found together, and a hint."""

    def __init__(self, summary: str, faults: Iterable[Fault] = (), hint: str | None = None) -> None:
        self.summary = summary
        self.faults = tuple(faults)
        self.hint = hint
        lines = [summary, *(f"  {fault}" for fault in self.faults)]
        if hint:
            lines.append(f"  hint: {hint}")
        super().__init__("\n".join(lines))


class ToolMissing(LrtcError):
    """An external tool that this step needs is not on this machine."""


class DoesNotFit(LrtcError):
    """A program needs more memory than there is."""


class Mismatch(LrtcError):
    """Two engines disagree on an output bit."""


class FaultList:
    """Collects faults so that all of one kind are reported together."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []

    def add(self, where: str, what: str) -> None:
        self.faults.append(Fault(where, what))

    def __iter__(self) -> Iterator[Fault]:
        return iter(self.faults)

    def __bool__(self) -> bool:
        return bool(self.faults)

    def check(self, summary: str, hint: str | None = None) -> None:
        """Raise one LrtcError that names every fault so far, if there is any."""
        if self.faults:
            raise LrtcError(summary.format(n=count(len(self.faults), "fault")), self.faults, hint)


@contextmanager
def collecting(summary: str, hint: str | None = None) -> Iterator[FaultList]:
    """Yield a FaultList and raise what it holds at the end of the block."""
    faults = FaultList()
    yield faults
    faults.check(summary, hint)


def count(n: int, noun: str) -> str:
    """Return "1 layer" or "2 layers"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return " (did you mean 'x'?)" for the nearest known word, else the shortest with `word` in it, or nothing."""
    names = list(known)
    match = difflib.get_close_matches(word, names, n=1)
    match = match or sorted((name for name in names if len(word) > 1 and word in name), key=len)[:1]
    return f" (did you mean {match[0]!r}?)" if match else ""


def shown(text: object, limit: int = 80) -> str:
    """Return foreign text for a message: one line, at most `limit` characters, everything unprintable escaped."""
    if not isinstance(text, str):
        return f"a value of type {type(text).__name__}"
    safe = "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text[: limit + 1])
    return safe if len(safe) <= limit else safe[: limit - 1] + "…"
