"""The folding of an accelerator, layer by layer, and how much of what stands there is used: its roof."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from rich.table import Table

from lrtc.ir import Graph
from lrtc.ir.printer import printable
from lrtc.plan.fold import FoldPlan, LayerFold

ROOF = (
    "The roof is PE × SIMD products in every cycle (wires: a window in every cycle). A bar is the cycles from image to "
    "image: in some the layer makes products; in some it waits for its own stream, where pixels come or go more slowly "
    "than windows are done; in the rest it waits for the slowest stage. All of it follows from the plan."
)


@dataclass(frozen=True)
class FoldRow:
    """A layer of a plan. ideal: cycles an image in which all its slots make products; own, others: that it waits.

    used: ideal / cycles from image to image; products: made a cycle, of `slots` that there are.
    """

    layer: str
    fold: LayerFold
    folding: str
    ideal: int
    own: int
    others: int
    used: float
    products: float


def fold_rows(plan: FoldPlan, graph: Graph) -> list[FoldRow]:
    """Return a row for each layer; without weights nothing is used and nothing waits."""
    origins = {node.out: node.origin for node in graph.nodes}
    rows = []
    for fold in plan.layers:
        ideal = fold.windows * fold.folds * fold.steps if fold.slots else 0
        own, others = (max(fold.cycles - ideal, 0), plan.interval - max(fold.cycles, ideal)) if fold.slots else (0, 0)
        used = ideal / plan.interval if plan.interval else 0.0
        name = printable(origins.get(fold.name) or fold.name)
        rows.append(FoldRow(name, fold, folding_text(fold), ideal, own, max(others, 0), used, fold.slots * used))
    return rows


def folding_text(fold: LayerFold) -> str:
    """Return "8 × 9", or "wired, 3 stages", or nothing without weights."""
    if fold.stages:
        return f"wired, {fold.stages} stages"
    return f"{fold.pe} × {fold.simd}" if fold.slots else ""


def slowest(plan: FoldPlan, graph: Graph) -> str:
    """Return the slowest stage by the name that people know."""
    origins = {node.out: node.origin for node in graph.nodes}
    return printable(origins.get(plan.bottleneck) or plan.bottleneck)


def fold_table(plan: FoldPlan, graph: Graph) -> Table:
    """Return the layers as a rich table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("layer", "PE × SIMD", "cycles alone", "used", "queue", "LUT", "FF", "BRAM", "DSP"):
        table.add_column(heading, justify="left" if heading == "layer" else "right", no_wrap=True)
    for row in fold_rows(plan, graph):
        fold, area = row.fold, row.fold.area
        used = f"{row.used:.1%}" if fold.slots else ""
        queue = ", ".join(str(depth) for depth in fold.queues if depth)
        table.add_row(row.layer, row.folding, f"{fold.cycles:,}", used, queue, *_area(area))
    table.add_row("total", f"{plan.slots:,}", f"{plan.interval:,}", "", "", *_area(plan.area), style="bold")
    return table


def _area(area) -> tuple[str, str, str, str]:
    return f"{area.lut:,}", f"{area.ff:,}", f"{area.bram:g}", str(area.dsp)


def fold_json(plan: FoldPlan, graph: Graph) -> dict[str, object]:
    """Return the plan as plain data. roofline: of each layer, slots, cycles used, products a cycle, and both waits."""
    rows = fold_rows(plan, graph)
    return {
        "cycles_per_image": plan.interval,
        "latency_cycles": plan.latency,
        "slowest": slowest(plan, graph),
        "area": asdict(plan.area),
        "layers": [asdict(row.fold) for row in rows],
        "roofline": {
            "roof": "PE x SIMD products a cycle",
            "layers": [
                {"layer": row.layer, "slots": row.fold.slots, "used": row.used, "products_a_cycle": row.products,
                 "cycles": {"products": row.ideal, "own_stream": row.own, "slowest_stage": row.others}}
                for row in rows if row.fold.slots
            ],
        },
    }  # fmt: skip
