"""Memories that can be written while the network is held in reset: where each lies, and what is loaded into it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from lrtc.backends.verilog.memories import Memory
from lrtc.backends.verilog.netlist import Instance, Wire
from lrtc.ir import Graph
from lrtc.plan.fold import LayerFold
from lrtc.plan.stream import StreamLayer

WORD = 32
LEAST_BITS = 4  # of the address of a word, so that registers lie below
MAGIC = 0x4C4F4144  # LOAD
CORES = ("lrtc_mvu", "lrtc_dense", "lrtc_threshold", "lrtc_affine")  # NAME is NAME_core and a memory


@dataclass(frozen=True)
class Place:
    """Where a memory lies: base, in words; words a row, and `stride` from row to row."""

    memory: Memory
    base: int

    @property
    def words(self) -> int:
        return -(-self.memory.width // WORD)

    @property
    def stride(self) -> int:
        return 1 << (self.words - 1).bit_length()

    @property
    def span(self) -> int:
        """Return the words that its addresses span, a power of two."""
        return self.stride << (self.memory.depth - 1).bit_length()


@dataclass(frozen=True)
class Bus:
    """The memories of a network on one bus. addr_bits: of the address of a word. layout: the hash of the map."""

    places: tuple[Place, ...]
    addr_bits: int
    layout: int

    @property
    def width(self) -> int:
        return self.addr_bits + WORD + 1

    @property
    def window(self) -> int:
        """Return the byte address of the first word."""
        return 4 << self.addr_bits

    def address(self, place: Place) -> int:
        """Return the byte address of a memory."""
        return self.window + 4 * place.base


def bus_of(memories: Sequence[Memory], shape: object) -> Bus:
    """Return the bus of these memories, the largest first so that each is aligned. shape: what all else depends on."""
    order = sorted(range(len(memories)), key=lambda k: (-Place(memories[k], 0).span, k))
    bases, at = {}, 0
    for k in order:
        bases[k] = at
        at += Place(memories[k], 0).span
    places = tuple(Place(memory, bases[k]) for k, memory in enumerate(memories))
    bits = max(LEAST_BITS, (at - 1).bit_length())
    rows = [[p.memory.kind, p.base, p.memory.depth, p.memory.width] for p in places]
    digest = hashlib.sha256(json.dumps([rows, bits, shape], default=str).encode()).digest()
    return Bus(places, bits, int.from_bytes(digest[:4], "big") or 1)


def shape_of(
    graph: Graph, layers: Sequence[StreamLayer], folds: Sequence[LayerFold], forms: Sequence[object], answer: str
) -> list:
    """Return what a network is but for its constants and names, as plain data."""
    number = {value.name: k for k, value in enumerate(graph.inputs)}
    found: list = [answer, [str(value.type) for value in graph.inputs]]
    for k, (layer, fold, form) in enumerate(zip(layers, folds, forms, strict=True)):
        number[layer.value] = len(graph.inputs) + k
        nodes = [[n.op.name, sorted(n.op.attributes().items()), str(n.type), _wiring(graph, n)] for n in layer.nodes]
        kind = [form.planes, form.masked, form.borders, form.half, form.acc_bits] if form is not None else []
        levels = [count for _, count in layer.levels]
        own = [layer.width, layer.serial, layer.leaves, layer.signs, str(layer.weight), levels]
        found.append([nodes, [number[s] for s in layer.sources], own, [fold.pe, fold.simd, fold.queues], kind])
    return [*found, [number[name] for name in graph.outputs]]


def _wiring(graph: Graph, node) -> list:
    """Return the constants of a node that are wiring."""
    return [graph.const(name).tolist() for name in node.ins[1:]] if node.op.name == "channels" else []


def on_bus(body: Iterable[Instance], bus: Bus) -> tuple[Instance, ...]:
    """Return a layer's instances with every memory of the bus in place of a ROM."""
    places, found = {f'"{place.memory.file}"': place for place in bus.places}, []
    for it in body:
        parameters = dict(it.parameters)
        place = places.get(parameters.pop("File", ""))
        if place is None:
            found.append(it)
        elif it.module in CORES:
            en, addr, data = (f"{it.name}_{what}" for what in ("en", "addr", "data"))
            sizes = (("Width", str(place.memory.width)), ("Depth", str(place.memory.depth)))
            ports = (("clk_i", "clk_i"), ("en_i", en), ("addr_i", addr), ("data_o", data))
            wires = (Wire(addr, max(1, (place.memory.depth - 1).bit_length())), Wire(data, place.memory.width))
            rom = Instance("lrtc_reload", f"{it.name}_constants", place.memory.what, sizes, ports, wires, (en,))
            found.append(_loadable(rom, place, bus))
            outside = (("const_en_o", en), ("const_addr_o", addr), ("const_data_i", data))
            core = replace(it, module=f"{it.module}_core", parameters=tuple(parameters.items()))
            found.append(replace(core, ports=(*it.ports, *outside)))
        else:
            rom = replace(it, module="lrtc_reload", parameters=tuple(parameters.items()))
            found.append(_loadable(rom, place, bus))
    return tuple(found)


def _loadable(rom: Instance, place: Place, bus: Bus) -> Instance:
    own = (("File", f'"{place.memory.file}"'), ("Base", str(place.base)), ("AddrBits", str(bus.addr_bits)))
    return replace(rom, parameters=(*rom.parameters, *own), ports=(*rom.ports, ("reload_i", "reload_i")))


def load_words(bus: Bus, network: int) -> list[int]:
    """Return what the drivers load: magic, layout, network, memories; address, rows, words, stride, rows of each."""
    found = [MAGIC, bus.layout, network, len(bus.places)]
    for place in bus.places:
        found += [bus.address(place), place.memory.depth, place.words, place.stride]
        rows = np.packbits(place.memory.rows, axis=1, bitorder="little")
        full = np.zeros((len(rows), 4 * place.words), np.uint8)
        full[:, : rows.shape[1]] = rows
        found += full.reshape(-1).view("<u4").tolist()
    return found


def map_of(bus: Bus, network: int) -> dict[str, object]:
    """Return the map of memories as plain data."""
    memories = [
        {"name": p.memory.name, "what": p.memory.what, "address": bus.address(p), "rows": p.memory.depth,
         "bits": p.memory.width, "words": p.words, "stride": p.stride}
        for p in bus.places
    ]  # fmt: skip
    return {"format": "lrtc-reload-1", "layout": bus.layout, "network": network, "memories": memories}


def differences(ours: Mapping[str, object], theirs: Mapping[str, object]) -> list[str]:
    """Return in words why what was compiled with the map `theirs` cannot be loaded where the map is `ours`."""
    if ours["layout"] == theirs["layout"]:
        return []
    mine, other = ({m["name"]: m for m in it["memories"]} for it in (ours, theirs))
    found = [f"{name}: only one of the networks has it" for name in sorted({*mine} ^ {*other})]
    for name in mine:
        for what in ("rows", "bits"):
            if name in other and mine[name][what] != other[name][what]:
                found.append(f"{name}: {mine[name][what]} {what} in one network, {other[name][what]} in the other")
    return found or ["the shapes of layers, their folding or what is wiring differ"]
