"""lrtc show: what was understood of a model, pass by pass, and why each layer gets its kernel."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lrtc.asked import Hardware, OutputKind, target_options
from lrtc.cli_costs import ConstantTime, Core, Flash, Optimize, Ram, Tuned, choose
from lrtc.cli_manners import among, targets
from lrtc.cli_options import opened_model
from lrtc.cli_rtl import (
    Brams,
    Clock,
    Cycles,
    DeviceName,
    Fold,
    Fps,
    Lanes,
    Luts,
    Stages,
    Style,
    print_plan,
)
from lrtc.errors import LrtcError, nearest
from lrtc.terminal import out, print_line, print_notes

ModelPath = Annotated[Path, typer.Argument(metavar="MODEL", help="a model.pt written by lrtc.save")]
Name = Annotated[str | None, typer.Option("--name", help="name of the functions, modules and files; default: the stem")]


def show(
    model: ModelPath,
    target: Annotated[
        str,
        typer.Option("--target", "-t", help="whose passes to run: c, verilog, or none", autocompletion=among(targets)),
    ] = "c",
    each: Annotated[bool, typer.Option("--each", help="print the graph after every pass")] = False,
    after: Annotated[
        str | None, typer.Option("--after", metavar="PASS", help="print the graph after this pass")
    ] = None,
    name: Name = None,
    table: Annotated[bool, typer.Option("--table", help="a table of the layers instead of the graph")] = False,
    plan: Annotated[
        bool,
        typer.Option("--plan", help="why each layer gets its kernel on --core (C), its folding or wires (Verilog)"),
    ] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="write the graph as a picture instead of printing it")
    ] = None,
    core: Core = None,
    tuned: Tuned = None,
    optimize: Optimize = None,
    flash: Flash = None,
    ram: Ram = None,
    constant_time: ConstantTime = False,
    fold: Fold = None,
    cycles: Cycles = None,
    fps: Fps = None,
    clock: Clock = None,
    luts: Luts = None,
    brams: Brams = None,
    device: DeviceName = None,
    lanes_in: Lanes = None,
    style: Style = None,
    stages: Stages = None,
) -> None:
    """Print what was understood of MODEL: the graph before and after passes.

    Examples: lrtc show model.pt --each
              lrtc show model.pt --target verilog --svg net.svg
    """
    from lrtc.driver import compile
    from lrtc.ir import to_text
    from lrtc.passes import pipeline_named, run_pipeline
    from lrtc.report.tables import layer_table, saved_text

    passes = [p.name for p in pipeline_named(target)]
    if after is not None and after not in ("frontend", *passes):
        known = ", ".join(["frontend", *passes])
        raise LrtcError(
            f"--after {after}: no such pass in the pipeline {target}{nearest(after, passes)}; known: {known}"
        )
    if not plan and (core or tuned or optimize or flash or ram or constant_time):
        raise LrtcError("--core, --tuned, --optimize, --flash, --ram and --constant-time go with --plan")
    if svg is not None and (plan or each or table):
        raise LrtcError(
            "--svg draws one graph: leave --plan, --each and --table out; --after PASS chooses another graph"
        )
    opened = opened_model(model, name)
    hardware = Hardware(fold, cycles, fps, clock, luts, brams, device, lanes_in, style=style, stages=stages)
    options = target_options(target, OutputKind.logits, hardware)
    if hardware.given and not plan:
        raise LrtcError(f"{', '.join(hardware.given)}: only --plan has this option")
    if plan and target == "verilog":
        print_plan(compile(opened, target, **options).plan)
        return
    if plan:
        on = None if tuned else core or "cortex-m4"
        result, chosen = choose(opened, on, tuned, optimize, flash, ram, constant_time)
        for line in (*chosen.lines(), result.plan.arena.text):
            print_line(line)
        return
    steps = [("frontend", opened.graph, saved_text(None, opened.graph))]
    run_pipeline(opened.graph, target, lambda p, g: steps.append((p.name, g, saved_text(steps[-1][1], g))))
    if after is not None:
        steps = [step for step in steps if step[0] == after]
    elif not each:
        steps = steps[-1:]
    if svg is not None:
        from lrtc.report.pictures import alone, graph_svg
        from lrtc.wholefile import write_whole

        write_whole(svg, alone(graph_svg(steps[-1][1])).encode())
        print_line(f"wrote {svg}")
        print_notes(opened.notes)
        return
    for step, graph, saved in steps:
        if len(steps) > 1:
            out.print(f"// after {step}: {saved}", style="dim", highlight=False)
        out.print(layer_table(graph) if table else to_text(graph), markup=False, highlight=False, soft_wrap=True)
    print_notes(opened.notes)
