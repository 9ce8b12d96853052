"""A module's body as a chain of instances: what the templates print."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
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
    """A stream in a module: `bits` wide, with signals `<name>_valid`, `_ready` and `_data` unless it is a port.

    data: the wire that carries its data, if it is another one.
    """

    name: str
    bits: int
    data: str = ""

    OUTPUT: ClassVar = ("out_valid_o", "out_ready_i", "out_data_o")
    INPUT: ClassVar = re.compile(r"in\d*\Z")
    AXIS: ClassVar = re.compile(r"s_axis(_\w+)?\Z")

    @property
    def is_port(self) -> bool:
        return self.name == "out" or self.INPUT.match(self.name) is not None or self.AXIS.match(self.name) is not None

    @property
    def signals(self) -> tuple[str, str, str]:
        """Return the names of valid, ready and data."""
        if self.INPUT.match(self.name):
            names = (f"{self.name}_valid_i", f"{self.name}_ready_o", f"{self.name}_data_i")
        elif self.AXIS.match(self.name):
            names = (f"{self.name}_tvalid", f"{self.name}_tready", f"{self.name}_tdata")
        elif self.name == "out":
            names = self.OUTPUT
        else:
            names = (f"{self.name}_valid", f"{self.name}_ready", f"{self.name}_data")
        return (*names[:2], self.data or names[2])

    def sink(self, port: str = "in") -> tuple[tuple[str, str], ...]:
        """Return the ports of an instance that takes this stream."""
        return tuple(zip((f"{port}_valid_i", f"{port}_ready_o", f"{port}_data_i"), self.signals, strict=True))

    def source(self) -> tuple[tuple[str, str], ...]:
        """Return the ports of an instance that gives this stream."""
        return tuple(zip(("out_valid_o", "out_ready_i", "out_data_o"), self.signals, strict=True))


def bundle(signals: Sequence[str]) -> str:
    """Return the concatenation of signals, the first at the LSB."""
    return f"{{{', '.join(reversed(signals))}}}" if len(signals) > 1 else signals[0]


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
        self.place(module, name, self.stream.sink(), out, parameters, note, ports, extra_wires, late_ports)

    def place(
        self,
        module: str,
        name: str,
        sink: tuple[tuple[str, str], ...],
        out: Stream,
        parameters: Mapping[str, object] | None = None,
        note: str = "",
        ports: tuple[tuple[str, str], ...] = (),
        extra_wires: tuple[Wire, ...] = (),
        late_ports: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Add an instance that takes what the ports `sink` say and gives `out`, which becomes the current stream."""
        valid, ready, data = out.signals
        wires = () if out.is_port else (Wire(data, out.bits),)
        flags = () if out.is_port else (valid, ready)
        all_ports = (*CLOCK, *sink, *ports, *out.source(), *late_ports)
        numbers = tuple((key, str(value)) for key, value in (parameters or {}).items())
        self.instances.append(Instance(module, name, note, numbers, all_ports, (*wires, *extra_wires), flags))
        self.stream = out

    def join(
        self, module: str, name: str, streams: Sequence[Stream], out: Stream, parameters: Mapping[str, object]
    ) -> None:
        """Add an instance that takes several streams side by side, the first at the LSBs."""
        bundles = (bundle(signals) for signals in zip(*(stream.signals for stream in streams), strict=True))
        sink = tuple(zip(("in_valid_i", "in_ready_o", "in_data_i"), bundles, strict=True))
        self.place(module, name, sink, out, parameters)

    def fork(self, name: str, readers: int) -> list[Stream]:
        """Add a fork of the current stream; return the streams of its readers, which share the wire of the data."""
        data, bits = f"{name}_fork_data", self.stream.bits
        outs = [Stream(f"{name}_to{k}", bits, data) for k in range(readers)]
        valid, ready, _ = (bundle(signals) for signals in zip(*(out.signals for out in outs), strict=True))
        self.side(
            Instance(
                module="lrtc_fork",
                name=f"u_{name}_fork",
                note=f"{name} has {readers} readers",
                parameters=(("Width", str(bits)), ("Readers", str(readers))),
                ports=(
                    *CLOCK,
                    *self.stream.sink(),
                    ("out_valid_o", valid),
                    ("out_ready_i", ready),
                    ("out_data_o", data),
                ),
                wires=(Wire(data, bits),),
                flags=tuple(signal for out in outs for signal in out.signals[:2]),
            )
        )
        return outs

    def wired(
        self,
        module: str,
        name: str,
        stream: Stream,
        bits: int,
        parameters: Mapping[str, object],
        note: str = "",
        ports: tuple[tuple[str, str], ...] = (),
    ) -> Stream:
        """Add a module without a clock to the data of a stream; return the stream with its `bits` of new data."""
        data = f"{name}_data"
        numbers = tuple((key, str(value)) for key, value in parameters.items())
        ports = (("in_data_i", stream.signals[2]), *ports, ("out_data_o", data))
        self.side(Instance(module, f"u_{name}", note, numbers, ports, (Wire(data, bits),), ()))
        return replace(stream, bits=bits, data=data)

    def extend(self, name: str, stream: Stream, parameters: Mapping[str, int]) -> Stream:
        """Add a lrtc_extend to a stream; return the stream with its wider data."""
        return self.wired("lrtc_extend", name, stream, parameters["Count"] * parameters["OutBits"], parameters)

    def constants(self, name: str, bits: int, depth: int, file: str) -> Stream:
        """Add a stream of `depth` constants a frame, from a file; return it."""
        stream = Stream(name, bits)
        parameters = (("Width", str(bits)), ("Depth", str(depth)), ("File", f'"{file}"'))
        ports = (*CLOCK, *stream.source())
        wires, flags = (Wire(stream.signals[2], bits),), stream.signals[:2]
        self.side(Instance("lrtc_constants", f"u_{name}", "the same for every image", parameters, ports, wires, flags))
        return stream

    def side(self, instance: Instance) -> None:
        """Add an instance that is not on the chain (a ROM)."""
        self.instances.append(instance)
