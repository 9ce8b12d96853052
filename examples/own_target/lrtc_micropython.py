"""A target of its own package: dense networks as one module of MicroPython (or Python), integers only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from lrtc.backends.base import Backend, Output
from lrtc.errors import Fault
from lrtc.ir import Graph, Node
from lrtc.ir.ops import Add, Affine, Identity, Linear, Maximum, Threshold

OPS = (Linear, Threshold, Affine, Add, Maximum, Identity)
KNOWN = ", ".join(op.name for op in OPS)


def refuse(graph: Graph) -> Iterator[Fault]:
    """Yield every reason why a graph cannot be emitted, each with the layer's path."""
    for node in graph.compute_nodes():
        where = node.origin or node.out
        if not isinstance(node.op, OPS):
            yield Fault(
                where, f"{node.op.name} is no line of MicroPython yet; known: {', '.join(op.name for op in OPS)}"
            )
        elif len(node.type.shape) != 1 or any(len(graph.types[x].shape) != 1 for x in node.ins[:1]):
            yield Fault(where, f"works on {graph.types[node.ins[0]]}; vectors are supported")
    if len(graph.inputs) != 1 or len(graph.outputs) != 1:
        yield Fault("network", "one input and one output are supported")


def emit(graph: Graph, name: str, options: Mapping[str, object] | None = None) -> Output:
    """Return the module: a function `run` from a list of bytes to the list of the output's integers."""
    source = graph.inputs[0]
    lines = [f'"""{name}: {source.type} -> {graph.types[graph.outputs[0]]}. Written by lrtc; do not edit."""', "", ""]
    lines.append(f"def run({source.name}):")
    for node in graph.compute_nodes():
        lines.append(f"    {node.out} = {_text(graph, node)}  # {node.origin or node.op.name}")
    lines += [f"    return {graph.outputs[0]}", ""]
    return Output({f"{name}.py": "\n".join(lines)}, None)


def _text(graph: Graph, node: Node) -> str:
    """Return the node as an expression; what it means is the function of its op in lrtc.interp."""
    x, op = node.ins[0], node.op
    rows = [graph.const(name).tolist() for name in node.ins[1:] if graph.const(name) is not None]
    match op:
        case Linear():
            return f"[sum(w * v for w, v in zip(row, {x})) for row in {tuple(map(tuple, rows[0]))}]"
        case Threshold():
            *levels, flip = rows[0]
            each = ", ".join(str(tuple(row)) for row in levels)
            reached = f"[sum(v >= k for k in ks) for v, *ks in zip({x}, {each})]"
            if any(flip):
                reached = f"[{len(levels)} - n if f else n for n, f in zip({reached}, {tuple(flip)})]"
            return f"[2 * n - 1 for n in {reached}]" if op.out.kind == "b" else f"[{op.base} + n for n in {reached}]"
        case Affine():
            return f"[v * m + b for v, m, b in zip({x}, {tuple(rows[0][0])}, {tuple(rows[0][1])})]"
        case Add():
            return f"[a + b for a, b in zip({x}, {node.ins[1]})]"
        case Maximum():
            return f"[{'min' if op.least else 'max'}(a, b) for a, b in zip({x}, {node.ins[1]})]"
    return x


BACKEND = Backend("micropython", "integer", refuse, emit)
