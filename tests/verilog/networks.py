"""Small integer networks, as the passes leave them: what random ones seldom are."""

from __future__ import annotations

from random import Random

import numpy as np

from lrtc.ir import B1, T2, U8, Elem, Graph, GraphBuilder, tensor, verify
from lrtc.ir.ops import (
    Add,
    Affine,
    Channels,
    Clamp,
    Concat,
    Conv2d,
    Crop,
    Flatten,
    Linear,
    Maximum,
    MaxPool2d,
    Pad,
    Rearrange,
    SumPool2d,
    Threshold,
    TopK,
)

U1, U2, U4 = Elem("u", 1), Elem("u", 2), Elem("u", 4)


class Maker:
    """A GraphBuilder with a chain: each call goes on from the value that the last one made."""

    def __init__(self, name: str, shape: tuple[int, ...], seed: int = 0, elem: Elem = U8) -> None:
        self.b = GraphBuilder(name)
        self.rng = np.random.default_rng(seed)
        self.x = self.b.input("x", tensor(shape, elem))

    def _weight(self, shape: tuple[int, ...], elem: Elem) -> str:
        legal = [v for v in range(elem.low, elem.high + 1) if v or elem.kind != "b"]
        value = self.rng.choice(legal, shape).astype(np.int8)
        return self.b.const("w", value, tensor(shape, elem, "O" + "HWC"[-len(shape) + 1 :].replace("C", "I")))

    def conv(
        self, name: str, outputs: int, kernel=(3, 3), stride=(1, 1), padding=(0, 0, 0, 0), elem=T2, dilation=(1, 1),
        groups=1,
    ) -> Maker:  # fmt: skip
        w = self._weight((outputs, *kernel, self.b.facts[self.x].type.shape[-1] // groups), elem)
        self.x = self.b.add(Conv2d(stride, padding, dilation, groups), [self.x, w], name, f"body.{name}")
        return self

    def linear(self, name: str, outputs: int, elem=T2) -> Maker:
        w = self._weight((outputs, *self.b.facts[self.x].type.shape), elem)
        self.x = self.b.add(Linear(), [self.x, w], name, f"body.{name}")
        return self

    def codes(self, out: Elem, count: int = 0, low: int | None = None) -> Maker:
        """Add a threshold of `count` levels (0: as many as `out` holds) within what the value reaches."""
        fact = self.b.facts[self.x]
        channels = fact.type.shape[-1]
        count = count or (1 if out == B1 else out.high - (out.low if low is None else low))
        span = (fact.high - fact.low) // 4 + 2
        rows = np.sort(self.rng.integers(-span, span + 1, (count, channels)) + (fact.high + fact.low) // 2, axis=0)
        rows = np.concatenate([rows, self.rng.integers(0, 2, (1, channels))]).astype(np.int32)
        self.x = self.b.add(Threshold(out, low), [self.x, self.b.const("t", rows)], "codes", "body.codes")
        return self

    def threshold(self, levels=None, flips=None) -> Maker:
        fact = self.b.facts[self.x]
        channels = fact.type.shape[-1]
        if levels is None:
            levels = self.rng.normal(0, 1 + (fact.high - fact.low) / 20, channels).astype(int)
            flips = self.rng.integers(0, 2, channels)
        rows = np.stack([levels, flips]).astype(np.int32)
        self.x = self.b.add(Threshold(), [self.x, self.b.const("t", rows)], "bits", "body.bits")
        return self

    def pool(self, name: str, directions=None, **attributes) -> Maker:
        f = (
            ()
            if directions is None
            else (self.b.const("f", np.array(directions, np.int8), tensor((len(directions),), B1)),)
        )
        self.x = self.b.add(MaxPool2d(**attributes), [self.x, *f], name, f"body.{name}")
        return self

    def total(self, name: str, **attributes) -> Maker:
        self.x = self.b.add(SumPool2d(**attributes), [self.x], name, f"body.{name}")
        return self

    def at(self, value: str) -> Maker:
        """Go on from an earlier value."""
        self.x = value
        return self

    def add(self, name: str, other: str) -> Maker:
        self.x = self.b.add(Add(), [self.x, other], name, f"body.{name}")
        return self

    def maximum(self, name: str, other: str, least: bool = False) -> Maker:
        self.x = self.b.add(Maximum(least), [self.x, other], name, f"body.{name}")
        return self

    def concat(self, name: str, *others: str) -> Maker:
        self.x = self.b.add(Concat(), [self.x, *others], name, f"body.{name}")
        return self

    def pad(self, name: str, padding, value: int) -> Maker:
        self.x = self.b.add(Pad(padding, value), [self.x], name, f"body.{name}")
        return self

    def crop(self, name: str, margins) -> Maker:
        self.x = self.b.add(Crop(margins), [self.x], name, f"body.{name}")
        return self

    def channels(self, name: str, index) -> Maker:
        self.x = self.b.add(
            Channels(), [self.x, self.b.const("index", np.array(index, np.int32))], name, f"body.{name}"
        )
        return self

    def clamp(self, name: str, low, high) -> Maker:
        self.x = self.b.add(Clamp(low, high), [self.x], name, f"body.{name}")
        return self

    def flat(self, name: str, order="CHW") -> Maker:
        self.x = self.b.add(Flatten(order), [self.x], name, f"body.{name}")
        return self

    def turn(self, name: str, axes, shape) -> Maker:
        self.x = self.b.add(Rearrange(axes, shape), [self.x], name, f"body.{name}")
        return self

    def top(self, name: str, k: int) -> Maker:
        self.x = self.b.add(TopK(k), [self.x], name, f"body.{name}")
        return self

    def shifted(self, name: str) -> Maker:
        """Add a constant of every element."""
        type_ = self.b.facts[self.x].type
        shift = self.b.const("shift", self.rng.integers(-40, 41, type_.shape).astype(np.int32))
        self.x = self.b.add(Add(), [self.x, shift], name, f"body.{name}")
        return self

    def affine(self) -> Maker:
        channels = self.b.facts[self.x].type.shape[-1]
        rows = np.stack([self.rng.integers(-127, 128, channels), self.rng.integers(-999, 1000, channels)])
        self.x = self.b.add(Affine(), [self.x, self.b.const("s", rows.astype(np.int32))], "logits", "scale")
        return self

    def done(self) -> Graph:
        return verify(self.b.finish([self.x]))


def tiny() -> Graph:
    """One strided, padded convolution and a head: every kind of line in the emitted text."""
    maker = Maker("tiny", (4, 4, 1)).conv("conv", 4, stride=(2, 2), padding=(1, 1, 1, 1)).threshold()
    return maker.linear("fc", 3, B1).affine().done()


def residual() -> Graph:
    """±1 maps and sums around convolutions, one shortcut inside another, and x + x."""
    m = Maker("residual", (6, 7, 2)).conv("a", 4, padding=(1, 1, 1, 1)).threshold()
    bits = m.x
    m.conv("b", 4, padding=(1, 1, 1, 1)).threshold().add("s", bits)
    sums = m.x
    m.threshold()
    inner = m.x
    m.conv("c", 4, padding=(1, 1, 1, 1), elem=B1)
    acc = m.x
    m.threshold().conv("d", 4, kernel=(5, 3), padding=(2, 2, 1, 1)).add("t", acc).add("u", inner).add("v", sums)
    m.threshold().pool("p").codes(T2).add("w", m.x)
    return m.linear("fc", 3).affine().done()


def branches() -> Graph:
    """Branches from the input's pixels on, of unequal kinds and strides; an average and a sum over all."""
    m = Maker("branches", (6, 6, 3))
    image = m.x
    m.conv("a", 3, padding=(1, 1, 1, 1)).codes(U2)
    left = m.x
    m.at(image).codes(T2)
    middle = m.x
    m.at(image).pool("p", kernel=(3, 3), stride=(1, 1), padding=(1, 1, 1, 1)).threshold()
    right = m.x
    m.at(left).concat("mixed", middle, right, left).total("mean", kernel=(3, 2), stride=(2, 1), padding=(1, 0, 1, 0))
    m.codes(U4).conv("b", 4, kernel=(2, 3)).affine()
    scaled = m.x
    m.codes(B1)
    m.concat("twice", m.x).total("all", kernel=m.b.facts[m.x].type.shape[:2])
    tail = m.x
    m.at(scaled).total("rest", kernel=m.b.facts[scaled].type.shape[:2]).concat("tail", tail)
    return m.linear("fc", 4, Elem("i", 3)).done()


def moved() -> Graph:
    """What leaves out, repeats and rearranges elements, between everything else; five values side by side."""
    m = Maker("moved", (5, 6, 4))
    image = m.x
    m.pad("p", (1, 0, 2, 1), 77).conv("a", 6, elem=B1).threshold().pad("q", (1, 1, 0, 2), 1)
    bits = m.x
    m.channels("shuffle", [5, 2, 0, 2]).conv("b", 8, padding=(1, 1, 1, 1), groups=4)
    left = m.clamp("relu", 0, 9).x
    m.at(bits).crop("cut", (2, 0, 0, 1)).codes(T2).pad("r", (0, 2, 1, 0), 0)
    right = m.x
    m.at(left).concat("five", bits, right, left, right).shifted("s").codes(U4)
    m.pool("pool", kernel=(2, 2), stride=(2, 2)).clamp("limit", 3, 12).flat("flat")
    vector = m.x
    scores = m.linear("fc", 5).affine().x
    m.at(image).crop("corner", (4, 0, 5, 0)).flat("one").channels("four", [3, 0, 0, 1, 2]).add("sum", scores)
    ends = m.x
    m.at(vector).linear("more", 5, Elem("i", 2)).add("all", ends)
    return m.top("best", 3).affine().done()


def grouped() -> Graph:
    """Depthwise and grouped convolutions of every kind of element, folded in every way."""
    m = Maker("grouped", (7, 6, 3)).conv("a", 6, padding=(1, 1, 1, 1), groups=3, elem=Elem("i", 4)).threshold()
    m.conv("b", 6, padding=(1, 1, 1, 1), groups=6).codes(T2).conv("c", 12, stride=(1, 2), groups=6, elem=B1).codes(U2)
    m.conv("d", 8, kernel=(1, 1), groups=4).codes(Elem("i", 3)).conv("e", 4, kernel=(2, 2), groups=2, dilation=(2, 1))
    return m.threshold().linear("fc", 3).done()


def turned() -> Graph:
    """Axes in other orders, pixels of other sizes: of bytes, bits, codes, vectors; forked, joined, one on another."""
    m = Maker("turned", (6, 4, 3))
    m.turn("bytes", (1, 2, 0), (4, 3, 6)).conv("a", 8, padding=(1, 1, 1, 1)).threshold()
    bits = m.x
    m.turn("rows", (1, 0, 2), (3, 4, 8))
    m.concat("both", m.at(bits).turn("chw", (2, 0, 1), (8, 4, 3)).turn("back", (0, 1, 2), (3, 4, 8)).x).codes(U2)
    m.turn("lines", (0, 2, 1), (3, 16, 4)).conv("b", 5, stride=(1, 2)).codes(T2)
    m.turn("odd", (2, 1, 0), (7, 5, 1)).turn("uneven", (0, 1, 2), (5, 7, 1)).conv("c", 4, kernel=(2, 2)).codes(U4)
    m.turn("vector", (1, 2, 0), (96,)).affine().turn("image", (0,), (2, 2, 24)).codes(B1)
    return m.turn("parts", (0, 1, 2), (8, 3, 4)).linear("fc", 3).done()


def turning(seed: int) -> Graph:
    """Return a small network of random rearrangements between thresholds."""
    rng = Random(seed)
    m = Maker(f"turning{seed}", tuple(rng.choice((1, 2, 3, 4, 6, 8)) for _ in range(3)), seed)
    for k in range(2):
        m.codes(rng.choice((B1, T2, U2)))
        for j in range(rng.choice((1, 1, 2))):
            shape = m.b.facts[m.x].type.shape
            axes = rng.sample(range(len(shape)), len(shape))
            size = m.b.facts[m.x].type.size
            rows = rng.choice([n for n in range(1, size + 1) if size % n == 0])
            channels = rng.choice([n for n in range(1, size + 1) if size // rows % n == 0])
            image = (rows, size // rows // channels, channels)
            new = rng.choice(([shape[a] for a in axes], image, image, (size,)))
            m.turn(f"t{k}{j}", tuple(axes), tuple(new))
    return m.done() if rng.random() < 0.4 else m.linear("fc", 3).done()


def maxima() -> Graph:
    """The greater and the smaller of two values: of bits, trits, codes, numbers of different widths, a constant."""
    m = Maker("maxima", (5, 4, 2))
    image = m.x
    left = m.conv("a", 4, padding=(1, 1, 1, 1)).x
    right = m.at(image).conv("b", 4, kernel=(1, 1)).x
    sums = m.at(left).maximum("sums", right, least=True).shifted("shift").x
    bits = m.at(left).codes(B1).x
    ones = m.at(right).codes(B1).maximum("ones", bits).x
    none = m.at(sums).codes(B1).maximum("none", ones, least=True).conv("c", 3, padding=(1, 1, 1, 1)).codes(T2).x
    trits = m.at(bits).conv("d", 3, kernel=(1, 1)).codes(T2).maximum("trits", none).x
    mixed = (
        m.at(trits).maximum("mixed", none, least=True).conv("e", 3, kernel=(1, 1)).maximum("wide", trits).codes(U4).x
    )
    return m.at(trits).conv("f", 3, kernel=(1, 1)).codes(U4).maximum("codes", mixed, least=True).linear("fc", 3).done()


def special() -> dict[str, tuple[Graph, dict[str, object]]]:
    """Return name → (graph, options of the backend)."""
    far = [10_000, -10_000, 10_000, -10_000]
    return {
        "vector": (Maker("vector", (7,)).linear("a", 33).threshold().linear("b", 4).done(), {"fold": {"b": (2, 11)}}),
        "bits": (Maker("bits", (4, 3, 2)).threshold([100, 200], [0, 1]).linear("a", 5).done(), {"fold": {"a": (5, 6)}}),
        "bytes": (Maker("bytes", (3, 2, 3)).linear("a", 6, Elem("i", 8)).affine().done(), {"fold": {"a": (3, 6)}}),
        "maps": (Maker("maps", (5, 4, 2)).conv("a", 6, kernel=(2, 3), elem=B1).done(), {"fold": {"a": (2, 4)}}),
        "ties": (
            Maker("ties", (3, 3, 1)).conv("a", 3).threshold().linear("b", 10, T2).done(),
            {"output": "class"},
        ),
        "never": (
            Maker("never", (5, 5, 1))
            .conv("a", 4, padding=(1, 1, 1, 1))
            .threshold(far, [0, 0, 1, 1])
            .pool("p", [1, -1, -1, 1], kernel=(3, 2), stride=(2, 1), padding=(1, 0, 0, 1))
            .linear("b", 5)
            .affine()
            .done(),
            {},
        ),
        "kept": (  # vectors in memories: pixels cut into words, pixels side by side, another layer's vector behind
            Maker("kept", (8, 10, 1)).conv("a", 4).codes(U2).linear("b", 6).codes(B1).linear("c", 3).done(),
            {"fold": {"b": (2, 2)}},
        ),
        "tall": (
            Maker("tall", (14, 14, 1)).conv("a", 2).threshold().linear("b", 5, B1).done(),
            {"fold": {"b": (1, 4)}},
        ),
        "rows": (Maker("rows", (12, 12, 1)).linear("a", 4, T2).affine().done(), {"fold": {"a": (2, 2)}}),
        "residual": (residual(), {"output": "class"}),
        "branches": (branches(), {"fold": {"a": (1, 9)}}),
        "dilated": (
            Maker("dilated", (8, 9, 1))
            .conv("a", 3, stride=(1, 2), padding=(2, 1, 3, 2), dilation=(2, 3))
            .threshold()
            .conv("b", 2, kernel=(2, 2), padding=(1, 0, 0, 0), dilation=(3, 1), elem=B1)
            .codes(U2)
            .linear("c", 2)
            .done(),
            {},
        ),
        "quantised": (Maker("quantised", (9,)).codes(T2).linear("a", 4).codes(B1).linear("b", 3).codes(U4).done(), {}),
        "levels": (
            Maker("levels", (6, 5, 3))
            .conv("a", 6, padding=(1, 1, 1, 1))
            .codes(U2)
            .pool("p", [1, -1, 1, -1, 1, 1], kernel=(2, 3), stride=(1, 2), padding=(1, 0, 0, 1))
            .conv("b", 4, padding=(0, 1, 1, 0), elem=Elem("i", 4))
            .codes(U4, count=11)
            .conv("c", 5, kernel=(2, 1), padding=(1, 0, 0, 0), elem=B1)
            .codes(Elem("i", 3), count=5, low=-2)
            .linear("d", 6, Elem("i", 2))
            .codes(Elem("u", 8), count=40)
            .linear("e", 4)
            .affine()
            .done(),
            {"output": "class"},
        ),
        "trits": (
            Maker("trits", (5, 6, 2))
            .conv("a", 8, padding=(1, 1, 1, 1))
            .codes(T2)
            .pool("p", [1, -1, -1, 1, 1, 1, -1, 1], kernel=(3, 3), stride=(2, 2), padding=(1, 1, 1, 1))
            .conv("b", 4, padding=(1, 1, 1, 1))
            .codes(T2, count=1)
            .conv("c", 6, kernel=(1, 2), elem=B1)
            .codes(T2)
            .linear("d", 5, Elem("i", 8))
            .done(),
            {"fold": {"b": (2, 24), "c": (3, 2)}},
        ),
        "moved": (moved(), {}),
        "turned": (turned(), {}),
        "maxima": (maxima(), {}),
        "grouped": (grouped(), {"fold": {"a": (2, 3), "b": (2, 3), "c": (4, 9), "d": (4, 3), "e": (1, 4)}}),
        "ranked": (
            Maker("ranked", (30,)).linear("a", 9, Elem("i", 3)).affine().top("t", 4).done(),
            {"fold": {"a": (3, 2)}},
        ),
        "nibbles": (Maker("nibbles", (3, 4, 3), elem=U4).conv("a", 4).codes(B1).done(), {}),
        "counts": (Maker("counts", (6,), elem=U2).linear("a", 4, U2).codes(U2).done(), {"output": "class"}),
        "wide_bits": (
            Maker("wide_bits", (28,), elem=U1).threshold().linear("a", 6, B1).threshold().linear("b", 3).done(),
            {"input_lanes": 7},
        ),
        "wide_parts": (
            Maker("wide_parts", (5, 4, 6)).conv("a", 4, padding=(1, 1, 1, 1)).threshold().linear("b", 3).done(),
            {"input_lanes": 3},
        ),
        "wide_pixels": (
            Maker("wide_pixels", (6, 4, 1), elem=U4).conv("a", 4, elem=B1).threshold().linear("b", 3).done(),
            {"input_lanes": 12},
        ),
        "wide_linear": (
            Maker("wide_linear", (4, 3, 2)).linear("a", 4).affine().done(),
            {"input_lanes": 8, "output": "class"},
        ),
        "wide_all": (Maker("wide_all", (5,), elem=U2).linear("a", 4, U2).affine().done(), {"input_lanes": 5}),
        "one": (
            Maker("one", (1, 1, 1)).conv("a", 1, kernel=(1, 1)).threshold().linear("b", 1).done(),
            {"output": "class"},
        ),
    }
