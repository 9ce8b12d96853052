"""What a synthesised network takes: a table a layer, utilisation, Fmax and images a second."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from lrtc import __version__
from lrtc.check.fpga import Cells
from lrtc.output import write_folder
from lrtc.plan.cost import Area
from lrtc.synthesis import Synthesized

COMPARED = ("LUT", "FF", "BRAM", "DSP")  # figures that are estimated


def area_table(made: Synthesized) -> Table:
    """Return a table of cells: a row a layer, one for all else, one for the whole; estimates and errors of each layer.

    Errors are relative; of block RAMs and DSPs what was expected is shown, for they are few.
    """
    keys = [key for key, n in made.synthesis.total.items() if n or key in ("LUT", "FF", "BRAM")]
    table = Table(box=None, header_style="bold")
    table.add_column("layer")
    table.add_column("folding")
    compared = [key for key in COMPARED if key in keys] if made.estimates else []
    heads = [head for key in compared for head in (f"{key} est.", *(("error",) if key in ("LUT", "FF") else ()))]
    for key in (*keys, *heads):
        table.add_column(key, justify="right")
    folds = {fold.name: fold for fold in made.plan.layers}
    top, *layers = made.synthesis.modules
    for cells in layers:
        name, origin = made.layers[cells.module]
        fold = folds[name]
        folding = f"{fold.pe}×{fold.simd}" if fold.slots and not fold.stages else "wires" if fold.stages else ""
        row = _estimate(made, name, cells, compared)
        table.add_row(origin or name, folding, *(f"{cells.counts[key]:,}" for key in keys), *row)
    table.add_row("all else", "", *(f"{top.counts[key]:,}" for key in keys))
    table.add_row("total", "", *(f"{made.synthesis.total[key]:,}" for key in keys), style="bold")
    return table


def _estimate(made: Synthesized, name: str, cells: Cells, compared: Sequence[str]) -> list[str]:
    """Return what was expected of a layer, and by how much that is off."""
    found: list[str] = []
    for key in compared if name in made.estimates else ():
        expected = cells_of(made.estimates[name])[key]
        found.append(f"{expected:,g}" if key in ("BRAM", "DSP") else f"{expected:,}")
        if key in ("LUT", "FF"):
            found.append(f"{error(expected, cells.counts[key]):+.0%}")
    return found


def cells_of(area: Area) -> dict[str, float]:
    """Return figure → cells, as the columns of the table count them: RAMs made of LUTs are no LUTs there."""
    return {"LUT": area.lut - area.lutram, "FF": area.ff, "BRAM": area.bram, "DSP": area.dsp}


def error(expected: float, took: float) -> float:
    """Return by how much an estimate is off, of what was taken."""
    return expected / max(1, took) - 1


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
        row = {"layer": name, "origin": origin, **cells.counts}
        if name in made.estimates:
            expected = cells_of(made.estimates[name])
            off = {key: round(error(expected[key], cells.counts[key]), 4) for key in ("LUT", "FF")}
            row |= {"estimate": {key.lower(): n for key, n in expected.items()}, "error": off}
        rows.append(row)
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


def write_synthesized(made: Synthesized, folder: Path) -> list[str]:
    """Write sources, constraints, bitstream and report into a folder; return their names."""
    report = json.dumps(report_json(made), indent=2) + "\n"
    files = {**made.files, **made.synthesis.images, "report.json": report}
    manifest = {"lrtc": __version__, "target": "bitstream", "name": made.result.name}
    write_folder(folder, files, {**manifest, "board": made.board.name if made.board else None})
    return sorted(files)
