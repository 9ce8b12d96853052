"""No integer of a graph can leave its type, computed from the weights without the type rules."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.ir import Graph
from lrtc.proof.canonical import cells_of
from lrtc.proof.cells import TooMany


@dataclass(frozen=True)
class Ranges:
    """What was shown. held: None if it could not be decided. values: integer values of the graph.

    least, most: that any of them reaches.
    """

    held: bool | None
    values: int = 0
    least: int = 0
    most: int = 0
    why: str = ""


def prove_ranges(graph: Graph) -> Ranges:
    """Return whether every integer value stays within its element's type, whatever the input is."""
    values, least, most = 0, 0, 0
    name = "the first value"
    try:
        for _, name, cells in cells_of(graph):
            elem = graph.types[name].elem
            if elem.is_float:
                continue
            low, high = min(cell.table.ends[0] for cell in cells), max(cell.table.ends[1] for cell in cells)
            values, least, most = values + 1, min(least, low), max(most, high)
            if low < elem.low or high > elem.high:
                return Ranges(False, values, least, most, f"%{name} is {elem} and reaches {low}..{high}")
    except TooMany as error:
        return Ranges(None, values, least, most, f"after %{name}, a value {error}")
    return Ranges(True, values, least, most)
