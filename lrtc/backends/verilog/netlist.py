"""A module's body as a chain of instances: what the templates print."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Wire:
    """A wire of `bits` bits."""

    name: str
    bits: int

    @property
    def range(self) -> str:
        """Return "[7:0] ", or nothing for one bit of a scalar."""
        return f"[{self.bits - 1}:0] "


@dataclass(frozen=True)
class Instance:
    """One instance: parameters and ports as (name, text) in order; `wires` are declared before it; `note` says why."""

    module: str
    name: str
    note: str
    parameters: tuple[tuple[str, str], ...]
    ports: tuple[tuple[str, str], ...]
    wires: tuple[Wire, ...]
    flags: tuple[str, ...]  # one-bit wires declared before it


@dataclass(frozen=True)
class Stream:
    """A stream in a module: `bits` wide, with signals `<name>_valid`, `_ready` and `_data` unless it is a port."""

    name: str
    bits: int

    PORTS: ClassVar = {
        "in": ("in_valid_i", "in_ready_o", "in_data_i"),
        "out": ("out_valid_o", "out_ready_i", "out_data_o"),
        "s_axis": ("s_axis_tvalid", "s_axis_tready", "s_axis_tdata"),
    }

    @property
    def is_port(self) -> bool:
        return self.name in self.PORTS

    @property
    def signals(self) -> tuple[str, str, str]:
        """Return the names of valid, ready and data."""
        return self.PORTS.get(self.name) or (f"{self.name}_valid", f"{self.name}_ready", f"{self.name}_data")

    def sink(self) -> tuple[tuple[str, str], ...]:
        """Return the ports of an instance that takes this stream."""
        return tuple(zip(("in_valid_i", "in_ready_o", "in_data_i"), self.signals, strict=True))

    def source(self) -> tuple[tuple[str, str], ...]:
        """Return the ports of an instance that gives this stream."""
        return tuple(zip(("out_valid_o", "out_ready_i", "out_data_o"), self.signals, strict=True))


CLOCK = (("clk_i", "clk_i"), ("rst_ni", "rst_ni"))


class Chain:
    """Builds a module's body: each instance takes the stream that the one before it gave."""

    def __init__(self, source: Stream) -> None:
        self.stream = source
        self.instances: list[Instance] = []

    def add(
        self,
        module: str,
        name: str,
        out: Stream,
        parameters: Mapping[str, object] | None = None,
        note: str = "",
        ports: tuple[tuple[str, str], ...] = (),
        extra_wires: tuple[Wire, ...] = (),
        late_ports: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Add an instance between the current stream and `out`, which becomes the current one."""
        valid, ready, data = out.signals
        wires = () if out.is_port else (Wire(data, out.bits),)
        flags = () if out.is_port else (valid, ready)
        all_ports = (*CLOCK, *self.stream.sink(), *ports, *out.source(), *late_ports)
        numbers = tuple((key, str(value)) for key, value in (parameters or {}).items())
        self.instances.append(Instance(module, name, note, numbers, all_ports, (*wires, *extra_wires), flags))
        self.stream = out

    def side(self, instance: Instance) -> None:
        """Add an instance that is not on the chain (a ROM)."""
        self.instances.append(instance)
