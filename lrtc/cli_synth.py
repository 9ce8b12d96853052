"""lrtc synth: a network on an FPGA, from the model to the bitstream."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrtc.asked import Hardware, OutputKind
from lrtc.cli_manners import among, fpga_boards, parts
from lrtc.cli_options import opened_model
from lrtc.cli_rtl import Brams, Cycles, Fold, Fps, Lanes, Luts, Output, Stages, Style
from lrtc.errors import LrtcError
from lrtc.terminal import out, print_json, print_line, print_notes, working

if TYPE_CHECKING:
    from lrtc.synthesis import Synthesized


def synth(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="a model.pt written by lrtc.save, or an .onnx file")],
    device: Annotated[
        str | None, typer.Option("--device", help="ice40-up5k, ecp5-25k, xc7z020, …", autocompletion=among(parts))
    ] = None,
    board: Annotated[
        str | None,
        typer.Option(
            "--board", "-b", help="icebreaker, ulx3s or tangnano9k: its pins", autocompletion=among(fpga_boards)
        ),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--output-dir", "-o", help="folder to write; default: build/NAME-DEVICE")
    ] = None,
    fold: Fold = None,
    cycles: Cycles = None,
    fps: Fps = None,
    luts: Luts = None,
    brams: Brams = None,
    lanes_in: Lanes = None,
    output: Output = OutputKind.logits,
    style: Style = None,
    stages: Stages = None,
    count: Annotated[
        bool, typer.Option("--count", help="map only: no top of a board, no placing, no bitstream")
    ] = False,
    clock: Annotated[
        str | None, typer.Option("--clock", help="to place and route for, and of --fps; default: the board's")
    ] = None,
    link: Annotated[str, typer.Option("--link", help="how images come: uart or spi")] = "uart",
    seed: Annotated[int, typer.Option("--seed", help="of placement", min=0)] = 1,
    name: Annotated[str | None, typer.Option("--name", help="name of the modules and files; default: the stem")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON for machines")] = False,
) -> None:
    """Map MODEL to an FPGA with Yosys and nextpnr: cells of each layer, Fmax, images a second, a bitstream.

    Around the network stands a serial line, or SPI: an image in, its class out. 7-series and Cyclone V are mapped only,
    and get a script for their maker's tool.

    Examples: lrtc synth model.pt --device ice40-up5k --cycles 12000
              lrtc synth model.pt --board icebreaker --cycles 12000
    """
    from lrtc.check.fpga import part_named
    from lrtc.output import check_folder
    from lrtc.report.costs import hertz
    from lrtc.report.synthesis import area_table, lines, report_json, write_synthesized
    from lrtc.synthesis import chosen_device

    opened = opened_model(model, name)
    chosen, part = chosen_device(device, board)
    folder = folder or Path("build") / f"{opened.name}-{board or part}"
    check_folder(folder)
    hz = round(hertz(clock)) if clock else chosen.clock_hz if chosen else part_named(part).hz
    options = Hardware(
        fold,
        cycles,
        fps,
        f"{hz / 1e6:.6f}MHz" if fps else None,
        luts,
        brams,
        lanes=lanes_in,
        style=style,
        stages=stages,
    )
    made = made_with_progress(opened, part, chosen, not count, hz, seed, {**options.options(output), "link": link})
    written = write_synthesized(made, folder)
    if as_json:
        print_json({**report_json(made), "folder": str(folder), "files": written})
        return
    out.print(area_table(made))
    for line in lines(made):
        print_line(line)
    print_notes(made.result.notes)
    print_line(f"wrote {len(written)} files to {folder}")


def made_with_progress(opened, device, board, place, clock, seed, options) -> Synthesized:
    """Return the synthesised network, saying on the terminal what is being done."""
    from lrtc.synthesis import synthesize_model

    with working("") as progress:
        task = progress.add_task("")
        return synthesize_model(
            opened, device, board, place, clock, seed,
            lambda text: progress.update(task, description=text), **options,
        )  # fmt: skip


def flash_fpga(
    model: Path, board: str, programmer: str | None, dry_run: bool, folder: Path | None, name: str | None, as_json: bool
) -> None:
    """Program an FPGA board with the bitstream in a folder of `lrtc synth`, or with one made of a model."""
    from lrtc.boards.fpga import fpga_named
    from lrtc.check.programmers import bitstream_command, run_programmer
    from lrtc.output import check_folder
    from lrtc.report.synthesis import lines, report_json, write_synthesized
    from lrtc.synthesis import bitstream_in

    chosen, report = fpga_named(board), {}
    if os.path.isdir(model):
        if folder or name:
            raise LrtcError("--output-dir and --name go with a model; a folder has its bitstream and its name")
        folder, image = model, bitstream_in(model, chosen)
    else:
        opened = opened_model(model, name)
        folder = folder or Path("build") / f"{opened.name}-{board}"
        check_folder(folder)
        made = made_with_progress(opened, chosen.device, chosen, True, None, 1, {})
        report, written = report_json(made), write_synthesized(made, folder)
        if made.synthesis.fmax is not None and made.synthesis.fmax < chosen.clock_hz:
            raise LrtcError(lines(made)[-1], hint=f"`lrtc synth MODEL --board {board} --seed N`, or a smaller --fold")
        image = next(iter(made.synthesis.images))
        if not as_json:
            for line in (*lines(made), f"wrote {len(written)} files to {folder}"):
                print_line(line)
    command = bitstream_command(chosen, image, programmer)
    report |= {"board": board, "folder": str(folder), "image": image}
    report |= {"command": command.text(folder), "installed": command.tool is not None}
    if not as_json:
        print_line(command.text(folder))
    if not dry_run:
        with working(command.programmer):
            report["output"] = run_programmer(command, folder)
    if as_json:
        print_json(report)
