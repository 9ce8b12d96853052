"""Networks that others publish figures of, with random ±1 weights: what they take as folded accelerators, simulated.

LFC and SFC (Umuroglu et al., FINN, FPGA 2017) are fully connected, on 784 bits; CNV is theirs for 3×32×32 bytes. What
is counted was simulated first: every answer equals the interpreter's.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from lrtc import interp
from lrtc.bench_layers import Row
from lrtc.check.drive import drive
from lrtc.check.luts import map_luts
from lrtc.driver import Result, compile, random_feeds
from lrtc.ir import B1, U8, Elem, Graph, GraphBuilder, tensor, verify
from lrtc.ir.ops import Conv2d, Linear, MaxPool2d, Threshold

SECONDS = 3600.0  # that mapping one of them may take


class Stack:
    """A chain of layers with random weights, the same in every run; levels lie near half of the agreements."""

    def __init__(self, name: str, shape: tuple[int, ...], elem: Elem) -> None:
        self.b, self.rng = GraphBuilder(name), np.random.default_rng(1)
        self.x = self.b.input("x", tensor(shape, elem))

    def _add(self, op, shape: tuple[int, ...], name: str, bits: bool) -> None:
        axes = "O" + {1: "I", 3: "HWI"}[len(shape) - 1]
        w = self.b.const("w", self.rng.choice((-1, 1), shape).astype(np.int8), tensor(shape, B1, axes))
        self.x = self.b.add(op, [self.x, w], name, name)
        if bits:
            fact = self.b.facts[self.x]
            middle, spread = (fact.low + fact.high) // 2, np.sqrt(prod(shape[1:]))
            self.bits(np.round(middle + self.rng.normal(0, 0.35, shape[0]) * spread).astype(np.int32))

    def bits(self, levels: np.ndarray) -> None:
        rows = np.stack([levels, np.zeros_like(levels)]).astype(np.int32)
        self.x = self.b.add(Threshold(), [self.x, self.b.const("t", rows)], "bits")

    def conv(self, name: str, outputs: int) -> None:
        self._add(Conv2d((1, 1), (0, 0, 0, 0)), (outputs, 3, 3, self._shape[-1]), name, True)

    def linear(self, name: str, outputs: int, bits: bool = True) -> None:
        self._add(Linear(), (outputs, *self._shape), name, bits)

    def pool(self, name: str) -> None:
        self.x = self.b.add(MaxPool2d(kernel=(2, 2), stride=(2, 2)), [self.x], name)

    @property
    def _shape(self) -> tuple[int, ...]:
        return self.b.facts[self.x].type.shape

    def done(self) -> Graph:
        return verify(self.b.finish([self.x]))


def fully_connected(name: str, hidden: int) -> Graph:
    """Return 784 bits → three layers of `hidden` bits → 10 scores."""
    stack = Stack(name, (784,), Elem("u", 1))
    stack.bits(np.ones(784, np.int32))
    for k in range(3):
        stack.linear(f"fc{k}", hidden)
    stack.linear("fc3", 10, bits=False)
    return stack.done()


def cnv() -> Graph:
    """Return 3×32×32 bytes → 64, 64, pool, 128, 128, pool, 256, 256 unpadded 3×3 → 512, 512 → 10 scores."""
    stack = Stack("cnv", (32, 32, 3), U8)
    for k, outputs in enumerate((64, 64, 128, 128, 256, 256)):
        stack.conv(f"conv{k}", outputs)
        if k in (1, 3):
            stack.pool(f"pool{k}")
    for k in range(2):
        stack.linear(f"fc{k}", 512)
    stack.linear("fc2", 10, bits=False)
    return stack.done()


@dataclass(frozen=True)
class Net:
    """One network: its rows are hw/NAME-…; LUTs and cycles an image at most. images: that are simulated."""

    name: str
    graph: Callable[[], Graph]
    options: Mapping[str, object]
    cycles: int
    luts: int
    images: int
    mapped: bool = True  # else its LUTs are the plan's estimate


NETS = (
    Net("lfc", lambda: fully_connected("lfc", 1024), {"target_cycles": 512, "input_lanes": 2}, 512, 13_000, 8),
    Net("sfc16", lambda: fully_connected("sfc", 256), {"target_cycles": 16, "input_lanes": 49}, 16, 45_000, 24),
    Net("cnv", cnv, {"target_cycles": 32_768}, 32_768, 24_000, 2, mapped=False),
)


def net_rows(net: Net) -> list[Row]:
    """Return what a network takes; Mismatch if a simulated answer is wrong."""
    graph = net.graph()
    start = time.process_time()
    result = compile(graph, "verilog", **net.options)
    seconds = time.process_time() - start
    cycles = simulated(graph, result, net.images)
    rows = [
        Row(f"hw/{net.name}-cycles", cycles, "per image, simulated", net.cycles),
        Row(f"hw/{net.name}-planned-cycles", result.plan.interval, "per image", cycles),
        Row(f"hw/{net.name}-compile-seconds", seconds, "CPU s", 20),
        Row(f"hw/{net.name}-luts-estimate", result.plan.area.lut, "LUTs of 7-series", None if net.mapped else net.luts),
    ]
    if not net.mapped:
        return rows
    mapped = map_luts(result.files, result.name, seconds=SECONDS, memories=True)
    brams = sum(count * {"RAMB36E1": 1, "RAMB18E1": 0.5}.get(kind, 0) for kind, count in mapped.memories.items())
    rows.append(Row(f"hw/{net.name}-luts", mapped.sites, "LUT6 sites", net.luts))
    return [*rows, Row(f"hw/{net.name}-brams", brams, "RAMB36")]


def simulated(graph: Graph, result: Result, images: int) -> float:
    """Return the cycles from image to image of a network in Verilator; Mismatch if an answer is wrong."""
    x = random_feeds(graph, images)["x"]
    want = interp.run(graph, x).reshape(images, -1)
    return drive(result.files, result.name, x, want).cycles_per_image
