"""Graph → the steps of a C program: nodes fused with what follows them, a kernel chosen for each, the arena placed.

A step is what becomes one C function. A convolution or linear layer takes the threshold or the affine map behind it
into itself when nobody else reads the accumulator, so accumulators seldom exist in memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import numpy as np

from lrtc.ir import Graph, Node, TensorType
from lrtc.ir.bits import words_for
from lrtc.ir.ops import Affine, Conv2d, Linear, MaxPool2d, Threshold
from lrtc.plan.arena import Arena, Buffer, plan_arena

WORD = 32
SUMS_TAPS = 96  # taps of a window summed as straight-line code; 96 · 255 · 2 stays below a 16-bit lane
SUMS_TERMS = 4096  # additions printed at most: about 16 KiB of Thumb code

STORAGE_BYTES = {"word": 4, "byte": 1, "integer": 4}


@dataclass(frozen=True)
class Window:
    """How a kernel slides over an image [rows, cols, channels]; padding (top, bottom, left, right)."""

    rows: int
    cols: int
    channels: int
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int, int, int]
    out: tuple[int, int]

    @property
    def covers_pixels(self) -> bool:
        """Return whether every window is one run of memory: one pixel, or the whole image."""
        whole = self.kernel == (self.rows, self.cols) and self.out == (1, 1)
        return not any(self.padding) and (self.kernel == (1, 1) or whole)


@dataclass(frozen=True, eq=False)
class Step:
    """One C function: reads `x`, writes `y`.

    kind: the name of its template. nodes: what it stands for, the first does the work. weights: int [O,Kh,Kw,I].
    level: int64 [O], y = x ≥ level; in a matrix layer, weights and levels of flipped channels are negated already,
    `flip` only tells which. rows: (multiplier, offset). scratch: bytes it needs while it runs.
    """

    kind: str
    nodes: tuple[Node, ...]
    x: str
    y: str
    window: Window | None = None
    weights: np.ndarray | None = None
    level: np.ndarray | None = None
    flip: np.ndarray | None = None
    rows: np.ndarray | None = None
    scratch: int = 0

    @property
    def origins(self) -> tuple[str, ...]:
        """Return the PyTorch paths of the nodes, each once."""
        return tuple(dict.fromkeys(part for node in self.nodes for part in node.origin.split("+") if part))


@dataclass(frozen=True, eq=False)
class CPlan:
    """The program: steps in order, the arena, and the value that each step's scratch is called in it."""

    steps: tuple[Step, ...]
    arena: Arena

    def scratch(self, index: int) -> str:
        """Return the name of the scratch buffer of step `index`."""
        return f".scratch{index}"


def storage(type_: TensorType) -> str:
    """Return how C holds a value: `word` (packed bits), `byte` (u1…u8) or `integer` (int32_t)."""
    if type_.elem.kind == "b":
        return "word"
    return "byte" if type_.elem.kind == "u" and type_.elem.bits <= 8 else "integer"


def size_bytes(type_: TensorType) -> int:
    """Return the bytes that C needs for a value."""
    if storage(type_) == "word":
        return 4 * prod(type_.shape[:-1]) * words_for(type_.shape[-1], WORD)
    return type_.size * STORAGE_BYTES[storage(type_)]


def plan_c(graph: Graph) -> CPlan:
    """Return the steps and the arena for a graph whose ops and types `faults` has found nothing against."""
    steps: list[Step] = []
    done: set[str] = set()
    for node in graph.compute_nodes():
        if node.out not in done:
            steps.append(_step(graph, node))
            done.update(n.out for n in steps[-1].nodes)
    (result,) = graph.outputs
    made = {step.y for step in steps}
    if result not in made or storage(graph.types[result]) != "integer":
        steps.append(Step("copy", (), result, "logits"))
    return CPlan(tuple(steps), plan_arena(_buffers(graph, steps)))


def _buffers(graph: Graph, steps: list[Step]) -> list[Buffer]:
    """Return what the arena must hold: values between steps (inputs and logits are the caller's), scratch."""
    outside = {v.name for v in graph.inputs} | {"logits"}
    if steps[-1].kind != "copy":
        outside |= set(graph.outputs)
    buffers = []
    for i, step in enumerate(steps):
        if step.y not in outside:
            last = max((k for k, s in enumerate(steps) if s.x == step.y), default=i)
            buffers.append(Buffer(step.y, size_bytes(graph.types[step.y]), i, last))
        if step.scratch:
            buffers.append(Buffer(f".scratch{i}", step.scratch, i, i))
    return buffers


