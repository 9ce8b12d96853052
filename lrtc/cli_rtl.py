"""Options and commands of accelerators: how fast, how large, simulated and explored."""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Annotated

import typer

from lrtc.asked import Hardware, IntegerForm, OutputKind
from lrtc.cli_manners import among, devices
from lrtc.cli_options import opened_model
from lrtc.errors import Fault, LrtcError, shown
from lrtc.terminal import out, print_json, print_line, print_notes, working

Fold = Annotated[
    list[str] | None,
    typer.Option("--fold", help="LAYER=PExSIMD: parallel outputs × inputs; LAYER=wired: weights are wires (Verilog)"),
]
Cycles = Annotated[int | None, typer.Option("--cycles", help="most cycles an image may take (Verilog, HLS)", min=1)]
Fps = Annotated[float | None, typer.Option("--fps", help="images a second, at --clock (Verilog, HLS)", min=0)]
Clock = Annotated[str | None, typer.Option("--clock", help="of the accelerator, for --fps and HLS's scripts: 100MHz")]
Luts = Annotated[int | None, typer.Option("--luts", help="LUTs it may take, by estimate (Verilog, HLS)", min=1)]
Brams = Annotated[float | None, typer.Option("--bram", help="block RAMs it may take, estimated (Verilog, HLS)", min=0)]
DeviceName = Annotated[
    str | None,
    typer.Option("--device", help="plan for an FPGA, all of it", autocompletion=among(devices)),
]
Lanes = Annotated[int | None, typer.Option("--input-lanes", help="elements in an input's beat (Verilog, HLS)", min=1)]
Integers = Annotated[IntegerForm, typer.Option("--integers", help="by bit-planes or as products (Verilog)")]
Style = Annotated[
    str | None,
    typer.Option(
        "--style",
        help="stream: weights in memories; unrolled: as wires, a window a cycle; auto: what takes less, by layer, "
        "the default with --cycles, --fps or an area (Verilog)",
    ),
]
Stages = Annotated[
    int | None, typer.Option("--stages", help="gates between two registers where weights are wires (Verilog)", min=1)
]
Output = Annotated[OutputKind, typer.Option("--output", help="what the accelerator sends (Verilog, HLS)")]
AxiLite = Annotated[
    bool, typer.Option("--axi-lite", help="a top with registers: status, frame counter, hash, reset (Verilog)")
]
Reloadable = Annotated[
    bool, typer.Option("--reloadable", help="and weights, thresholds and scales can be written there (Verilog)")
]
Like = Annotated[
    Path | None,
    typer.Option("--like", metavar="DIR", help="only if it can be loaded into the reloadable accelerator in DIR"),
]


Model = Annotated[Path, typer.Argument(metavar="MODEL", help="a model.pt written by lrtc.save")]
Name = Annotated[str | None, typer.Option("--name", help="name of the functions, modules and files; default: the stem")]
Data = Annotated[
    Path,
    typer.Option("--data", help="an .npz with x (N × the input shape as torch takes it), or each input by name, and y"),
]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for machines")]


def simulate(
    model: Model,
    data: Data,
    images: Annotated[int, typer.Option("--images", help="images to send", min=1)] = 20,
    waves: Annotated[Path | None, typer.Option("--waves", help="write a waveform of the idle run to this file")] = None,
    wave_svg: Annotated[
        Path | None, typer.Option("--wave-svg", metavar="FILE", help="draw the first frame through every stream")
    ] = None,
    fast: Annotated[bool, typer.Option("--fast", help="a compiled driver instead of cocotb, for many images")] = False,
    hostile: Annotated[
        int | None, typer.Option("--hostile", metavar="CYCLES", help="go on so long, hostile stalls and resets", min=1)
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="of the stalls")] = 0,
    junit: Annotated[Path | None, typer.Option("--junit", help="write the runs as JUnit XML to this file")] = None,
    name: Name = None,
    fold: Fold = None,
    cycles: Cycles = None,
    fps: Fps = None,
    clock: Clock = None,
    luts: Luts = None,
    brams: Brams = None,
    device: DeviceName = None,
    lanes_in: Lanes = None,
    integers: Integers = IntegerForm.auto,
    style: Style = None,
    stages: Stages = None,
    output: Output = OutputKind.logits,
    as_json: AsJson = False,
) -> None:
    """Simulate the accelerator in Verilator, idle and under random stalls, against the interpreter.

    Exit status 0 when every value agrees, else 1.

    Examples: lrtc simulate model.pt --data digits.npz --waves net.vcd
              lrtc simulate model.pt --data digits.npz --images 2 --wave-svg frame.svg
              lrtc simulate model.pt --data digits.npz --hostile 1000000
    """
    from lrtc.chain import Chain
    from lrtc.cli import read_images
    from lrtc.report.junit import write_junit
    from lrtc.report.tables import verdict_table, verdicts_json
    from lrtc.simulating import simulated

    if (waves or wave_svg) and fast:
        raise LrtcError("--fast writes no waveform; leave --fast, or --waves and --wave-svg out")
    if waves and wave_svg and waves.suffix != ".vcd":
        raise LrtcError(f"--wave-svg draws from a .vcd: name --waves {waves.with_suffix('.vcd')}")
    scratch = tempfile.TemporaryDirectory(prefix="lrtc-") if wave_svg and not waves else None
    traced = Path(scratch.name) / "frame.vcd" if scratch else waves
    opened = opened_model(model, name)
    raw, y = read_images(opened, data, images)
    hardware = Hardware(fold, cycles, fps, clock, luts, brams, device, lanes_in, integers, style, stages)
    chain = Chain(opened, traced, **hardware.options(output))
    with working(f"Verilator: up to {images} images, idle and with stalls"):
        verdicts = list(simulated(chain, raw, y, images, fast, hostile or 0, seed))
    if wave_svg:
        draw_frame(traced, chain.compiled("verilog"), wave_svg)
    if junit:
        write_junit(junit, f"lrtc simulate {opened.name}", verdicts)
    if as_json:
        print_json(
            {"model": opened.name, "plan": plan_json(chain.compiled("verilog").plan), "runs": verdicts_json(verdicts)}
        )
    else:
        print_plan(chain.compiled("verilog").plan)
        out.print(verdict_table(verdicts))
        if waves:
            out.print(f"waveform: {verdicts[0].figures.get('waves')}", highlight=False, soft_wrap=True)
        if wave_svg:
            print_line(f"wrote {wave_svg}")
    raise typer.Exit(0 if all(v.equal for v in verdicts) else 1)


