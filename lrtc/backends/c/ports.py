"""What the header says of inputs and outputs: pointers and macros, named after them where there are several."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from lrtc.ir import Graph, Input


@dataclass(frozen=True)
class PortView:
    """One pointer of the entry function. name: what the model calls it. macro: its size, in bytes or integers.

    read: whether any layer takes it. before: C text that is added to a pointer to all inputs (outputs) in a row, to get
    here. high, order and rounded (what real data x becomes) are of inputs.
    """

    param: str
    name: str
    read: bool
    macro: str
    size: int
    type: str
    before: str = ""
    high: int = 0
    order: str = ""
    rounded: str = ""


def port_views(graph: Graph, name: str) -> tuple[tuple[PortView, ...], tuple[PortView, ...]]:
    """Return the inputs and the outputs of the model `name`; names differ in more than case, as macros do."""
    upper = name.upper()
    if graph.is_plain:
        params, macros = ("input", "logits"), (f"{upper}_INPUT_BYTES", f"{upper}_CLASSES")
    else:
        wanted = [f"in_{v.name}" for v in graph.inputs] + [f"out_{result}" for result in graph.results]
        params = _distinct(wanted)
        units = ["BYTES"] * len(graph.inputs) + ["VALUES"] * len(graph.outputs)
        macros = tuple(f"{upper}_{param.upper()}_{unit}" for param, unit in zip(params, units, strict=True))
    inputs = [_input(graph, k, params[k], macros) for k in range(len(graph.inputs))]
    outputs, rest = [], macros[len(inputs) :]
    for k, (result, value) in enumerate(zip(graph.results, graph.outputs, strict=True)):
        type_, param = graph.types[value], params[len(inputs) + k]
        outputs.append(PortView(param, result, True, rest[k], type_.size, str(type_), _sum(rest[:k])))
    return tuple(inputs), tuple(outputs)


def _input(graph: Graph, k: int, param: str, macros: Sequence[str]) -> PortView:
    source = graph.inputs[k]
    return PortView(
        param=param,
        name=source.name,
        read=bool(graph.users[source.name]) or source.name in graph.outputs,
        macro=macros[k],
        size=source.type.size,
        type=str(source.type),
        before=_sum(macros[:k]),
        high=source.type.elem.high,
        order={3: "row, column, channel", 1: "of the vector"}[len(source.type.shape)],
        rounded=_rounded(source),
    )


def _rounded(source: Input) -> str:
    """Return what real data x becomes before it is clamped, "" where x is the byte itself."""
    if source.scale == 1 and not source.zero_point:
        return ""
    whole = math.floor(source.zero_point)
    inner = "x" if source.scale == 1 else f"x / {source.scale:.9g}"
    inner += f" + {source.zero_point - whole:g}" if source.zero_point != whole else ""
    return f"round({inner})" + (f" + {whole}" if whole else "")


def _sum(macros: Sequence[str]) -> str:
    return "".join(f" + {macro}" for macro in macros)


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, with _2, _3, … behind those that differ from an earlier one in case only."""
    found: list[str] = []
    for name in names:
        unique, k = name, 1
        while unique.lower() in {other.lower() for other in found}:
            k += 1
            unique = f"{name}_{k}"
        found.append(unique)
    return tuple(found)
