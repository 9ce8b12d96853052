"""Registers behind AXI4-Lite around an accelerator: what the templates and the drivers know of them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

import jinja2
import numpy as np

import lrtc
from lrtc.backends.streaming import AxisView
from lrtc.backends.verilog.reload import Bus, Place, load_words, map_of
from lrtc.backends.verilog.top import TopView
from lrtc.ir import Graph
from lrtc.ir.ops import Const
from lrtc.ir.printer import node_text
from lrtc.resources import share

REGISTER_BYTES = 64
LIBRARY = ("lrtc_axi_lite",)


@dataclass(frozen=True)
class Register:
    """One register: byte offset, name, "read" or "read, write", value after reset, and what it holds."""

    offset: int
    name: str
    access: str
    reset: str
    what: str


@dataclass(frozen=True)
class MemoryView:
    """One memory that can be written. address: in bytes; width: bits a row; words a row, stride from row to row."""

    name: str
    macro: str
    what: str
    address: int
    rows: int
    width: int
    words: int
    stride: int


@dataclass(frozen=True)
class AxiView:
    """What the templates see. version, hash, layout: literals. reload_bits: of the bus to the memories."""

    module: str
    network: str
    answer: str
    inputs: tuple[AxisView, ...]
    outputs: tuple[AxisView, ...]
    registers: tuple[Register, ...]
    addr_bits: int
    image_beats: int
    version: str
    hash: str
    layout: str
    window: int = 0
    window_bits: int = 0
    reload_bits: int = 1
    memories: tuple[MemoryView, ...] = ()

    @property
    def streams(self) -> tuple[str, ...]:
        """Return the names of all stream ports."""
        return tuple(port.name for port in (*self.inputs, *self.outputs))

    @property
    def guard(self) -> str:
        """Return what the names of macros begin with."""
        return self.network.upper()

    @property
    def layout_hex(self) -> str:
        return f"0x{self.layout.rpartition('h')[2]}"


def axi_top(name: str) -> str:
    """Return the name of the top module with registers around the accelerator `name`."""
    return f"{name}_axi"


def version_word(version: str) -> int:
    """Return major, minor and patch of a version, an octet each, above an octet that is 0."""
    numbers = [int(n) for n in re.findall(r"\d+", version)[:3]]
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return (major & 255) << 24 | (minor & 255) << 16 | (patch & 255) << 8


def network_word(graph: Graph) -> int:
    """Return 32 bits of the SHA-256 of what a network computes: its nodes and constants, not its name."""
    h = hashlib.sha256("\n".join(node_text(node) for node in graph.nodes).encode())
    for node in graph.nodes:
        if isinstance(node.op, Const):
            h.update(np.ascontiguousarray(node.op.value).tobytes())
    return int.from_bytes(h.digest()[:4], "big")


def registers(version: int, network: int, layout: int) -> tuple[Register, ...]:
    """Return the map of registers, in the order of their addresses."""
    writable = "read, write" if layout else "read"
    loaded = "; written after other contents were loaded, while held in reset" if layout else ""
    version_is = "of lrtc: major, minor, patch in bits 31:24, 23:16, 15:8"
    status_is = (
        "bit 0: running, not in reset; 1: busy, an image is inside or coming in; 2: the input waits; "
        "3: an answer waits; 4: memories can be written"
    )
    check_is = "of those words: turned left by one bit, then XORed with the word, for each"
    return (
        Register(0x00, "ID", "read", "0x4c525443", "the letters LRTC"),
        Register(0x04, "VERSION", "read", f"0x{version:08x}", version_is),
        Register(0x08, "NETWORK", writable, f"0x{network:08x}", f"hash of the network: nodes and constants{loaded}"),
        Register(0x0C, "LAYOUT", "read", f"0x{layout:08x}", "hash of the map of memories; 0: none can be written"),
        Register(0x10, "CONTROL", "read, write", "0", "bit 0: hold the network in reset; other bits are ignored"),
        Register(0x14, "STATUS", "read", "running", status_is),
        Register(0x18, "IMAGES", "read", "0", "images that came in whole"),
        Register(0x1C, "FRAMES", "read", "0", "images whose answer left (frame counter)"),
        Register(0x20, "CYCLES", "read", "0", "clock cycles"),
        Register(0x24, "WORDS", "read", "0", "words written to memories since 1 was last written to CONTROL"),
        Register(0x28, "CHECK", "read", "0", check_is),
    )


def axi_files(graph: Graph, top: TopView, environment: jinja2.Environment, bus: Bus | None = None) -> dict[str, str]:
    """Return the files of registers around an accelerator: the top, its library, a README, drivers.

    bus: the memories that can be written; their map and what they hold are among the files then.
    """
    version, network = version_word(getattr(lrtc, "__version__", "")), network_word(graph)
    layout = bus.layout if bus else 0
    view = AxiView(
        module=axi_top(top.module),
        network=top.module,
        answer=top.answer,
        inputs=top.inputs,
        outputs=top.outputs,
        registers=registers(version, network, layout),
        addr_bits=bus.addr_bits + 3 if bus else 6,
        image_beats=top.inputs[0].beats,
        version=_literal(version),
        hash=_literal(network),
        layout=_literal(layout),
        window=bus.window if bus else 0,
        window_bits=bus.addr_bits if bus else 0,
        reload_bits=bus.width if bus else 1,
        memories=tuple(_memory(bus, place) for place in bus.places) if bus else (),
    )
    loaded = _loads(view, bus, network, environment) if bus else {}
    return library() | rendered(view, environment) | loaded | hosts()


def _memory(bus: Bus, place: Place) -> MemoryView:
    m = place.memory
    macro = m.name.replace(".", "_").upper()
    return MemoryView(m.name, macro, m.what, bus.address(place), m.depth, m.width, place.words, place.stride)


def _loads(view: AxiView, bus: Bus, network: int, environment: jinja2.Environment) -> dict[str, str]:
    """Return the map of the memories and what is loaded into them, for programs."""
    version, words, name = getattr(lrtc, "__version__", ""), load_words(bus, network), view.network
    texts = {what: environment.get_template(f"{what}.h.j2") for what in ("reload", "load")}
    files = {f"{name}_{what}.h": texts[what].render(view=view, version=version, words=words) for what in texts}
    files[f"{name}_reload.json"] = json.dumps(map_of(bus, network), indent=1) + "\n"
    files[f"{name}_load.json"] = json.dumps(words) + "\n"
    return files


def _literal(number: int) -> str:
    return f"32'h{number:08x}"


def rendered(view: AxiView, environment: jinja2.Environment) -> dict[str, str]:
    """Return the files that depend on the model."""
    made = {f"{view.module}.sv": "axi.sv.j2", "README.md": "axi_README.md.j2", "host/lrtc_axi.py": "lrtc_axi.py.j2"}
    version = getattr(lrtc, "__version__", "")
    return {path: environment.get_template(name).render(view=view, version=version) for path, name in made.items()}


def library() -> dict[str, str]:
    """Return {rtl/….sv: text} of what is the same for every model."""
    folder = share("hw") / "axi"
    return {f"rtl/{name}.sv": (folder / f"{name}.sv").read_text(encoding="utf-8") for name in LIBRARY}


def hosts() -> Mapping[str, str]:
    """Return the driver in C."""
    found = sorted((share("hw") / "axi" / "host").glob("lrtc_axi.h"))
    return {f"host/{path.name}": path.read_text(encoding="utf-8") for path in found}
