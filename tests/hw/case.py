"""Return what the bench files list: instances of a module, their ports, and random frames with the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

Beat = tuple[int, ...]
Frame = tuple[list[Beat], list[Beat]]


@dataclass(frozen=True)
class Case:
    """One instance of `module` inside the top level that a group of bench files is built into.

    `ins` and `outs` name the data ports of the two streams and their widths: {"data": 8} is `in_data_i[7:0]`. `frame`
    draws the input beats of one frame and computes the output beats. `period` is the number of cycles from frame to
    frame when nothing stalls; `steady` says that it is the same before a sink that waits for valid. `latency` is
    (input beat, output beat, clock edges between the two) in a frame. `body` replaces the plain instance for modules
    that are no stream; in it `@` stands for the instance's name and `_`.
    """

    name: str
    module: str
    params: dict[str, int | str]
    ins: dict[str, int]
    outs: dict[str, int]
    frame: Callable[[Random], Frame]
    period: int
    latency: tuple[int, int, int] | None = None
    files: dict[str, str] = field(default_factory=dict)
    body: str = ""
    steady: bool = False

    def ports(self) -> list[tuple[str, str, int]]:
        """Return (direction, name inside the module, bits) of all stream ports."""
        return [
            ("input", "in_valid_i", 1),
            ("output", "in_ready_o", 1),
            *(("input", f"in_{key}_i", bits) for key, bits in self.ins.items()),
            ("output", "out_valid_o", 1),
            ("input", "out_ready_i", 1),
            *(("output", f"out_{key}_o", bits) for key, bits in self.outs.items()),
        ]

    def parameter_text(self) -> str:
        """Return `#(.A(1), .File("x"))`."""
        texts = [
            f'.{key}("{value}")' if isinstance(value, str) and "'" not in value else f".{key}({value})"
            for key, value in self.params.items()
        ]
        return f"#({', '.join(texts)})"

    def instance(self) -> str:
        """Return the instance, or `body`."""
        if self.body:
            return self.body.replace("@", f"{self.name}_")
        ports = [".clk_i(clk_i)", ".rst_ni(rst_ni)"]
        ports += [f".{name}({self.name}_{name})" for _, name, _ in self.ports()]
        return f"{self.module} {self.parameter_text()} u_{self.name} (\n    {', '.join(ports)});"


def top(cases: list[Case]) -> str:
    """Return the module `bench` with one instance a case, the ports of each prefixed with its name."""
    ports = ["input wire clk_i", "input wire rst_ni"]
    for case in cases:
        ports += [f"{way} wire [{bits - 1}:0] {case.name}_{name}" for way, name, bits in case.ports()]
    body = "\n".join(case.instance() for case in cases)
    return f"`default_nettype none\nmodule bench (\n  {(',' + chr(10) + '  ').join(ports)}\n);\n{body}\nendmodule\n"


# ---- bits


def pack(values: list[int], bits: int) -> int:
    """Return the values side by side, value 0 at the LSBs, each cut to `bits` bits."""
    word = 0
    for value in reversed(values):
        word = (word << bits) | (value & ((1 << bits) - 1))
    return word


def unpack(word: int, bits: int, count: int) -> list[int]:
    """Return `count` unsigned fields of `bits` bits, the one at the LSBs first."""
    return [(word >> (i * bits)) & ((1 << bits) - 1) for i in range(count)]


def signed(value: int, bits: int) -> int:
    """Return the two's complement value of the low `bits` bits."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def hex_rows(rows: list[int], bits: int) -> str:
    """Return a `$readmemh` file."""
    return "".join(f"{row:0{(bits + 3) // 4}x}\n" for row in rows)
