"""No value of a C program is overwritten before it was read, by running the program on the owners of bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Region:
    """Bytes offset … offset + size − 1 of the arena, and the value that lies there ("" for scratch)."""

    value: str
    offset: int
    size: int

    def meets(self, other: Region) -> bool:
        return self.offset < other.offset + other.size and other.offset < self.offset + self.size


@dataclass(frozen=True)
class Access:
    """What one step does: reads, writes, and scratch that it may write at any time.

    elementwise: values of which element k is read right before element k is written; these it may write over.
    """

    name: str
    reads: tuple[Region, ...]
    write: Region | None
    scratch: Region | None = None
    elementwise: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Memory:
    """What was shown: whether every read finds the value that it wants, whole."""

    held: bool
    steps: int
    reads: int
    why: str = ""


def prove_memory(steps: Sequence[Access], size: int, align: int) -> Memory:
    """Return whether no step reads bytes that another value was written to since, or writes what it still reads.

    size: bytes of the arena. align: bytes to which every region must be aligned.
    """
    owner, names, count = np.full(size, -1), [""], 0
    for i, step in enumerate(steps):
        written = [r for r in (step.write, step.scratch) if r is not None]
        for region in (*step.reads, *written):
            if region.offset < 0 or region.offset + region.size > size or region.offset % align:
                return Memory(False, i, count, f"{step.name}: {region} is outside of the arena, or not aligned")
        for read in step.reads:
            held = owner[read.offset : read.offset + read.size]
            if (strangers := held[held != _number(names, read.value)]).size:
                other = names[strangers[0]] if strangers[0] >= 0 else "nothing"
                return Memory(False, i, count, f"{step.name} reads {read.value}, where {other} lies by now")
            for region in written:
                free = region is step.write and read.value in step.elementwise and region.offset == read.offset
                if region.meets(read) and not free:
                    return Memory(False, i, count, f"{step.name} writes over {read.value} while it reads it")
            count += 1
        if step.write and step.scratch and step.write.meets(step.scratch):
            return Memory(False, i, count, f"{step.name}: its scratch lies in its result")
        for region in written:
            owner[region.offset : region.offset + region.size] = _number(names, region.value)
    return Memory(True, len(steps), count)


def _number(names: list[str], value: str) -> int:
    if value not in names:
        names.append(value)
    return names.index(value)
