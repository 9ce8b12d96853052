"""Networks with millions of weights become C in seconds: time and memory grow with the weights, the text is right.

The networks here have a quarter of the weights of VGG-small and of ResNet-18; those take 2.2 s and 3.4 s of one core,
160 MiB and 220 MiB at the peak, from the graph to the text, the interpreter's answer to one image included.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
from c_programs import assert_equal, to_c, to_program

from lrtc.backends.c.tables import LINE, number_table, word_table
from lrtc.ir import T2, U8, Elem, Graph, GraphBuilder, tensor
from lrtc.ir.ops import Add, BatchNorm, Conv2d, Flatten, Linear, MaxPool2d, Sign, SumPool2d

SECONDS = 20  # of one core, for a quarter of the weights: many times what it takes, so that a busy machine passes


class Deep:
    """Builds the deep networks of the literature, weights and batchnorms at random."""

    def __init__(self, name: str, size: int) -> None:
        self.rng = np.random.default_rng(1)
        self.b = GraphBuilder(name)
        self.x = self.b.input("x", tensor((size, size, 3), U8))

    def channels(self, x: str) -> int:
        return self.b.facts[x].type.shape[-1]

    def conv(self, x: str, outputs: int, kernel: int = 3, stride: int = 1, elem: Elem = T2) -> str:
        shape = (outputs, kernel, kernel, self.channels(x))
        value = self.rng.integers(max(elem.low, -127), elem.high + 1, shape).astype(np.int8)
        op = Conv2d((stride, stride), (kernel // 2,) * 4)
        return self.b.add(op, [x, self.b.const("w", value, tensor(shape, elem))], "conv", "conv")

    def sign(self, x: str) -> str:
        fact, n = self.b.facts[x], self.channels(x)
        spread = 0.05 * float(fact.high.max() - fact.low.min())
        rows = [self.rng.normal(size=n), np.zeros(n), self.rng.normal(scale=spread, size=n), np.full(n, spread**2)]
        x = self.b.add(BatchNorm(), [x, self.b.const("bn", np.stack(rows).astype(np.float32))], "bn", "bn")
        return self.b.add(Sign(), [x], "act", "act")

    def head(self, x: str, classes: int) -> Graph:
        x = self.b.add(Flatten(), [x], "flat", "flat")
        shape = (classes, self.b.facts[x].type.size)
        value = self.rng.integers(-1, 2, shape).astype(np.int8)
        return self.b.finish([self.b.add(Linear(), [x, self.b.const("w", value, tensor(shape, T2, "OI"))], "fc", "fc")])


def vgg(size: int = 16, width: int = 64) -> Graph:
    """Return VGG-small, 128-128-256-256-512-512 for width 128."""
    m = Deep("vgg", size)
    x = m.x
    for k in range(6):
        x = m.conv(x, width << k // 2)
        x = m.b.add(MaxPool2d(), [x], "pool", "pool") if k % 2 else x
        x = m.sign(x)
    return m.head(x, 10)


def resnet(size: int = 64, width: int = 32) -> Graph:
    """Return a ResNet-18 of ±1 convolutions with integer shortcuts, width 64 and 224 pixels for the real one."""
    m = Deep("resnet", size)
    x = m.conv(m.x, width, 7, 2, Elem("i", 8))
    x = m.b.add(MaxPool2d((3, 3), (2, 2), (1, 1, 1, 1)), [x], "pool", "pool")
    for k in range(16):
        down = 2 if k in (4, 8, 12) else 1
        bits = m.sign(x)
        y = m.conv(bits, width << k // 4, stride=down)
        shortcut = m.conv(bits, width << k // 4, 1, down) if down == 2 else x
        x = m.b.add(Add(), [y, shortcut], "sum", "add")
    whole = m.b.facts[x].type.shape[:2]
    return m.head(m.b.add(SumPool2d(whole, whole), [x], "gap", "gap"), 1000)


@pytest.mark.parametrize("make", [vgg, resnet])
def test_a_deep_network_is_compiled_in_time_and_right(make, tmp_path):
    graph = make()
    weights = sum(graph.const(n.ins[1]).size for n in graph.nodes if isinstance(n.op, (Conv2d, Linear)))
    assert weights > 1_000_000
    start = time.process_time()
    network = to_c(graph, images=2)
    assert time.process_time() - start < SECONDS
    assert len(network.files[f"{graph.name}.c"]) < 3.4 * weights + 200_000  # lists: 0.6 bytes a weight, as text 3
    assert_equal(network, to_program([network], tmp_path).run(graph.name, network.x))


@pytest.mark.parametrize("n", [1, 7, 8, 9, 16, 17])
@pytest.mark.parametrize("rows", [0, 3])
def test_lines_of_a_table_are_full_and_not_too_long(n, rows):
    values = np.random.default_rng(n).integers(0, 1 << 32, (rows, n) if rows else n)
    text = word_table("t", values.astype(np.uint32)).rows
    found = [int(word.strip(" {},u"), 16) for row in text for word in row.split("u")[:-1]]
    assert found == values.reshape(-1).tolist()
    assert max(map(len, text)) <= LINE


def test_numbers_of_any_size_stand_in_a_table():
    values = np.array([-(1 << 31), (1 << 31) - 1, 0, -1])
    table = number_table("t", values)
    assert table.rows == ("(-2147483647 - 1), 2147483647, 0, -1,",)
    assert (table.ctype, table.dims, table.bytes) == ("int32_t", "[4]", 16)