def _step(graph: Graph, node: Node) -> Step:
    op = node.op
    if isinstance(op, (Conv2d, Linear)):
        return _matrix(graph, node)
    if isinstance(op, MaxPool2d):
        rows, cols, channels = graph.types[node.ins[0]].shape
        window = Window(rows, cols, channels, op.kernel, op.stride, op.padding, node.type.shape[:2])
        kind = "pool_bits" if storage(node.type) == "word" else "pool_integers"
        flip = graph.const(node.ins[1]) < 0 if len(node.ins) == 2 else None
        return Step(kind, (node,), node.ins[0], node.out, window, flip=flip)
    rows = graph.const(node.ins[1]).astype(np.int64)
    if isinstance(op, Threshold):
        fact = graph.facts[node.ins[0]]
        level = np.clip(rows[0], fact.low, fact.high + 1)
        return Step("threshold", (node,), node.ins[0], node.out, level=level, flip=rows[1] != 0)
    return Step("affine", (node,), node.ins[0], node.out, rows=rows)


def _matrix(graph: Graph, node: Node) -> Step:
    """Return the step of a convolution or linear layer with the threshold or affine map behind it."""
    x, weights = node.ins[0], graph.const(node.ins[1]).astype(np.int64)
    if isinstance(node.op, Linear):
        shape = (1,) * (3 - len(graph.types[x].shape)) + graph.types[x].shape
        weights = weights.reshape(len(weights), *shape)
        window = Window(*shape, shape[:2], (1, 1), (0, 0, 0, 0), (1, 1))
    else:
        shape = graph.types[x].shape
        window = Window(*shape, weights.shape[1:3], node.op.stride, node.op.padding, node.type.shape[:2])
    nodes, level, flip, rows = (node,), None, None, None
    if (follower := _only_reader(graph, node)) is not None:
        table = graph.const(follower.ins[1]).astype(np.int64)
        nodes = (node, follower)
        if isinstance(follower.op, Threshold):
            fact = graph.facts[node.out]
            level = np.clip(table[0], fact.low, fact.high + 1)
            flip = table[1] != 0  # x < level is −x ≥ 1 − level: negate the channel's weights
            weights = np.where(flip.reshape(-1, 1, 1, 1), -weights, weights)
            level = np.where(flip, 1 - level, level)
        else:
            rows = table
    kind = _kernel(graph.types[x], weights, level)
    scratch = _scratch(kind, window, graph.types[x])
    return Step(kind, nodes, x, nodes[-1].out, window, weights, level, flip, rows, scratch)


def _only_reader(graph: Graph, node: Node) -> Node | None:
    """Return the threshold or affine map that alone reads `node`, or None."""
    users = graph.users[node.out]
    if len(users) != 1 or node.out in graph.outputs or users[0].ins[0] != node.out:
        return None
    return users[0] if isinstance(users[0].op, (Threshold, Affine)) else None


def _kernel(x: TensorType, weights: np.ndarray, level: np.ndarray | None) -> str:
    """Return the kernel of a matrix layer, by what its operands are."""
    ternary = bool((np.abs(weights) <= 1).all())
    if storage(x) == "word":
        return "count" if ternary else "count_planes"
    if storage(x) == "byte" and ternary:
        taps = weights[0].size
        if level is not None and taps <= SUMS_TAPS and 0 < terms(weights) <= SUMS_TERMS:
            return "sums"
        return "slices"
    return "integers"


def terms(weights: np.ndarray) -> int:
    """Return how many additions straight-line code for these weights has at most."""
    return int((weights != 0).sum())


def _scratch(kind: str, window: Window, x: TensorType) -> int:
    """Return the bytes of scratch that a matrix step needs: its window, unless that lies in one run already."""
    taps = window.kernel[0] * window.kernel[1]
    if kind in ("count", "count_planes"):
        return 0 if window.covers_pixels else 4 * taps * words_for(window.channels, WORD)
    if kind == "slices":
        elements = taps * window.channels
        planes = 4 * x.elem.bits * words_for(elements, WORD)
        return planes + (0 if window.covers_pixels else elements)
    if kind == "sums":
        rows, length = framed(window)
        return 0 if (rows, length) == (window.rows, window.cols * window.channels) else rows * length
    return 0


def framed(window: Window) -> tuple[int, int]:
    """Return (rows, bytes a row) of the image in the frame that lets pairs of windows be read without a test."""
    top, _, left, _ = window.padding
    pairs = (window.out[1] + 1) // 2
    rows = (window.out[0] - 1) * window.stride[0] + window.kernel[0]
    cols = (2 * pairs - 1) * window.stride[1] + window.kernel[1]
    if top == left == 0 and rows <= window.rows and cols <= window.cols:
        return window.rows, window.cols * window.channels
    return rows, cols * window.channels
