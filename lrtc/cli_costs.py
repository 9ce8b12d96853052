"""The commands about costs before flashing: words and tables only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrtc.cli_manners import among, cores, every_board
from lrtc.cli_options import opened_model
from lrtc.errors import LrtcError
from lrtc.terminal import out, print_json, print_line, print_notes, working

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="a model.pt written by lrtc.save, or an .onnx file")]
Name = Annotated[str | None, typer.Option("--name", help="name of the functions and files; default: the stem")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for machines")]
Core = Annotated[
    str | None,
    typer.Option(
        "--core", help="choose the kernels by what they cost on this core, measured here", autocompletion=among(cores)
    ),
]
Tuned = Annotated[Path | None, typer.Option("--tuned", help="a table of `lrtc tune`, instead of measuring now")]
Optimize = Annotated[str | None, typer.Option("--optimize", help="speed (default), flash or ram")]
Flash = Annotated[str | None, typer.Option("--flash", metavar="BYTES", help="flash that the network may take: 64K")]
Ram = Annotated[str | None, typer.Option("--ram", metavar="BYTES", help="static RAM it may take, without the stack")]
Lanes = Annotated[
    int | None, typer.Option("--lanes", help="pixels in a word of pixel-sliced kernels; default: what suits the core")
]
ConstantTime = Annotated[bool, typer.Option("--constant-time", help="no kernel whose time depends on the input")]

if TYPE_CHECKING:
    from lrtc.driver import Model as OpenModel
    from lrtc.driver import Result
    from lrtc.tuning import Chosen


def size(
    model: Model,
    core: Annotated[
        str | None,
        typer.Option(
            "--core", help="cores, comma-separated, or all; default: the boards', or all", autocompletion=among(cores)
        ),
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(
            "--board", help="say whether it fits these boards, comma-separated", autocompletion=among(every_board)
        ),
    ] = None,
    name: Name = None,
    lanes: Lanes = None,
    as_json: AsJson = False,
) -> None:
    """Print the bytes of the compiled network by section, and its worst-case stack, from a real compiler for each core.

    With --board, whether it fits: flash, and RAM with the stack, of the firmware with its self-test that `lrtc flash`
    builds. Exit status 0 if it fits all of them, else 1.

    Examples: lrtc size model.pt --core cortex-m0plus,cortex-m4
              lrtc size model.pt --board nucleo-f446re
    """
    from lrtc.boards import board_named
    from lrtc.check.cores import core_named
    from lrtc.driver import compile
    from lrtc.flashing import fits, network_of
    from lrtc.report.boards import fit_json, fit_table
    from lrtc.report.costs import core_sizes, known_cores, size_json, size_table

    boards = [board_named(one.strip()) for one in board.split(",")] if board else []
    core = core or ",".join(dict.fromkeys(one.core for one in boards)) or "all"
    cores, opened, results, rows = known_cores(core), opened_model(model, name), {}, []
    with working(f"compiling for {len(cores)} cores"):
        for one in cores:
            wide = lanes or core_named(one).lanes
            results[wide] = results.get(wide) or compile(opened, "c", lanes=wide)
            rows += core_sizes(results[wide], [one], must=core != "all" and not boards)
        found = list(fits(network_of(opened), boards)) if boards else []
    if as_json:
        whether = {"boards": [fit_json(fit) for fit in found]} if boards else {}
        print_json({"name": opened.name, "cores": size_json(rows), **whether})
    else:
        out.print(size_table(rows))
        if boards:
            out.print(fit_table(found))
        print_notes(f"{row.core}: {row.why}" for row in rows if row.why)
    raise typer.Exit(0 if all(fit.fits for fit in found) else 1)


def report(
    model: Annotated[Path, typer.Argument(metavar="MODEL|DIR", help="a model, or a folder that `lrtc compile` wrote")],
    core: Annotated[
        str | None, typer.Option("--core", help="the core to emulate; default: cortex-m4", autocompletion=among(cores))
    ] = None,
    board: Annotated[str | None, typer.Option("--board", help="take core, clock and current from this board")] = None,
    data: Annotated[Path | None, typer.Option("--data", help="take the image from this .npz; default: random")] = None,
    clock: Annotated[str | None, typer.Option("--clock", help="print the latency at this clock, e.g. 64MHz")] = None,
    current: Annotated[float | None, typer.Option("--current", help="µA/MHz that the core takes", min=0)] = None,
    supply: Annotated[float | None, typer.Option("--supply", help="volts; for the energy", min=0)] = None,
    cpi: Annotated[
        float | None, typer.Option("--cpi", help="cycles an instruction, measured on your part", min=0.1, max=100)
    ] = None,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="write all about the network into one HTML file")
    ] = None,
    certificate: Annotated[
        Path | None, typer.Option("--certificate", metavar="FILE", help="a certificate.json to show in --html")
    ] = None,
    training: Annotated[
        Path | None, typer.Option("--training", metavar="DIR", help="the folder OUT.run of its training, for --html")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="print all that --html has, as tables, or with --json")] = False,
    name: Name = None,
    lanes: Lanes = None,
    as_json: AsJson = False,
) -> None:
    """Print what one image costs on an emulated core: kernel, instructions, cycles, flash and RAM of each layer.

    With --html also pictures of the network and of RAM, the accelerator's folding, rooflines, weights, and with
    labelled --data accuracy and confusions, in a file that needs no network. Of a folder, what is in it: its files must
    be those that lrtc wrote.

    Examples: lrtc report model.pt --core cortex-m0plus --clock 48MHz
              lrtc report model.pt --data test.npz --html report.html
              lrtc report build/model-verilog
    """
    from lrtc.boards import board_named
    from lrtc.cli import read_images
    from lrtc.cli_html import opened_subject, print_accelerator, print_whole
    from lrtc.report.costs import cost_json, cost_lines, cost_table, hertz
    from lrtc.reporting import CORE, as_c, costs_of, image_of

    clock_hz = hertz(clock) if clock else None
    on = [f"--{what}" for what, given in (("core", core), ("board", board), ("cpi", cpi), ("lanes", lanes)) if given]
    if board:
        found = board_named(board)
        core, clock_hz = core or found.core, clock_hz or found.clock_hz
        if found.current and current is None:
            current, supply = found.current.ua_per_mhz, supply or found.current.volts
    core = core or CORE
    for option, given in (("--certificate", certificate), ("--training", training)):
        if given and not (html or every):
            raise LrtcError(f"{option} goes with --html or --all")
    subject = opened_subject(model, name)
    if subject.holds not in ("", "c") and on:
        raise LrtcError(f"{', '.join(on)}: {model} holds {subject.holds}, no C for a core")
    if html or every:
        print_whole(
            subject, html, every, core, data, as_json, certificate, lanes=lanes, cpi=cpi, clock_hz=clock_hz,
            ua_per_mhz=current, volts=supply, training=training,
        )  # fmt: skip
        return
    if subject.holds not in ("", "c"):
        print_accelerator(subject, as_json)
        return
    raw = read_images(subject.model, data)[0] if data else None
    with working(f"{core}: one image"):
        result = as_c(subject, core, lanes)
        costs = costs_of(result, core, image_of(result, raw), cpi)
    if as_json:
        print_json({"name": result.name, **cost_json(costs, clock_hz, current, supply)})
        return
    out.print(cost_table(costs))
    for line in cost_lines(costs, clock_hz, current, supply):
        print_line(line)


def tune(
    model: Model,
    core: Annotated[str, typer.Option("--core", help="the core to measure on")] = "cortex-m4",
    data: Annotated[Path | None, typer.Option("--data", help="take the image from this .npz; default: random")] = None,
    table: Annotated[
        Path | None, typer.Option("-o", "--output-file", help="the table; default: build/NAME-CORE.tuned.json")
    ] = None,
    name: Name = None,
    lanes: Lanes = None,
) -> None:
    """Measure every kernel that each layer may have on an emulated core; write the table for `lrtc compile --tuned`.

    Example: lrtc tune model.pt --core cortex-m0plus
    """
    from lrtc.cli import read_images
    from lrtc.report.costs import option_table
    from lrtc.tuning import tune, write_text
    from lrtc.wholefile import write_whole

    opened = opened_model(model, name)
    image = opened.quantized(read_images(opened, data, 1)[0]) if data else None
    with working(f"measuring on {core}"):
        found = tune(opened, core, image, lanes)
    table = table or Path("build") / f"{opened.name}-{core}.tuned.json"
    table.parent.mkdir(parents=True, exist_ok=True)
    write_whole(table, write_text(found).encode())
    out.print(option_table(found))
    print_line(f"wrote {table}")


def choose(
    model: OpenModel, core: str | None, tuned: Path | None, optimize: str | None, flash: str | None, ram: str | None,
    constant_time: bool = False, **options: object,
) -> tuple[Result, Chosen] | None:  # fmt: skip
    """Return what `tuning.choose` does, with a spinner."""
    from lrtc import tuning

    with working(f"{core or tuned}: choosing kernels" if core or tuned else "choosing kernels"):
        return tuning.choose(model, core, tuned, optimize, flash, ram, constant_time, **options)
