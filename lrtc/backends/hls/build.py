"""Builds the processes of a network: streams that nobody has taken yet, and what stands between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from lrtc.backends import rom
from lrtc.backends.hls.parts import Port, Post, Process, Shape, Stream, Table, table, word_type
from lrtc.backends.streaming import STREAM_KIND, affine_bits, limits, point_nodes, signed_width
from lrtc.ir import Elem, Graph
from lrtc.ir.ops import Clamp, Threshold, TopK
from lrtc.plan.stream import StreamLayer

SLACK = 2  # values that every stream holds beyond its planned queue, as a stage of the RTL does in its registers


@dataclass
class Body:
    """The parts of one layer, or of an end of the network. prefix: of their names."""

    prefix: str
    streams: Network
    shapes: list[Shape] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    posts: list[Post] = field(default_factory=list)
    processes: list[Process] = field(default_factory=list)

    def shape(self, what: str, numbers: Mapping[str, object]) -> str:
        """Add a struct of numbers; return its name."""
        name = f"{self.prefix}_{what}"
        self.shapes.append(Shape(name, tuple((key, str(value)) for key, value in numbers.items())))
        return name

    def table(
        self, what: str, type_: str, values: np.ndarray, banks: Sequence[int] = (), bits: int = 1, suffix: str = ""
    ) -> Table:
        """Add a constant array; return it."""
        made = table(f"{self.prefix}_{what}", type_, values, banks, bits, suffix)
        self.tables.append(made)
        return made

    def stage(
        self,
        what: str,
        call: str,
        sources: Sequence[str],
        bits: int,
        iterations: int,
        note: str = "",
        constants: Sequence[Table | str] = (),
        first_out: bool = False,
    ) -> str:
        """Add a process from streams to one of `bits`; return that stream. constants: its other operands."""
        names = ["in"] if len(sources) == 1 else [f"in{k}" for k in range(len(sources))]
        out = self.streams.add(f"{self.prefix}_{what}", bits)
        ins = [
            Port(name, word_type(self.streams.bits(source)), source)
            for name, source in zip(names, sources, strict=True)
        ]
        given = [c if isinstance(c, str) else c.name for c in constants]
        pragmas = [line for c in constants if not isinstance(c, str) for line in c.pragmas]
        pragmas += [line for post in self.posts for line in post.pragmas if post.name in call]
        ports = (*ins, Port("out", word_type(bits), out))
        arguments = ("out", *names, *given) if first_out else (*names, "out", *given)
        self.processes.append(
            Process(f"{self.prefix}_{what}", note, call, ports, arguments, tuple(pragmas), iterations)
        )
        return out

    def resized(self, what: str, source: str, item: int, before: int, after: int, items: int) -> str:
        """Return a stream whose beats hold `after` items of `item` bits instead of `before`; `items` an image."""
        if before == after:
            return source
        if after % before == 0:
            call, beats = f"lrtc::upsize<{item * before}, {after // before}, {items // before}>", items // before
        elif before % after == 0:
            call, beats = f"lrtc::downsize<{item * after}, {before // after}, {items // after}>", items // after
        else:
            call, beats = f"lrtc::regroup<{item}, {before}, {after}, {items}>", items // before + items // after
        return self.stage(what, call, [source], item * after, beats, f"{before} elements a beat to {after}")

    def post(self, graph: Graph, layer: StreamLayer, pe: int) -> tuple[str, int]:
        """Add what is done to the elements of a layer, TopK left out; return (its name, the bits that it gives)."""
        points = [(node, elem) for node, elem in point_nodes(graph, layer) if not isinstance(node.op, TopK)]
        if not points:
            own = layer.input.elem if isinstance(layer.node.op, TopK) else layer.node.type.elem
            return f"lrtc::as_is<{own.bits}>", own.bits
        lines, pragmas, now = [], [], "code"
        for k, (node, elem) in enumerate(points):
            bits = node.type.elem.bits
            kind = STREAM_KIND[elem.kind]
            lines.append(
                f"const ap_int<{signed_width(elem)}> x{k} = lrtc::element<{kind}, {elem.bits}>::decode({now});"
            )
            now, used = f"y{k}", self._point(node, elem, graph, pe, k)
            pragmas += [line for made in used[1] for line in made.pragmas]
            lines.append(f"const ap_uint<{bits}> y{k} = {used[0]};")
        name = f"{self.prefix}_post"
        last = points[-1][0].type.elem.bits
        self.posts.append(Post(name, points[0][1].bits, last, (*lines, f"return {now};"), tuple(pragmas)))
        return name, last

    def _point(self, node, elem: Elem, graph: Graph, pe: int, k: int) -> tuple[str, list[Table]]:
        """Return (the expression of one function on the number x<k>, the constants that it reads)."""
        bits, x = node.type.elem.bits, f"x{k}"
        if isinstance(node.op, Clamp):
            low = limits(node.op)
            return (
                f"lrtc::clamp<{bits}, {low['HasLow']}, {low['HasHigh']}, {low['Low']}LL, {low['High']}LL>({x})",
                [],
            )
        rows = graph.const(node.ins[1]).astype(np.int64)
        if isinstance(node.op, Threshold):
            width = signed_width(elem)
            half = 1 << (width - 1)  # levels that no number reaches lie just beyond it
            levels = np.clip(rows[:-1], -half, half).T.reshape(-1, pe, len(rows) - 1).transpose(1, 0, 2)
            flips = (rows[-1] != 0).astype(np.int64).reshape(-1, pe).T
            level = self.table("level", f"ap_int<{width + 1}>", levels, (0, 2), width + 1)
            flip = self.table("flip", "ap_uint<1>", flips, (0,))
            low = 0 if node.op.out.kind == "b" else node.op.base
            call = f"lrtc::threshold<{bits}, {low}>({x}, {level.name}[lane][fold], {flip.name}[lane][fold])"
            return call, [level, flip]
        mult, offset = affine_bits(rows)
        tables = [
            self.table(what, f"ap_int<{width}>", row.reshape(-1, pe).T, (0,), width)
            for what, width, row in (("multiplier", mult, rows[0]), ("offset", offset, rows[1]))
        ]
        call = f"lrtc::affine<{bits}>({x}, {tables[0].name}[lane][fold], {tables[1].name}[lane][fold])"
        return call, tables


class Network:
    """All streams between processes, and which of them nobody has taken yet: value → streams of its readers."""

    def __init__(self, readers: Mapping[str, int]) -> None:
        self.count = readers
        self.waiting: dict[str, list[str]] = {}
        self._made: dict[str, Stream] = {}
        self.words: dict[str, int] = {}  # process → bits of a word inside it

    def add(self, name: str, bits: int) -> str:
        """Add a stream; return its name."""
        name = f"q_{name}"
        self._made[name] = Stream(name, bits, SLACK)
        return name

    def bits(self, name: str) -> int:
        return self._made[name].bits

    def take(self, value: str, queue: int = 0) -> str:
        """Return a stream of a value that nobody has taken, with a queue of that depth in it."""
        name = self.waiting[value].pop(0)
        held = self._made[name]
        self._made[name] = Stream(name, held.bits, held.depth + queue)
        return name

    def give(self, body: Body, value: str, stream: str, beats: int) -> None:
        """Let the readers of a value take a stream; several get one each."""
        count, bits = self.count[value], self.bits(stream)
        if count == 1:
            self.waiting[value] = [stream]
            return
        outs = [self.add(f"{body.prefix}_to{k}", bits) for k in range(count)]
        ports = [Port(name, word_type(bits), s) for name, s in zip(_names(count), outs, strict=True)]
        body.processes.append(
            Process(
                f"{body.prefix}_fork",
                f"{count} readers",
                f"lrtc::fork<{bits}, {beats}>",
                (Port("in", word_type(bits), stream), *ports),
                ("in", *_names(count)),
                (),
                beats,
            )
        )
        self.waiting[value] = outs

    @property
    def streams(self) -> tuple[Stream, ...]:
        return tuple(self._made.values())


def _names(count: int) -> tuple[str, ...]:
    return tuple(f"out{k}" for k in range(count))


def weight_words(weights: np.ndarray, elem: Elem, pe: int, simd: int) -> np.ndarray:
    """Return uint64 [PE, NF*SF, words] of weights [O, Fan]: the parts of the PEs in `rom.weight_rows`, in words."""
    rows = rom.weight_rows(weights, elem, pe, simd)
    lanes = rows.reshape(len(rows), pe, -1).transpose(1, 0, 2)
    words = -(-lanes.shape[-1] // 64)
    padded = np.zeros((*lanes.shape[:2], words * 64), dtype=bool)
    padded[..., : lanes.shape[-1]] = lanes
    return np.packbits(padded, axis=-1, bitorder="little").view("<u8")
