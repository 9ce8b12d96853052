"""Random DAGs over every op of integers and ±1: fan-out, residuals, mixed precision, odd sizes; seeded, or drawn."""

from __future__ import annotations

import numpy as np
from drawn import Drawn

from lrtc.ir import B1, T2, U8, Elem, Graph, GraphBuilder, TypeRule, tensor, verify
from lrtc.ir.ops import (
    Add,
    Affine,
    BatchNorm,
    Channels,
    Clamp,
    Concat,
    Conv2d,
    Crop,
    Flatten,
    Identity,
    Linear,
    Maximum,
    MaxPool2d,
    Pad,
    Quantize,
    Sign,
    SumPool2d,
    Ternarize,
    Threshold,
    TopK,
)

CHANNELS = (1, 3, 8, 31, 32, 33, 64)
OUTS = (B1, B1, T2, T2, U8, *(Elem("u", n) for n in (1, 2, 3, 4)), *(Elem("i", n) for n in (2, 4, 8)))
WEIGHTS = (B1, B1, T2, T2, Elem("i", 2), Elem("i", 4), Elem("i", 8), Elem("u", 2), Elem("u", 8))
SPREAD = 1 << 16  # values further apart are not combined any more
ELEMENTS = 4000  # of a value
MOST_WEIGHTS = 40_000


