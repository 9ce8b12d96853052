"""Graphs made by hand: a builder with random constants of every kind."""

from __future__ import annotations

import numpy as np

from lrtc.ir import B1, T2, U8, Elem, Graph, GraphBuilder, tensor, verify
from lrtc.ir.ops import Add, Affine, Channels, Concat, Conv2d, Linear, MaxPool2d, Threshold

INTEGER = Elem("i", 8)


class Maker:
    """Builds a graph with random constants."""

    def __init__(self, name: str, shape: tuple[int, ...], elem: Elem = U8) -> None:
        self.rng = np.random.default_rng(abs(hash_of(name)))
        self.b = GraphBuilder(name)
        self.x = self.b.input("x", tensor(shape, elem))

    def weight(self, shape: tuple[int, ...], elem: Elem) -> str:
        if elem is B1:
            value = self.rng.choice((-1, 1), shape)
        elif elem is T2:
            value = self.rng.choice((-1, 0, 1), shape)
        else:
            value = self.rng.integers(elem.low, elem.high + 1, shape)
        dtype = np.int8 if elem.bits <= 8 else np.int32
        axes = {2: "OI", 4: "OHWI"}[len(shape)]
        return self.b.const("w", value.astype(dtype), tensor(shape, elem, axes))

    def conv(
        self, x: str, outputs: int, kernel=(3, 3), elem=T2, stride=(1, 1), padding=(1,) * 4, dilation=(1, 1), groups=1
    ) -> str:  # fmt: skip
        depth = self.b.facts[x].type.shape[-1] // groups
        weight = self.weight((outputs, *kernel, depth), elem)
        return self.b.add(Conv2d(stride, padding, dilation, groups), [x, weight], "conv", "c.conv")

    def linear(self, x: str, outputs: int, elem=T2) -> str:
        weight = self.weight((outputs, self.b.facts[x].type.size), elem)
        return self.b.add(Linear(), [x, weight], "fc", "fc")

    def linear_on_image(self, x: str, outputs: int, elem=T2) -> str:
        shape = (outputs, *self.b.facts[x].type.shape)
        value = self.rng.choice((-1, 0, 1) if elem is T2 else (-1, 1), shape).astype(np.int8)
        return self.b.add(Linear(), [x, self.b.const("w", value, tensor(shape, elem))], "fc", "fc")

    def decide(self, x: str, out: Elem, count: int | None = None, shared: bool = False, flips: bool = True) -> str:
        """Add a threshold of `count` levels (by default, all that `out` has) within what is reachable."""
        fact = self.b.facts[x]
        count = (1 if out == B1 else out.high - out.low) if count is None else count
        levels = np.sort(self.rng.integers(fact.low - 1, fact.high + 3, (count, len(fact.low))), axis=0)
        levels = np.repeat(levels[:, :1], len(fact.low), axis=1) if shared else levels
        flip = self.rng.integers(0, 2, (1, len(fact.low))) * flips
        rows = self.b.const("levels", np.concatenate([levels, flip]).astype(np.int32))
        return self.b.add(Threshold(out), [x, rows], "act", "c.act")

    def add(self, a: str, b: str) -> str:
        return self.b.add(Add(), [a, b], "sum", "c.add")

    def concat(self, *parts: str) -> str:
        return self.b.add(Concat(), parts, "cat", "c.cat")

    def channels(self, x: str, index) -> str:
        return self.b.add(Channels(), [x, self.b.const("index", np.array(index, np.int32))], "mixed", "c.mix")

    def threshold(self, x: str) -> str:
        """Add levels within and just beyond what is reachable, some flipped, some constant."""
        fact = self.b.facts[x]
        spread = (fact.high - fact.low) // 4 + 2
        level = (fact.low + fact.high) // 2 + self.rng.integers(-spread, spread + 1)
        extreme = self.rng.random(len(level))
        level = np.where(extreme < 0.1, fact.low, np.where(extreme > 0.9, fact.high + 1, level))
        level = np.where(extreme < 0.03, fact.low - 1000, level)
        rows = np.stack([level, self.rng.integers(0, 2, len(level))]).astype(np.int32)
        return self.b.add(Threshold(), [x, self.b.const("levels", rows)], "act", "c.act")

    def affine(self, x: str, multiplier=(-127, 128), offset=(-5000, 5000)) -> str:
        n = self.b.facts[x].type.shape[-1]
        rows = np.stack([self.rng.integers(*multiplier, n), self.rng.integers(*offset, n)]).astype(np.int32)
        return self.b.add(Affine(), [x, self.b.const("rows", rows)], "scaled", "scale")

    def pool(self, x: str, directed: bool, kernel=(2, 2), stride=(2, 2), padding=(0, 0, 0, 0)) -> str:
        ins = [x]
        if directed:
            n = self.b.facts[x].type.shape[-1]
            ins.append(self.b.const("f", self.rng.choice((-1, 1), n).astype(np.int8), tensor((n,), B1)))
        return self.b.add(MaxPool2d(kernel, stride, padding), ins, "pool", "c.pool")

    def done(self, *outputs: str) -> Graph:
        return verify(self.b.finish(outputs))


def hash_of(name: str) -> int:
    return sum(ord(c) * 31**i for i, c in enumerate(name)) % 2**31
