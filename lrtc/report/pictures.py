"""Pictures as SVG: the graph, the arena over time, shares. Every text in them is escaped: names come from files."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np

from lrtc.ir import Graph, Node
from lrtc.ir.ops import Const, Conv2d, Linear
from lrtc.ir.printer import node_text, printable
from lrtc.plan.arena import Arena
from lrtc.report.layers import rows_of

CHAR, LINE, PAD = 7.3, 16, 8  # px: of a monospaced character at 12 px, a line, inside a box
GAP_X, GAP_Y, PLACE = 24, 30, 12  # between boxes; the width that a passing edge gets
LONGEST = 44  # characters of a line in a box
DOT, MOST_FILTERS, MOST_CHANNELS = 11, 64, 4  # px of a weight; filters and channels that are drawn
WIDE, TALL = 860, 260  # px of the arena's picture, without its axis
LIGHT = (
    "--ink:#1d2430;--dim:#5b6676;--card:#f4f6f9;--edge:#93a0b3;--dot:#dbe8ff;--bits:#dff3e2;--other:#fdf0d5;"
    "--beat:#2f6fde;--wait:#e5a820;--minus:#d9573f"
)
DARK = (
    "--ink:#e5eaf2;--dim:#a6b2c2;--card:#1f2632;--edge:#6d7c92;--dot:#21385f;--bits:#1f4429;--other:#4a3a16;"
    "--beat:#7aa7ff;--wait:#c99726;--minus:#f0836d"
)
STYLE = (
    ".net text{font:12px ui-monospace,Menlo,Consolas,monospace;fill:var(--ink)}.net .dim{fill:var(--dim)}"
    ".net .b{font-weight:600}.net rect{fill:var(--card);stroke:var(--edge)}.net rect.dot{fill:var(--dot)}"
    ".net rect.bits{fill:var(--bits)}.net rect.other{fill:var(--other)}.net path{fill:none;stroke:var(--edge)}"
    ".net rect.beat{fill:var(--beat);stroke:none}.net rect.wait{fill:var(--wait);stroke:none}"
    ".net rect.minus{fill:var(--minus);stroke:none}.net rect.plus{fill:var(--beat);stroke:none}"
    ".net path.head{fill:var(--edge);stroke:none}.net .axis{stroke:var(--edge);stroke-dasharray:3 3}"
)


def alone(svg: str) -> str:
    """Return a picture as a file of its own, in the colours that the reader's system asks for."""
    style = f".net{{{LIGHT};background:#fff}}@media (prefers-color-scheme:dark){{.net{{{DARK};background:#12161d}}}}"
    return svg.replace(">", f"><style>{style}{STYLE}</style>", 1) + "\n"


def graph_svg(graph: Graph) -> str:
    """Return the graph as SVG: a box for each input and each node that computes, with its type; constants inside."""
    boxes = {v.name: ("other", [v.name, "input", str(v.type)], v.name) for v in graph.inputs}
    boxes |= {node.out: (_kind(node), _lines(graph, node), node_text(node)) for node in graph.compute_nodes()}
    reads = {value.name: [] for value in graph.inputs}
    reads |= {node.out: [i for i in node.ins if i in boxes] for node in graph.compute_nodes()}
    rows, routes = rows_of(reads)
    wide = {n: PLACE if n not in boxes else 2 * PAD + CHAR * max(map(len, boxes[n][1])) for row in rows for n in row}
    spans = [sum(wide[n] for n in row) + GAP_X * (len(row) - 1) for row in rows]
    total, high = max(spans, default=0), 3 * LINE + 2 * PAD
    at: dict[str, tuple[float, float]] = {}  # the middle of the upper edge
    for k, (row, span) in enumerate(zip(rows, spans, strict=True)):
        x = (total - span) / 2
        for name in row:
            at[name] = x + wide[name] / 2, k * (high + GAP_Y)
            x += wide[name] + GAP_X
    parts = [_route([at[p] for p in route], [p in boxes for p in route], high) for route in routes.values()]
    parts += [_box(*at[name], wide[name], high, *box) for name, box in boxes.items()]
    return drawing(total, len(rows) * (high + GAP_Y) - GAP_Y, "".join(parts), f"the graph of {graph.name}")


def _kind(node: Node) -> str:
    if isinstance(node.op, (Conv2d, Linear)):
        return "dot"
    return "bits" if node.type.elem.is_discrete else "plain"


def _lines(graph: Graph, node: Node) -> list[str]:
    """Return what stands in a node's box: where it comes from, what it does, what it gives."""
    consts = [graph.types[i] for i in node.ins if isinstance(getattr(graph.producers.get(i), "op", None), Const)]
    what = " ".join([node.op.name, *(f"{c.elem}[{'x'.join(map(str, c.shape))}]" for c in consts)])
    return [shortened(node.origin or node.out), shortened(what), shortened(str(node.type))]