class RandomDag:
    """Grows a graph value by value; `values` are all that were made, `used` those that something reads."""

    def __init__(self, seed: int, steps: tuple[int, int] = (4, 10), rng: Drawn | None = None) -> None:
        self.rng = rng or np.random.default_rng(seed)
        self.b = GraphBuilder(f"dag{seed}")
        size = self.rng.integers(1, 8, 2)
        elem = Elem("u", int(self.pick((1, 2, 4, 7, 8, 8, 8, 8))))
        shape = (*size, int(self.pick((1, 2, 3, 33))))
        self.values = [self.b.input("x", tensor(shape, elem))]
        self.used: set[str] = set()
        self.steps = int(self.rng.integers(steps[0], steps[1] + 1))

    def pick(self, items):
        return items[int(self.rng.integers(len(items)))]

    def grow(self) -> Graph:
        """Return the graph: `steps` random values, then a head that reads everything not yet read."""
        while len(self.values) < self.steps:
            x = self.values[-1] if self.rng.random() < 0.7 else self.pick(self.values)
            make = self.pick(
                (self.conv, self.conv, self.conv, self.decide, self.decide, self.normalise, self.add, self.add,
                 self.maximum, self.pool, self.sums, self.clamp, self.affine, self.concat, self.channels, self.pad,
                 self.crop, self.identity)
            )  # fmt: skip
            if self.b.facts[x].type.elem.is_discrete and self.rng.random() < 0.5:
                make = self.conv
            try:
                made = make(x)
            except TypeRule:  # this op does not fit this value
                continue
            if made is not None:
                self.values.append(made)
        return verify(self.b.finish([self.head()]))

    def add_node(self, op, ins, name: str) -> str | None:
        """Add a node; None if it grows too large."""
        fact = op.infer([self.b.facts[i] for i in ins])
        if fact.type.size > ELEMENTS or (fact.low is not None and int(fact.high.max() - fact.low.min()) > SPREAD):
            return None
        self.used.update(ins)
        return self.b.add(op, ins, name, f"m.{name}")

    def shape(self, x: str) -> tuple[int, ...]:
        return self.b.facts[x].type.shape

    def weight(self, shape: tuple[int, ...], elems: tuple[Elem, ...] = WEIGHTS) -> str:
        elem = self.pick(elems)
        if elem.is_discrete:
            value = self.rng.choice((-1, 1) if elem == B1 else (-1, 0, 1), shape)
        else:
            value = self.rng.integers(elem.low, elem.high + 1, shape)
        return self.b.const("w", value.astype(np.int16), tensor(shape, elem, {2: "OI", 4: "OHWI"}[len(shape)]))

    def conv(self, x: str) -> str | None:
        channels = self.shape(x)[-1]
        divisors = [g for g in range(1, channels + 1) if channels % g == 0]
        groups = self.pick([*divisors, channels]) if self.rng.random() < 0.4 else 1
        outputs = groups * int(self.rng.integers(1, 4)) if groups > 1 else int(self.pick(CHANNELS))
        kernel = tuple(int(k) for k in self.rng.choice((1, 2, 3), 2))
        dilation = tuple(int(d) for d in self.rng.choice((1, 1, 1, 2, 3), 2))
        stride = tuple(int(s) for s in self.rng.choice((1, 1, 2), 2))
        padding = tuple(int(p) for p in self.rng.choice((0, 1, 1, 2), 4))
        shape = (outputs, *kernel, channels // groups)
        if np.prod(shape) > MOST_WEIGHTS:
            return None
        return self.add_node(Conv2d(stride, padding, dilation, groups), [x, self.weight(shape)], "conv")

    def decide(self, x: str) -> str | None:
        """A threshold with as many levels as it likes, within and just beyond what is reachable."""
        fact, out = self.b.facts[x], self.pick(OUTS)
        most = 1 if out == B1 else out.high - out.low
        count = int(self.rng.integers(1, most + 1)) if self.rng.random() < 0.5 else most
        low = None if out == B1 or count == most else int(self.rng.integers(out.low, out.high - count + 1))
        shape = (count, len(fact.low))
        levels = np.sort(self.rng.integers(fact.low - 1, fact.high + 3, shape), axis=0)
        if self.rng.random() < 0.3:
            levels = np.repeat(levels[:, :1], shape[1], axis=1)
        flip = self.rng.integers(0, 2, (1, shape[1])) * int(self.rng.random() < 0.5)
        rows = self.b.const("levels", np.concatenate([levels, flip]).astype(np.int32))
        return self.add_node(Threshold(out, low), [x, rows], "act")

    def normalise(self, x: str) -> str | None:
        """A real batchnorm and what ends it."""
        fact = self.b.facts[x]
        channels = len(fact.low)
        spread = max(1.0, 0.3 * float(fact.high.max() - fact.low.min()))
        rows = [
            self.rng.normal(size=channels) * (self.rng.random(channels) > 0.1),
            self.rng.normal(size=channels),
            self.rng.normal(scale=spread / 3, size=channels),
            self.rng.random(channels) * spread**2 / 9,
        ]
        y = self.b.add(BatchNorm(), [x, self.b.const("bn", np.stack(rows).astype(np.float32))], "bn", "m.bn")
        self.used.update((x, y))
        end = self.pick((Sign(), Ternarize(0.7), Quantize(Elem("u", 2), 0, 3), Quantize(Elem("i", 4), -8, 7)))
        return self.add_node(end, [y], "q")

    def add(self, x: str) -> str | None:
        return self.add_node(Add(), [x, self.pick([v for v in self.values if self.shape(v) == self.shape(x)])], "sum")

    def maximum(self, x: str) -> str | None:
        other = self.pick([v for v in self.values if self.shape(v) == self.shape(x)])
        return self.add_node(Maximum(bool(self.rng.integers(2))), [x, other], "most")

    def concat(self, x: str) -> str | None:
        alike = [v for v in self.values if self.shape(v)[:-1] == self.shape(x)[:-1]]
        return self.add_node(Concat(), [x, *(self.pick(alike) for _ in range(int(self.rng.integers(1, 3))))], "cat")

    def window(self) -> tuple:
        kernel = tuple(int(k) for k in self.rng.integers(1, 4, 2))
        stride = tuple(int(s) for s in self.rng.integers(1, 3, 2))
        return kernel, stride, tuple(int(self.rng.integers(0, k)) for k in np.repeat(kernel, 2))

    def pool(self, x: str) -> str | None:
        ins = [x]
        if self.rng.random() < 0.5:
            n = self.shape(x)[-1]
            ins.append(self.b.const("f", self.rng.choice((-1, 1), n).astype(np.int8), tensor((n,), B1)))
        return self.add_node(MaxPool2d(*self.window()), ins, "pool")

    def sums(self, x: str) -> str | None:
        whole = self.shape(x)[:2], (1, 1), (0, 0, 0, 0)
        return self.add_node(SumPool2d(*(whole if self.rng.random() < 0.3 else self.window())), [x], "avg")

    def clamp(self, x: str) -> str | None:
        fact = self.b.facts[x]
        low, high = sorted(int(v) for v in self.rng.integers(fact.low.min() - 2, fact.high.max() + 3, 2))
        op = self.pick((Clamp(0, None), Clamp(low, high), Clamp(None, high), Clamp(low, None)))
        return self.add_node(op, [x], "clamp")

    def affine(self, x: str) -> str | None:
        n = self.shape(x)[-1]
        rows = np.stack([self.rng.integers(-9, 10, n), self.rng.integers(-99, 100, n)]).astype(np.int32)
        return self.add_node(Affine(), [x, self.b.const("rows", rows)], "scaled")

    def channels(self, x: str) -> str | None:
        index = self.rng.integers(0, self.shape(x)[-1], int(self.pick(CHANNELS)))
        return self.add_node(Channels(), [x, self.b.const("index", index.astype(np.int32))], "shuffle")

    def pad(self, x: str) -> str | None:
        elem = self.b.facts[x].type.elem
        value = int(self.rng.choice((-1, 1))) if elem == B1 else int(self.rng.integers(elem.low, elem.high + 1))
        return self.add_node(Pad(tuple(int(p) for p in self.rng.integers(0, 3, 4)), value), [x], "pad")

    def crop(self, x: str) -> str | None:
        return self.add_node(Crop(tuple(int(m) for m in self.rng.integers(0, 2, 4))), [x], "crop")

    def identity(self, x: str) -> str | None:
        return self.add_node(Identity(), [x], "same")

    def head(self) -> str:
        """One value that reads all loose ends: scores of each, added; or a loose end itself, if it is the only one."""
        loose = [v for v in self.values if v not in self.used]
        if len(loose) == 1 and self.rng.random() < 0.3:
            return loose[0]
        classes, total = int(self.pick((1, 2, 10, 33))), None
        for value in loose:
            x = self.b.add(Flatten(self.pick(("CHW", "HWC"))), [value], "flat", "head.flat")
            if self.rng.random() < 0.3:
                order = self.rng.permutation(self.shape(x)[0]).astype(np.int32)
                x = self.b.add(Channels(), [x, self.b.const("order", order)], "mixed", "head.mix")
            scores = self.b.add(Linear(), [x, self.weight((classes, self.shape(x)[0]), WEIGHTS[:5])], "scores", "head")
            total = scores if total is None else self.b.add(Add(), [total, scores], "total", "head.add")
        if self.rng.random() < 0.25:
            return self.b.add(TopK(int(self.rng.integers(1, classes + 1))), [total], "top", "head.top")
        if self.rng.random() < 0.25:
            return self.decide(total) or total
        return total


def random_dag(seed: int, **options) -> Graph:
    """Return a legal random DAG; the same seed and options give the same graph."""
    return RandomDag(seed, **options).grow()
