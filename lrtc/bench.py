"""`make bench`: what the committed networks and single layers cost, counted and not timed, so that the figures repeat.

One row is a time, as a ratio of two kernels in one run: see `bench_x86`.

    python -m lrtc.bench --json build/bench.json

Rows have name, value, unit, target (None: nothing promised yet) and ok.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lrtc.bench_layers import LAYERS, Row, bench_rows
from lrtc.bench_x86 import bench_x86
from lrtc.chain import DEFAULT_CORES, Chain
from lrtc.driver import open_model
from lrtc.errors import LrtcError, ToolMissing
from lrtc.frontend.data import read_samples

NETS = ("mnist_ternary", "mnist_bipolar")
EXAMPLES = Path(__file__).resolve().parent.parent / "examples" / "mnist"
IMAGES = 5


def rows(net: str, images: int = IMAGES) -> list[Row]:
    """Return the figures of one committed network; every engine's logits are checked on the way."""
    model = open_model(EXAMPLES / f"{net}.pt")
    x, _ = read_samples(EXAMPLES / "digits.npz", model.graph.inputs[0])
    chain, x = Chain(model), x[:images]
    want = chain.run("interp", x).logits
    found = []
    for core in DEFAULT_CORES:
        run = chain.run(core, x)
        _same(run.logits, want, f"{net} on {core}")
        found += [
            Row(f"mcu/{net}/{core}/instructions", run.figures["instructions"], "per image"),
            Row(f"mcu/{net}/{core}/flash", run.figures["flash_bytes"], "bytes"),
            Row(f"mcu/{net}/{core}/ram", run.figures["ram_bytes"] + run.figures["stack_bytes"], "bytes"),
        ]
    run = chain.run("rtl", x)
    _same(run.logits, want, f"{net} in Verilator")
    found.append(Row(f"hw/{net}/cycles", run.figures["cycles_per_image"], "per image"))
    found.append(Row(f"hw/{net}/latency", run.figures["latency_cycles"], "cycles"))
    return found


def _same(got, want, where: str) -> None:
    if not (got == want).all():
        raise LrtcError(f"{where}: a logit differs from the interpreter's; `lrtc verify` says which")


def main(path: Annotated[Path, typer.Option("--json", help="where the rows go")] = Path("build/bench.json")) -> None:
    """Count, check, print, and write the rows as JSON."""
    console = Console()
    found = []
    jobs = {net: partial(rows, net) for net in NETS}
    for layer in LAYERS:
        jobs |= {f"mcu/{layer.name}/{core}": partial(bench_rows, layer, core) for core in layer.targets}
    jobs["mcu/conv64/x86"] = bench_x86
    for name, job in jobs.items():
        try:
            found += job()
        except ToolMissing as missing:
            console.print(f"{name}: not counted: {missing}", markup=False)
    table = Table("figure", "value", "unit", "target", box=None)
    for row in found:
        target = "" if row.target is None else f"≤ {row.target:g} {'ok' if row.ok else 'MISSED'}"
        table.add_row(row.name, f"{row.value:,g}" if row.value < 1000 else f"{row.value:,.0f}", row.unit, target)
    console.print(table)
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps([{**asdict(row), "ok": row.ok} for row in found], indent=2)
    path.write_text(text + "\n", encoding="utf-8")
    raise typer.Exit(0 if all(row.ok for row in found) else 1)


if __name__ == "__main__":
    typer.run(main)