def shortened(text: str) -> str:
    """Return a name as it can be printed in a line of a box."""
    text = printable(text)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _box(x: float, y: float, wide: float, high: float, kind: str, lines: Sequence[str], title: str) -> str:
    styles = ("b", "dim", "")
    texts = "".join(
        f'<text class="{style}" x="{x:.1f}" y="{y + 20 + LINE * k:.1f}" text-anchor="middle">{escape(line)}</text>'
        for k, (line, style) in enumerate(zip(lines, styles, strict=True))
    )
    rect = f'<rect class="{kind}" x="{x - wide / 2:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high}" rx="6"/>'
    return f"<g><title>{escape(printable(title))}</title>{rect}{texts}</g>"


def _route(places: Sequence[tuple[float, float]], is_box: Sequence[bool], high: float) -> str:
    (x, y), path = places[0], []
    path.append(f"M{x:.1f} {y + high:.1f}")
    y += high
    for (to, top), box in zip(places[1:], is_box[1:], strict=True):
        middle = (y + top) / 2
        path.append(f"C{x:.1f} {middle:.1f} {to:.1f} {middle:.1f} {to:.1f} {top - (5 if box else 0):.1f}")
        x, y = to, top
        if not box:
            y = top + high
            path.append(f"V{y:.1f}")
    head = f'<path class="head" d="M{x - 4:.1f} {y - 7:.1f}h8l-4 7z"/>'
    return f'<path d="{"".join(path)}"/>{head}'


def drawing(wide: float, high: float, inside: str, label: str) -> str:
    """Return what was drawn as SVG of that many pixels. label: for who cannot see it."""
    box = f"-8 -8 {wide + 16:.0f} {high + 16:.0f}"
    size = f'viewBox="{box}" width="{wide + 16:.0f}" height="{high + 16:.0f}"'
    label = escape(printable(label))
    return f'<svg xmlns="http://www.w3.org/2000/svg" class="net" role="img" aria-label="{label}" {size}>{inside}</svg>'


def arena_svg(arena: Arena, steps: Sequence[str]) -> str:
    """Return the arena as SVG: bytes upwards, steps to the right, a block where and while each buffer lives."""
    if not arena.size or not steps:
        return ""
    left, column = 70, WIDE / len(steps)
    scale = TALL / arena.size
    parts = []
    for part in range(5):
        y, n = TALL * (1 - part / 4), arena.size * part // 4
        parts.append(f'<path class="axis" d="M{left} {y:.1f}h{WIDE}"/>')
        parts.append(f'<text class="dim" x="{left - 8}" y="{y + 4:.1f}" text-anchor="end">{n:,}</text>')
    for slot in arena.slots:
        b = slot.buffer
        x, wide = left + column * b.first, column * (b.last - b.first + 1)
        y, high = TALL - scale * slot.end, scale * b.size
        what = "scratch" if b.name.startswith(".") else b.name
        kind = "other" if b.name.startswith(".") else "dot"
        title = f"{what}: {b.size:,} bytes at {slot.offset:,}, steps {b.first + 1} to {b.last + 1}"
        rect = f'<rect class="{kind}" x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}"/>'
        label = f"{shortened(what)} {b.size:,} B"
        fits = high >= 15 and len(label) * CHAR < wide
        text = f'<text x="{x + wide / 2:.1f}" y="{y + high / 2 + 4:.1f}" text-anchor="middle">{escape(label)}</text>'
        parts.append(f"<g><title>{escape(printable(title))}</title>{rect}{text if fits else ''}</g>")
    each = max(1, round(40 / column))  # so that numbers do not touch
    for k in range(0, len(steps), each):
        x = left + column * (k + 0.5)
        parts.append(f'<text class="dim" x="{x:.1f}" y="{TALL + 18}" text-anchor="middle">{k + 1}</text>')
    return drawing(left + WIDE, TALL + 22, "".join(parts), "bytes of the arena, step by step")


def filters_svg(weight: np.ndarray) -> str:
    """Return the filters of a convolution [O, rows, columns, I] as SVG, blue above 0, red below, in turn by outputs.

    At most MOST_FILTERS of them, each with a picture for every input channel; nothing if a filter is one pixel.
    """
    outputs, rows, columns, channels = weight.shape
    if rows * columns == 1 or channels > MOST_CHANNELS:
        return ""
    greatest = max(int(np.abs(weight).max()), 1)
    wide, high = (columns * channels + channels) * DOT + 6, rows * DOT + 10
    each = max(1, WIDE // wide)
    parts = []
    for k in range(min(outputs, MOST_FILTERS)):
        left, top = k % each * wide, k // each * high
        for (y, x, c), value in np.ndenumerate(weight[k]):
            kind = "plus" if value > 0 else "minus" if value < 0 else ""
            place = (
                f'x="{left + (c * (columns + 1) + x) * DOT}" y="{top + y * DOT}" width="{DOT - 1}" height="{DOT - 1}"'
            )
            seen = f' fill-opacity="{abs(int(value)) / greatest:.2f}"' if kind and greatest > 1 else ""
            parts.append(f'<g><title>{k}: {int(value)}</title><rect class="{kind}" {place}{seen}/></g>')
    lines = -(-min(outputs, MOST_FILTERS) // each)
    return drawing(min(each, outputs) * wide, lines * high, "".join(parts), "filters of the first layer")
