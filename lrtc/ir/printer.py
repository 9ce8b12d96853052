"""The IR as text: what `lrtc show` prints, what goes as a comment into generated files, what tests compare."""

from __future__ import annotations

import re

from lrtc.ir.graph import Graph, Node


def attribute(value: object) -> str:
    """Return an attribute's text: tuples without spaces, floats as short as they round-trip."""
    if isinstance(value, tuple):
        return f"({','.join(map(attribute, value))})"
    return f"{value:g}" if isinstance(value, float) and float(f"{value:g}") == value else str(value)


def node_text(node: Node, width: int = 0) -> str:
    """Return one node's line, `%out = op{attributes} %ins : type   # origin`."""
    attributes = ", ".join(f"{k}={attribute(v)}" for k, v in node.op.attributes().items())
    head = f"%{node.out:<{width}} = {node.op.name}" + (f"{{{attributes}}}" if attributes else "")
    if node.ins:
        head += " " + ", ".join(f"%{name}" for name in node.ins)
    return f"{head}\t: {node.type}" + (f"\t# {printable(node.origin)}" if node.origin else "")


def printable(text: str) -> str:
    """Return text as one line of printable ASCII without backslashes: nothing a comment could end on."""
    safe = "".join(c if " " <= c <= "~" and c not in "\\`" else "?" for c in text[:200])
    return re.sub(r"\?{2,}", "?", safe.replace("*/", "*?").replace("/*", "?*"))


def to_text(graph: Graph) -> str:
    """Return the whole graph as text, columns aligned."""
    names = [n.out for n in graph.nodes]
    width = max(map(len, names), default=0)
    rows = [node_text(node, width).split("\t") for node in graph.nodes]
    columns = [max((len(r[i]) for r in rows if len(r) > i + 1), default=0) for i in range(2)]
    inputs = ", ".join(f"%{v.name}: {v.type}" for v in graph.inputs)
    lines = [f"graph @{graph.name}({inputs}) {{"]
    for row in rows:
        cells = [f"{cell:<{columns[i]}}" if i < len(row) - 1 else cell for i, cell in enumerate(row)]
        lines.append("  " + " ".join(cells))
    named = [f"{name} = " for name in graph.named] or [""] * len(graph.outputs)
    lines.append("  return " + ", ".join(f"{name}%{value}" for name, value in zip(named, graph.outputs, strict=True)))
    lines.append("}")
    return "\n".join(lines)
