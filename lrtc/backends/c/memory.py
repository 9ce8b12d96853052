"""Where the values of a C program lie: views, values written over an operand that dies, the arena."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lrtc.backends.c.menu import Choice
from lrtc.backends.c.steps import Step, plan_steps, root
from lrtc.backends.c.storage import WORD, kind_of, pixel_bytes, size_bytes
from lrtc.ir import Graph
from lrtc.plan.arena import Arena, Buffer, plan_arena


@dataclass(frozen=True, eq=False)
class CPlan:
    """The program: steps in order, the arena, and value → the buffer of the arena in which it lies.

    lanes: pixels in a word of pixel-sliced kernels, to which buffers are aligned.
    """

    steps: tuple[Step, ...]
    arena: Arena
    buffers: dict[str, str]
    lanes: int = WORD

    def scratch(self, index: int) -> str:
        """Return the name of the scratch buffer of step `index`."""
        return f".scratch{index}"

    def lines(self) -> list[str]:
        """Return the plan in words for people."""
        return [self.arena.text]

    def place(self, buffer: str, ctype: str) -> str:
        """Return where a buffer of the arena begins, as a C pointer to `ctype`."""
        place = f"arena + {self.arena.offset(buffer) // 4}"
        return place if ctype == "uint32_t" else f"({ctype} *)({place})"


def plan_c(graph: Graph, choice: Choice = "", lanes: int = WORD) -> CPlan:
    """Return the steps and the arena for a graph whose ops and types `refuse` has found nothing against.

    choice: layer → kernel, layers by the names of their values, or one kernel for all that may have it. lanes: as
    in CPlan.
    """
    steps, views = plan_steps(graph, choice, lanes)
    outside = {v.name for v in graph.inputs} | {n for n in graph.types if graph.const(n) is not None}
    outside |= {step.y for step in steps if step.output is not None}
    last = {root(views, x): i for i, step in enumerate(steps) for x in step.xs}
    shared = _overwritten(graph, steps, views, outside, last)
    buffers: dict[str, Buffer] = {}
    for i, step in enumerate(steps):
        if step.y not in outside:
            name = shared.get(step.y, step.y)
            size, end = size_bytes(graph.types[step.y]), last.get(step.y, i)
            before = buffers.get(name)
            buffers[name] = Buffer(name, size, i, end) if before is None else _longer(before, size, end)
        if step.scratch:
            buffers[f".scratch{i}"] = Buffer(f".scratch{i}", step.scratch, i, i)
    where = {value: shared.get(root(views, value), root(views, value)) for value in graph.types}
    return CPlan(steps, plan_arena(buffers.values(), lanes // 8), where, lanes)


def _longer(buffer: Buffer, size: int, last: int) -> Buffer:
    return Buffer(buffer.name, max(buffer.size, size), buffer.first, max(buffer.last, last))


def _overwritten(
    graph: Graph, steps: Sequence[Step], views: dict[str, str], outside: set[str], last: dict[str, int]
) -> dict[str, str]:
    """Return value → the buffer of an operand that it is written over.

    Legal when the operand is read element by element by this step last, no pixel of y is larger than one of the
    operand, and packed words are not written over by scalars: then no element is written before it was read.
    """
    shared: dict[str, str] = {}
    for i, step in enumerate(steps):
        if step.y in outside:
            continue
        y = graph.types[step.y]
        for operand in step.elementwise:
            source = root(views, operand)
            x = graph.types[operand]
            fits = pixel_bytes(y) <= pixel_bytes(x) and (kind_of(x) == "int" or kind_of(y) != "int")
            others = [root(views, name) for name in step.xs if name not in step.elementwise]
            if source not in outside and last[source] == i and fits and source not in others:
                shared[step.y] = shared.get(source, source)
                break
    return shared
