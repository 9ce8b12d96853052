"""What a synthesised network takes: a table a layer, utilisation, Fmax and images a second."""

from __future__ import annotations

from rich.table import Table

from lrtc.check.fpga import Cells
from lrtc.synthesis import Synthesized


def area_table(made: Synthesized) -> Table:
    """Return a table of cells: a row a layer, one for all else, one for the whole."""
    keys = [key for key, n in made.synthesis.total.items() if n or key in ("LUT", "FF", "BRAM")]
    table = Table(box=None, header_style="bold")
    table.add_column("layer")
    table.add_column("folding")
    for key in (*keys, *(("LUT est.", "error") if made.estimates else ())):
        table.add_column(key, justify="right")
    folds = {fold.name: fold for fold in made.plan.layers}
    top, *layers = made.synthesis.modules
    for cells in layers:
        name, origin = made.layers[cells.module]
        fold = folds[name]
        folding = f"{fold.pe}×{fold.simd}" if fold.slots else ""
        table.add_row(
            origin or name, folding, *(f"{cells.counts[key]:,}" for key in keys), *_estimate(made, name, cells)
        )
    table.add_row("all else", "", *(f"{top.counts[key]:,}" for key in keys))
    table.add_row("total", "", *(f"{made.synthesis.total[key]:,}" for key in keys), style="bold")
    return table


def _estimate(made: Synthesized, name: str, cells: Cells) -> tuple[str, ...]:
    """Return the LUTs that planning expected of a layer, and by how much that is off."""
    if name not in made.estimates:
        return ()
    expected = made.estimates[name].lut
    return f"{expected:,}", f"{expected / max(1, cells.counts['LUT']) - 1:+.0%}"


def lines(made: Synthesized) -> list[str]:
    """Return what was reached, in words."""
    plan, done = made.plan, made.synthesis
    where = made.board.name if made.board else made.part.name
    if done.fmax is None:
        return [f"{made.top} on {where}: mapped by Yosys, not placed; an image every {plan.interval:,} cycles"]
    shares = [(name, n, total) for name, (n, total) in done.used.items() if n and total]
    used = ", ".join(f"{name} {n:,} of {total:,} ({n / total:.0%})" for name, n, total in shares)
    fmax = f"Fmax {done.fmax / 1e6:.2f} MHz; an image every {plan.interval:,} cycles"
    met = "" if done.fmax >= made.hz else f"; the clock of {made.hz / 1e6:g} MHz is NOT met"
    return [
        f"used: {used}",
        f"{fmax}: {made.images_per_second:,.0f} images/s at Fmax, "
        f"{made.images_per_second_at(made.hz):,.0f} at {made.hz / 1e6:g} MHz{met}",
    ]


def report_json(made: Synthesized) -> dict[str, object]:
    """Return the same as plain data."""
    done = made.synthesis
    top, *layers = done.modules
    rows = []
    for cells in layers:
        name, origin = made.layers[cells.module]
        expected = {"estimate": vars(made.estimates[name])} if name in made.estimates else {}
        rows.append({"layer": name, "origin": origin, **cells.counts, **expected})
    return {
        "name": made.result.name,
        "device": made.part.name,
        "board": made.board.name if made.board else None,
        "top": made.top,
        "layers": rows,
        "rest": dict(top.counts),
        "total": done.total,
        "used": {name: {"used": n, "available": total} for name, (n, total) in done.used.items()},
        "fmax_hz": done.fmax,
        "clock_hz": made.hz,
        "cycles_per_image": made.plan.interval,
        "images_per_second": made.images_per_second,
    }
