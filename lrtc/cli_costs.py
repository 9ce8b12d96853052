"""The commands about costs before flashing: words and tables only."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lrtc.terminal import out, print_json, print_line, print_notes, working

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="a model.pt written by lrtc.save, or an .onnx file")]
Name = Annotated[str | None, typer.Option("--name", help="name of the functions and files; default: the stem")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for machines")]


def size(
    model: Model,
    core: Annotated[str, typer.Option("--core", help="cores, comma-separated, or all")] = "all",
    name: Name = None,
    as_json: AsJson = False,
) -> None:
    """Print the bytes of the compiled network by section, and its worst-case stack, from a real compiler for each core.

    Example: lrtc size model.pt --core cortex-m0,cortex-m4
    """
    from lrtc.driver import compile, open_model
    from lrtc.report.costs import core_sizes, known_cores, size_json, size_table

    cores = known_cores(core)
    result = compile(open_model(model, name), "c")
    with working(f"compiling for {len(cores)} cores"):
        rows = core_sizes(result, cores, must=core != "all")
    if as_json:
        print_json({"name": result.name, "cores": size_json(rows)})
        return
    out.print(size_table(rows))
    print_notes(f"{row.core}: {row.why}" for row in rows if row.why)


def report(
    model: Model,
    core: Annotated[str | None, typer.Option("--core", help="the core to emulate; default: cortex-m4")] = None,
    board: Annotated[str | None, typer.Option("--board", help="take core, clock and current from this board")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="take the image from this .npz; default: random")] = None,
    clock: Annotated[str | None, typer.Option("--clock", help="print the latency at this clock, e.g. 64MHz")] = None,
    current: Annotated[float | None, typer.Option("--current", help="µA/MHz that the core takes", min=0)] = None,
    supply: Annotated[float | None, typer.Option("--supply", help="volts; for the energy", min=0)] = None,
    name: Name = None,
    as_json: AsJson = False,
) -> None:
    """Print what one image costs on an emulated core: kernel, instructions, cycles, flash and RAM of each layer.

    Example: lrtc report model.pt --core cortex-m0plus --clock 48MHz
    """
    from lrtc.boards import board_named
    from lrtc.cli import read_images
    from lrtc.driver import compile, open_model, random_feeds
    from lrtc.report.costs import cost_json, cost_lines, cost_report, cost_table, hertz

    clock_hz = hertz(clock) if clock else None
    if board:
        found = board_named(board)
        core, clock_hz = core or found.core, clock_hz or found.clock_hz
        current = current or (found.current.ua_per_mhz if found.current else None)
    core = core or "cortex-m4"
    opened = open_model(model, name)
    result = compile(opened, "c")
    feeds = opened.quantized(read_images(opened, data)[0]) if data else random_feeds(result.graph, 3)
    with working(f"{core}: one image"):
        costs = cost_report(result, core, {name: value[-1:] for name, value in feeds.items()})
    if as_json:
        print_json({"name": result.name, **cost_json(costs, clock_hz, current, supply)})
        return
    out.print(cost_table(costs))
    for line in cost_lines(costs, clock_hz, current, supply):
        print_line(line)
