"""`make bench-hw`: LUT6 sites of hard-wired layers, by one flow for every style; what was mapped answers right first.

    python -m lrtc.bench_hw --json build/bench.json

The flow is `lrtc.check.luts`: Yosys, ABC for area (the better of two scripts), LUT6_2 pairs. Weights are random with a
fixed seed, levels lie near half of the inputs. Rows are added to the file, in place of rows of the same name.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from lrtc.backends.verilog import hardwired_files
from lrtc.bench_board import up5k_rows
from lrtc.bench_layers import Row
from lrtc.bench_nets import NETS, net_rows
from lrtc.bench_slices import SLICES, slice_rows
from lrtc.check.luts import Mapped, map_luts
from lrtc.errors import LrtcError, ToolMissing
from lrtc.ir import B1
from lrtc.plan.hardwired import decided

VECTORS = 1000  # random inputs on which a mapped layer is compared
TEXTBOOK_OUTPUTS = 8  # of a textbook layer that are mapped: its outputs share nothing
UNIT = "LUT6 sites/weight"
# ABC's scripts for hard-wired layers of every style, of which the smaller result counts: that of `check.luts` takes
# over 15 minutes for 256 × 64. Where no -K is named, functions of 6 inputs cost as much as two of 5, and few are made.
SCRIPTS = ("strash; ifraig; if -K 5 -a", "strash; ifraig; if -a -F 8 -A 8")
SECONDS = 7200.0  # for a mapping


@dataclass(frozen=True)
class WiredLayer:
    """A dense layer of ±1 weights, or ternary ones of which the part `zeros` is 0. target: sites a weight at most."""

    name: str
    inputs: int
    outputs: int
    target: float
    zeros: float = 0.0
    seconds: float | None = None  # that generating it may take

    def constants(self) -> tuple[np.ndarray, np.ndarray]:
        """Return weights int8 [O, I] and levels [O] of the dot product, the same in every run."""
        rng = np.random.default_rng(1)
        weights = rng.choice((-1, 1), (self.inputs, self.outputs))
        if self.zeros:
            weights = weights * (rng.random(weights.shape) >= self.zeros)
        nonzero = (weights != 0).sum(0)
        ones = np.round(nonzero / 2 + rng.normal(0, 0.35, self.outputs) * np.sqrt(np.maximum(nonzero, 1)))
        return weights.T.astype(np.int8), 2 * np.clip(ones, 1, nonzero).astype(np.int64) - nonzero


LAYERS = (
    WiredLayer("unrolled-64x32", 64, 32, 0.37),
    WiredLayer("unrolled-64x32-t50", 64, 32, 0.36, zeros=0.5),
    WiredLayer("unrolled-256x64", 256, 64, 0.41),
    WiredLayer("unrolled-256x256", 256, 256, 0.376, seconds=10.0),
)


def wired_rows(layer: WiredLayer) -> list[Row]:
    """Return what a hard-wired layer takes; LrtcError if what was mapped answers wrongly."""
    weights, levels = layer.constants()
    start = time.process_time()
    files = hardwired_files("wired", decided(weights, levels, np.zeros(len(levels), int), B1))
    seconds = time.process_time() - start
    mapped = _smaller(files, "wired")
    moving = {name: np.ones((VECTORS, 1), bool) for name in ("rst_ni", "in_valid_i", "out_ready_i")}
    _check(layer, weights, levels, lambda x: mapped.run([{**moving, "in_data_i": x}] * 2)[1]["out_data_o"])
    rows = [Row(f"hw/{layer.name}", mapped.sites / weights.size, UNIT, layer.target)]
    return rows + ([Row(f"hw/{layer.name}/generate", seconds, "CPU s", layer.seconds)] if layer.seconds else [])


def textbook_rows(layer: WiredLayer) -> list[Row]:
    """Return what the first outputs of a layer take, written as loops that count and compare."""
    weights, levels = (value[:TEXTBOOK_OUTPUTS] for value in layer.constants())
    mapped = _smaller({"textbook.sv": textbook(weights, levels)}, "textbook")
    _check(layer, weights, levels, lambda x: mapped.run([{"x_i": x}])[0]["y_o"])
    return [Row(f"hw/{layer.name}/textbook", mapped.sites / weights.size, UNIT)]


def _smaller(files: Mapping[str, str], top: str) -> Mapped:
    """Return what takes fewer sites of what the scripts make of a design."""
    return min((map_luts(files, top, script, SECONDS) for script in SCRIPTS), key=lambda mapped: mapped.sites)


def textbook(weights: np.ndarray, levels: np.ndarray) -> str:
    """Return the module that counts, for each output, the inputs that agree with their weight."""
    outputs, inputs = weights.shape
    lines = [f"module textbook(input wire [{inputs - 1}:0] x_i, output wire [{outputs - 1}:0] y_o);"]
    for o, (row, level) in enumerate(zip(weights, levels, strict=True)):
        nonzero = int((row != 0).sum())
        negative, mask = (f"{inputs}'b{''.join(str(int(b)) for b in bits[::-1])}" for bits in (row < 0, row != 0))
        width = nonzero.bit_length()
        lines += [
            f"wire [{inputs - 1}:0] v{o} = (x_i ^ {negative}) & {mask};",
            f"reg [{width - 1}:0] s{o}; integer i{o};",
            f"always @* begin s{o} = 0; for (i{o} = 0; i{o} < {inputs}; i{o} = i{o} + 1) s{o} = s{o} + v{o}[i{o}]; end",
            f"assign y_o[{o}] = s{o} >= {(level + nonzero + 1) // 2};",
        ]
    return "\n".join([*lines, "endmodule", ""])


def _check(layer: WiredLayer, weights: np.ndarray, levels: np.ndarray, run: Callable[[np.ndarray], np.ndarray]) -> None:
    x = np.random.default_rng(7).integers(0, 2, (VECTORS, layer.inputs)).astype(bool)
    x[0], x[1] = False, True
    want = np.where(x, 1, -1) @ weights.T.astype(np.int64) >= levels
    if not np.array_equal(run(x), want):
        raise LrtcError(f"{layer.name}: an output of the mapped netlist differs from the dot product's")


JOBS: Mapping[str, Callable[[], list[Row]]] = {
    **{f"hw/{layer.name}": partial(wired_rows, layer) for layer in LAYERS},
    **{f"hw/{layer.name}/textbook": partial(textbook_rows, layer) for layer in LAYERS},
    **{f"hw/{own.name}": partial(slice_rows, own) for own in SLICES},
    **{f"hw/{own.name}/textbook": partial(slice_rows, own, textbook=True) for own in SLICES},
    **{f"hw/{net.name}": partial(net_rows, net) for net in NETS},
    "hw/up5k": up5k_rows,
}


def main(
    path: Annotated[Path, typer.Option("--json", help="where the rows go")] = Path("build/bench.json"),
    only: Annotated[str, typer.Option("--only", help="a part of the names of the rows to count")] = "",
) -> None:
    """Map, check, count, print, and add the rows to the JSON."""
    console, found = Console(), []
    for name, job in JOBS.items():
        if only in name:
            try:
                found += job()
            except ToolMissing as missing:
                console.print(f"{name}: not counted: {missing}", markup=False)
    table = Table("figure", "value", "unit", "target", box=None)
    for row in found:
        target = (
            ""
            if row.target is None
            else f"{'≥' if row.at_least else '≤'} {row.target:g} {'ok' if row.ok else 'MISSED'}"
        )
        table.add_row(row.name, f"{row.value:.4g}", row.unit, target)
    console.print(table)
    add_rows(path, found)
    raise typer.Exit(0 if all(row.ok for row in found) else 1)


def add_rows(path: Path, found: list[Row]) -> None:
    """Add rows to a JSON file of rows, in place of those of the same names."""
    new = {row.name: {**asdict(row), "ok": row.ok} for row in found}
    old = json.loads(path.read_text("utf-8")) if path.is_file() else []
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [*(row for row in old if row["name"] not in new), *new.values()]
    path.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