def draw_frame(trace: Path, result, picture: Path) -> None:
    """Write the picture of the first frame in a trace."""
    from lrtc.check.simulate import output_beats
    from lrtc.report.pictures import alone
    from lrtc.report.waves import frame_svg, in_order, read_frame
    from lrtc.wholefile import write_whole

    with trace.open(encoding="ascii", errors="replace") as lines:
        streams = in_order(read_frame(lines, result.name, output_beats(result.files, result.name)))
    write_whole(picture, alone(frame_svg(streams, f"one frame through {result.name}")).encode())


def check_like(folder: Path, result) -> None:
    """Raise LrtcError unless what the result lists can be loaded into the reloadable accelerator in a folder."""
    from lrtc.backends.verilog.reload import differences

    ours = json.loads(result.files.get(f"{result.name}_reload.json", "null"))
    if ours is None:
        raise LrtcError("--like goes with --reloadable")
    where, found = shown(str(folder), 200), sorted(folder.glob("*_reload.json"))
    try:
        theirs = json.loads(found[0].read_text(encoding="utf-8"))
        unlike = differences(theirs, ours)
    except (IndexError, OSError, ValueError, KeyError, TypeError, RecursionError):
        raise LrtcError(
            f"{where} holds no reloadable accelerator", hint="`lrtc compile --reloadable` makes one"
        ) from None
    if unlike:
        faults = [Fault(*text.split(": ", 1)) if ": " in text else Fault("network", text) for text in unlike]
        hint = "the same shapes of layers, and the same options of folding, are needed"
        raise LrtcError(f"{result.name} cannot be loaded into the accelerator in {where}", faults, hint)


def print_plan(plan: object) -> None:
    """Print a backend's plan, in the words that it gives itself."""
    lines = getattr(plan, "lines", None)
    for line in lines() if callable(lines) else ():
        print_line(line)


def plan_json(plan: object) -> object:
    """Return a plan as plain data."""
    return json.loads(json.dumps(asdict(plan), default=str)) if is_dataclass(plan) else None


def explore(
    model: Model,
    points: Annotated[int, typer.Option("--points", help="plans to try", min=1, max=200)] = 16,
    clock: Annotated[str, typer.Option("--clock", help="for images a second")] = "100MHz",
    luts: Luts = None,
    brams: Brams = None,
    device: DeviceName = None,
    lanes_in: Lanes = None,
    picture: Annotated[
        Path | None, typer.Option("--plot", "-o", help="the picture, .png or .svg; default: build/NAME-explore.png")
    ] = None,
    style: Annotated[
        str, typer.Option("--style", help="auto: weights may be wires, where that is smaller; stream: in memories")
    ] = "auto",
    jobs: Annotated[int | None, typer.Option("--jobs", "-j", help="processes; default: all processors", min=1)] = None,
    dask: Annotated[str | None, typer.Option("--dask", metavar="ADDRESS", help="plan on this Dask cluster")] = None,
    name: Name = None,
    as_json: AsJson = False,
) -> None:
    """Plan the accelerator from its fastest to its smallest; print and draw estimated area against throughput.

    Example: lrtc explore model.pt --clock 100MHz -o area.png
    """
    from lrtc.exploring import explore as plans
    from lrtc.report.costs import hertz
    from lrtc.report.explored import check_picture, draw, explored_json, explored_table

    clock_hz = hertz(clock)
    opened = opened_model(model, name)
    picture = picture or Path("build") / f"{opened.name}-explore.png"
    check_picture(picture)
    budget = Hardware(luts=luts, brams=brams, device=device).options().get("budget")
    with working("") as progress:
        task = progress.add_task("starting")

        def step(done: int, every: int) -> None:
            progress.update(task, description=f"{done} of {every} plans")

        found = plans(opened, points, budget, lanes_in or 1, jobs, dask, step, style)
    if all(p.why for p in found):
        raise LrtcError(f"no plan was possible: {found[-1].why}")
    draw(found, clock_hz, opened.name, picture)
    if as_json:
        print_json({"model": opened.name, "clock_hz": clock_hz, "plot": str(picture),
                    "plans": explored_json(found, clock_hz)})  # fmt: skip
        return
    out.print(explored_table(found, clock_hz))
    left = sum(bool(p.why) for p in found)
    print_notes([f"{left} of {points} candidates fit no plan"] if left else [])
    print_line(f"wrote {picture}; * = no other plan is as fast with as few LUTs and block RAMs")
