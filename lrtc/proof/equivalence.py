"""Two graphs are equal for every input: the compiled one and the one that the frontend made, real numbers and all."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.ir import Graph
from lrtc.proof.canonical import UNARY, cells_of
from lrtc.proof.cells import Cell, TooMany


@dataclass(frozen=True)
class Equivalence:
    """What was shown. equal: None if it could not be decided, and `why` says what stands in the way.

    outputs: integers that were compared; functions: channels of decisions and other functions that were evaluated,
    points: on how many integers, in both graphs.
    """

    equal: bool | None
    outputs: int = 0
    functions: int = 0
    points: int = 0
    why: str = ""


def prove_equal(before: Graph, after: Graph) -> Equivalence:
    """Return whether both graphs give the same integers for every input, channel by channel, by equal cells.

    Every channel-wise function is evaluated on every integer that its argument reaches; all else is compared by
    structure, in a form that forgets what passes may change: the order of channels, equal and opposite summands,
    constants, moves, and on which side of a pool a decision stands. Different cells are no proof of a difference:
    `equal` is False then, and the message names the first output.
    """
    found, functions, points = [], 0, 0
    for graph, which in ((before, "as read"), (after, "compiled")):
        values: dict[str, list[Cell]] = {}
        node = None
        try:
            for node, name, cells in cells_of(graph):
                if node is not None and isinstance(node.op, UNARY):
                    functions += len(cells)
                    points += sum(cell.table.count for cell in cells if cell.anchor)
                if name in graph.outputs:
                    values[name] = cells
        except TooMany as error:
            at = f" after {node.origin or node.out}" if node is not None else ""
            return Equivalence(None, 0, functions, points, f"in the graph {which}{at}, a value {error}")
        found.append({result: values[name] for result, name in zip(graph.results, graph.outputs, strict=True)})
    first, second = found
    if list(first) != list(second):
        return Equivalence(False, 0, functions, points, f"outputs {list(first)} and {list(second)}")
    for result, cells in first.items():
        other = second[result]
        different = [c for c, (a, b) in enumerate(zip(cells, other, strict=False)) if a.exact != b.exact]
        if len(cells) != len(other) or different:
            at = f"channel {different[0]}" if different else f"{len(cells)} and {len(other)} channels"
            return Equivalence(False, 0, functions, points, f"the output {result} differs: {at}")
    return Equivalence(True, sum(map(len, first.values())), functions, points)
