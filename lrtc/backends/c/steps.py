"""Graph → the steps of a C program: nodes fused with what follows them, a kernel chosen for each, the arena placed.

A step is what becomes one C function. What acts on elements (affine map, clamp, sum, threshold) is a stage of the step
that makes the element, when nobody else reads it, so accumulators seldom exist in memory.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from lrtc.backends.c.menu import Choice, Kernel, Matrix, choose
from lrtc.backends.c.storage import WORD, kind_of, pixels
from lrtc.backends.c.windows import Window
from lrtc.ir import B1, Graph, Node
from lrtc.ir.ops import (
    Add,
    Affine,
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
    Rearrange,
    SumPool2d,
    Threshold,
    TopK,
)  # fmt: skip

PAIRS = (Add, Maximum)  # of two values, element by element
ELEMENTWISE = (Affine, Clamp, *PAIRS, Threshold)


@dataclass(frozen=True, eq=False)
class Stage:
    """What happens to each element: `affine` (rows), `clamp` (limits), `levels` (levels, flip), or of another value's
    element (operand) `add`, `greatest`, `least`.

    rows: int64 [2,C]. limits: (low, high), None for an open side. levels: int64 [K,C], flip: bool [C].
    """

    kind: str
    node: Node
    rows: np.ndarray | None = None
    limits: tuple[int | None, int | None] = (None, None)
    operand: str = ""
    levels: np.ndarray | None = None
    flip: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Step:
    """One C function: reads `xs`, writes `y`.

    kind: the name of its kernel, or of its template. nodes: what it stands for, the first does the work. xs: the
    operands of the first node, then those that stages read. kernel, matrix: of a convolution or linear layer.
    level: int64 [O], the last stage of a `b1` value, y = v ≥ level; where a matrix layer has no stage before it,
    weights and levels of flipped channels are negated already and `negated` tells which, else `flip` turns bits.
    least: bool [C], channels where a pool takes the minimum. scratch: bytes. output: the output of the network that it
    writes, as int32_t into the caller's memory.
    """

    kind: str
    nodes: tuple[Node, ...]
    xs: tuple[str, ...]
    y: str
    stages: tuple[Stage, ...] = ()
    window: Window | None = None
    kernel: Kernel | None = None
    matrix: Matrix | None = None
    level: np.ndarray | None = None
    flip: np.ndarray | None = None
    negated: np.ndarray | None = None
    least: np.ndarray | None = None
    scratch: int = 0
    output: int | None = None

    @property
    def origins(self) -> tuple[str, ...]:
        """Return the PyTorch paths of the nodes, each once."""
        return tuple(dict.fromkeys(part for node in self.nodes for part in node.origin.split("+") if part))

    @property
    def elementwise(self) -> tuple[str, ...]:
        """Return the operands of which element k is read right before element k of y is written, and no other."""
        own = self.xs[: len(self.xs) - self.stage_operands]
        added = self.xs[len(own) :]
        return self.xs if self.kind in ("map", "maximum_words") else tuple(x for x in added if x not in own)

    @property
    def stage_operands(self) -> int:
        """Return how many of xs, the last ones, stages read."""
        return sum(bool(stage.operand) for stage in self.stages)


def plan_steps(graph: Graph, choice: Choice = "", lanes: int = WORD) -> tuple[tuple[Step, ...], dict[str, str]]:
    """Return the steps in order, and value → the value in whose memory it lies, for values that are only views."""
    alive = _alive(graph)
    views = {n.out: n.ins[0] for n in alive if is_view(graph, n)}
    position = {node.out: i for i, node in enumerate(alive)}
    placed, done = [], set(views)
    for node in alive:
        if node.out not in done:
            chain = _chain(graph, node, done)
            done.update(n.out for n in chain)
            placed.append((position[chain[-1].out], _step(graph, chain, choice, lanes)))
    steps = [step for _, step in sorted(placed, key=lambda p: p[0])]
    return _with_outputs(graph, steps, views), views


def _with_outputs(graph: Graph, steps: list[Step], views: dict[str, str]) -> tuple[Step, ...]:
    """Return the steps with each output written to the caller's memory, as soon as it is there.

    The step that makes it writes it there if it makes integers that nobody else reads; else it is copied.
    """
    ends = [root(views, name) for name in graph.outputs]
    read = {root(views, x) for step in steps for x in step.xs}
    made = {step.y for step in steps}
    found: list[Step] = []
    for step in steps:
        mine = [k for k, end in enumerate(ends) if end == step.y]
        if len(mine) == 1 and step.y not in read and kind_of(graph.types[step.y]) == "int":
            found.append(replace(step, output=mine[0]))
            continue
        found.append(step)
        found += [_copy(graph, k) for k in mine]
    return (*found, *(_copy(graph, k) for k, end in enumerate(ends) if end not in made))


def _copy(graph: Graph, output: int) -> Step:
    return Step("map", (), (graph.outputs[output],), f".out{output}", output=output)  # no value can be called so


def root(views: dict[str, str], value: str) -> str:
    """Return the value in whose memory `value` lies."""
    while value in views:
        value = views[value]
    return value


def is_view(graph: Graph, node: Node) -> bool:
    """Return whether the node's value is its operand's memory, read in another shape."""
    if isinstance(node.op, Identity):
        return True
    if not isinstance(node.op, Flatten):
        return False
    x = graph.types[node.ins[0]]
    if pixels(x) == 1:
        return True
    in_order = node.op.order == "HWC" or x.shape[-1] == 1
    return in_order and (kind_of(x) == "int" or x.shape[-1] % WORD == 0)


def _alive(graph: Graph) -> list[Node]:
    """Return the nodes that are not constants and lead to an output, in order."""
    needed, kept = set(graph.outputs), []
    for node in reversed(graph.compute_nodes()):
        if node.out in needed:
            needed.update(node.ins)
            kept.append(node)
    return kept[::-1]


def _chain(graph: Graph, node: Node, done: set[str]) -> list[Node]:
    """Return the node and what acts on its elements, each the only reader of the one before."""
    chain = [node]
    while not chain[-1].type.elem.is_discrete and not isinstance(chain[-1].op, (Threshold, TopK)):
        value = chain[-1].out
        users = graph.users[value]
        if len(users) != 1 or value in graph.outputs or users[0].out in done:
            break
        (user,) = users
        if not isinstance(user.op, ELEMENTWISE) or user.ins.count(value) > 1:
            break
        chain.append(user)
    return chain


def _step(graph: Graph, chain: list[Node], choice: Choice, lanes: int) -> Step:
    first = chain[0]
    alone = isinstance(first.op, ELEMENTWISE)  # nothing to compute before: read, then the stages
    stages = _stages(graph, chain if alone else chain[1:], None if alone else first.out)
    level = flip = None
    if stages and stages[-1].kind == "levels" and stages[-1].node.type.elem == B1:
        level, flip = stages[-1].levels[0], stages[-1].flip
        stages = stages[:-1]
    own = (first.ins[0],) if alone else _operands(first)
    xs = (*own, *(stage.operand for stage in stages if stage.operand))
    common = {"nodes": tuple(chain), "xs": xs, "y": chain[-1].out, "stages": stages, "level": level, "flip": flip}
    if isinstance(first.op, (Conv2d, Linear)):
        wanted = choice if isinstance(choice, str) else choice.get(first.out, "")
        return _matrix(graph, first, common, wanted, lanes)
    if alone and _is_of_words(graph, first):
        return Step("maximum_words", **common | {"xs": first.ins, "stages": ()})
    if alone:
        return Step("map", **common)
    return _move(graph, first, common)


def _is_of_words(graph: Graph, node: Node) -> bool:
    """Return whether it is the maximum of two values that are packed alike."""
    packed = isinstance(node.op, Maximum) and node.type.elem.is_discrete
    return packed and all(graph.const(name) is None for name in node.ins)


def _operands(node: Node) -> tuple[str, ...]:
    return node.ins if isinstance(node.op, Concat) else node.ins[:1]


def _stages(graph: Graph, nodes: list[Node], value: str | None) -> tuple[Stage, ...]:
    """Return the stages of nodes that act on elements; `value` flows through them, None at first: the first operand."""
    stages = []
    for node in nodes:
        value = value or node.ins[0]
        if isinstance(node.op, PAIRS):
            other = node.ins[1] if node.ins[0] == value else node.ins[0]
            kind = "add" if isinstance(node.op, Add) else "least" if node.op.least else "greatest"
            stages.append(Stage(kind, node, operand=other))
        elif isinstance(node.op, Clamp):
            limits = tuple(None if v is None else int(v) for v in (node.op.low, node.op.high))
            stages.append(Stage("clamp", node, limits=_needed(graph, value, limits)))
        else:
            rows = graph.const(node.ins[1]).astype(np.int64)
            if isinstance(node.op, Affine):
                stages.append(Stage("affine", node, rows=rows))
            else:
                fact = graph.facts[value]
                levels = np.clip(rows[:-1], fact.low, fact.high + 1)
                stages.append(Stage("levels", node, levels=levels, flip=rows[-1] != 0))
        value = node.out
    return tuple(stages)


def _needed(graph: Graph, value: str, limits: tuple[int | None, int | None]) -> tuple[int | None, int | None]:
    """Return the limits of a clamp, None in the place of one that is never exceeded."""
    least, greatest = int(graph.facts[value].low.min()), int(graph.facts[value].high.max())
    low, high = limits
    return None if low is None or low <= least else low, None if high is None or high >= greatest else high


def _matrix(graph: Graph, node: Node, common: dict, wanted: str, lanes: int) -> Step:
    """Return the step of a convolution or linear layer."""
    type_, weights = graph.types[node.ins[0]], graph.const(node.ins[1]).astype(np.int64)
    groups = 1
    if isinstance(node.op, Linear):
        shape = (1,) * (3 - len(type_.shape)) + type_.shape
        weights = weights.reshape(len(weights), *shape)
        window = Window(*shape, shape[:2], (1, 1), (0, 0, 0, 0), (1, 1))
    else:
        op, groups = node.op, node.op.groups
        window = Window(
            *type_.shape, weights.shape[1:3], op.stride, op.padding, node.type.shape[:2], op.dilation
        )  # fmt: skip
    one_level = common["level"] is not None and not common["stages"]
    if one_level:  # v < level is −v ≥ 1 − level: negate the channel's weights
        flip = common["flip"]
        weights[flip] *= -1
        level = np.where(flip, 1 - common["level"], common["level"])
        common = common | {"level": level, "flip": None, "negated": flip}
    layer = Matrix(type_, window, weights, groups, common["level"] if one_level else None, lanes)
    kernel = choose(layer, wanted)
    return Step(kernel.name, window=window, kernel=kernel, matrix=layer, scratch=kernel.scratch(layer), **common)


def _move(graph: Graph, node: Node, common: dict) -> Step:
    """Return the step of a pool, or of an op that moves elements."""
    x, plain = graph.types[node.ins[0]], not common["stages"] and common["level"] is None
    packed = kind_of(x) != "int" and plain
    match node.op:
        case MaxPool2d(kernel=kernel, stride=stride, padding=padding):
            window = Window(*x.shape, kernel, stride, padding, node.type.shape[:2])
            least = graph.const(node.ins[1]) < 0 if len(node.ins) == 2 else None
            kind = "pool_bits" if x.elem == B1 and plain else "pool_integers"
            return Step(kind, window=window, least=least, **common)
        case SumPool2d(kernel=kernel, stride=stride, padding=padding):
            return Step("pool_sums", window=Window(*x.shape, kernel, stride, padding, node.type.shape[:2]), **common)
        case Pad(padding=padding):
            window = Window(*x.shape, (1, 1), (1, 1), padding, node.type.shape[:2])
            return Step("place_words" if packed else "place", window=window, **common)
        case Crop(margins=margins):
            window = Window(*x.shape, (1, 1), (1, 1), tuple(-m for m in margins), node.type.shape[:2])
            return Step("place_words" if packed else "place", window=window, **common)
        case Concat():
            types = [graph.types[name] for name in node.ins]
            alike = plain and all(kind_of(t) == kind_of(node.type) for t in types)
            alike = alike and all(graph.const(name) is None for name in node.ins)
            aligned = kind_of(x) == "int" or all(t.shape[-1] % WORD == 0 for t in types[:-1])
            return Step("join" if alike and aligned else "concat", **common)
        case Channels():
            return Step("channels", **common)
        case Flatten():
            return Step("flatten", **common)
        case Rearrange():
            return Step("rearrange", **common)
        case TopK():
            return Step("topk", **common)
    raise TypeError(f"no step for {node.op!r}")
