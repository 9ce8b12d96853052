"""Streams, constants and processes: what a layer is made of in the emitted C++, every number computed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod

import numpy as np

LINE = 116  # columns of a table
BRAM_BITS = 1024  # a ROM with more bits lies in block RAM
MAX_BITS = 4096  # of an ap_uint: AP_INT_MAX_W of Vitis HLS goes no further
DEEP = 64  # values of a stream beyond which it lies in block RAM


@dataclass(frozen=True)
class Stream:
    """A stream between two processes: `bits` wide, `depth` values deep."""

    name: str
    bits: int
    depth: int

    @property
    def type(self) -> str:
        return word_type(self.bits)

    @property
    def impl(self) -> str:
        """Return where its values lie, as BIND_STORAGE says it."""
        return "bram" if self.depth > DEEP else "srl"


@dataclass(frozen=True)
class Table:
    """A constant array of `type`; pragmas: (kind, what it says) of the process that reads it."""

    name: str
    type: str
    shape: tuple[int, ...]
    lines: tuple[str, ...]
    pragmas: tuple[str, ...] = ()

    @property
    def declaration(self) -> str:
        return f"static const {self.type} {self.name}{''.join(f'[{n}]' for n in self.shape)}"


@dataclass(frozen=True)
class Shape:
    """A struct of named numbers: the parameter of a stage of the library."""

    name: str
    numbers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Post:
    """What is done to an element before it leaves a stage: C++ statements from `code` to the returned expression."""

    name: str
    in_bits: int
    out_bits: int
    lines: tuple[str, ...]
    pragmas: tuple[str, ...]


@dataclass(frozen=True)
class Port:
    """One stream of a process: its name inside, the type of its values, the stream of the top that it is."""

    name: str
    type: str
    stream: str


@dataclass(frozen=True)
class Process:
    """A function of the dataflow region. call: the stage of the library with its parameters; arguments: its operands.

    iterations: of its loops for an image; II = 1 is asked for each.
    """

    function: str
    note: str
    call: str
    ports: tuple[Port, ...]
    arguments: tuple[str, ...]
    pragmas: tuple[str, ...]
    iterations: int

    @property
    def streams(self) -> str:
        """Return the operands of its call in the top."""
        return ", ".join(port.stream for port in self.ports)


def word_type(bits: int) -> str:
    """Return the type of a beat: above MAX_BITS, lrtc_stream.hpp's parts side by side."""
    return f"ap_uint<{bits}>" if bits <= MAX_BITS else f"lrtc::wide<{bits}>"


def table(name: str, type_: str, values: np.ndarray, banks: Sequence[int], bits: int, suffix: str = "") -> Table:
    """Return a constant array. banks: the axes read at once; bits: of a value; suffix: of every literal."""
    rows = prod(n for axis, n in enumerate(values.shape) if axis not in banks)
    axes = [f"ARRAY_PARTITION variable={name} type=complete dim={axis + 1}" for axis in banks if values.shape[axis] > 1]
    storage = "bram" if rows * bits > BRAM_BITS else "lutram"
    if rows > 1:
        axes.append(f"BIND_STORAGE variable={name} type=rom_1p impl={storage}")
    return Table(name, type_, values.shape, tuple(_wrapped(_braces(values, suffix))), tuple(axes))


def _braces(values: np.ndarray, suffix: str) -> Iterator[str]:
    """Yield the words of an initialiser, braces with the first and last number of an axis."""
    if values.ndim == 0:
        number = int(values)
        yield f"0x{number:x}{suffix}" if suffix else str(number)
        return
    inner = [list(_braces(value, suffix)) for value in values]
    words = [word for part in inner[:-1] for word in (*part[:-1], part[-1] + ",")] + inner[-1]
    words[0] = "{" + words[0]
    words[-1] += "}"
    yield from words


def _wrapped(words: Iterator[str]) -> Iterator[str]:
    line = ""
    for word in words:
        if line and len(line) + 1 + len(word) > LINE:
            yield line
            line = word
        else:
            line = f"{line} {word}" if line else word
    yield line
