"""The commands about boards: words and tables only."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from lrtc.cli_manners import among, every_board
from lrtc.cli_synth import flash_fpga
from lrtc.errors import LrtcError, ToolMissing
from lrtc.terminal import out, print_json, print_line, working

if TYPE_CHECKING:
    from lrtc.flashing import Fit, Flashable

Name = Annotated[str | None, typer.Option("--name", help="name of the functions and files; default: the stem")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON for machines")]
Data = Annotated[Path | None, typer.Option("--data", help="take the self-test's vectors from this .npz")]


def boards(
    model: Annotated[
        Path | None, typer.Argument(metavar="[MODEL|DIR]", help="say which boards hold this network")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the boards that lrtc knows; with MODEL, whether it fits each, and what is too big by how much.

    Example: lrtc boards model.pt
    """
    from lrtc.boards import board_named, board_names
    from lrtc.flashing import fits, network_at
    from lrtc.report.boards import board_json, board_table, fit_json, fit_table

    known = [board_named(name) for name in board_names()]
    if model is None:
        if as_json:
            print_json([board_json(board) for board in known])
        else:
            out.print(board_table(known))
        return
    network, _ = network_at(model)
    found: list[Fit] = []
    with working("") as progress:
        task = progress.add_task("")
        for fit in fits(network, known):
            progress.update(task, description=fit.board.name)
            found.append(fit)
    if as_json:
        print_json([fit_json(fit) for fit in found])
    else:
        out.print(fit_table(found))


def flash(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL|DIR", help="a model, or a folder of `lrtc compile -t c` or `lrtc synth`")
    ],
    board: Annotated[
        str,
        typer.Option(
            "--board", "-b", help="a board of `lrtc boards`, or a .toml file", autocompletion=among(every_board)
        ),
    ],
    firmware: Annotated[
        str, typer.Option("--firmware", help="self-test, or classify: bytes in at the console, a class out")
    ] = "self-test",
    console: Annotated[
        str | None, typer.Option("--console", help="uart, rtt or semihosting; default: the board's first")
    ] = None,
    programmer: Annotated[
        str | None, typer.Option("--programmer", help="default: the first of the board's that is installed")
    ] = None,
    port: Annotated[str | None, typer.Option("--port", help="serial port, where the programmer wants one")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="write the files, print the command, run nothing")] = False,
    profile: Annotated[
        bool, typer.Option("--profile", help="time every layer, beside the instructions that an emulator counts")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--output-dir", "-o", help="folder to write; default: build/NAME-BOARD")
    ] = None,
    data: Data = None,
    name: Name = None,
    as_json: AsJson = False,
) -> None:
    """Build firmware, or an FPGA's bitstream, for a board around MODEL and program it; an emulated board runs it.

    Exit status 1 when an emulated self-test fails.

    Examples: lrtc flash model.pt --board emulated-cortex-m4
              lrtc flash model.pt --board nucleo-f446re --dry-run
    """
    from lrtc.boards import board_named
    from lrtc.boards.fpga import fpga_names
    from lrtc.flashing import network_at, prepare, write_firmware
    from lrtc.output import check_folder

    if board in fpga_names():
        if data or profile or port or console or firmware != "self-test":
            raise LrtcError(f"{board} is an FPGA: it takes no data, profile, port, console or firmware")
        flash_fpga(model, board, programmer, dry_run, folder, name, as_json)
        return
    chosen = board_named(board, fpga_names())
    opened, images = network_at(model, name, data, chosen.core if profile else None)
    folder = folder or Path("build") / f"{opened.name}-{chosen.name}"
    check_folder(folder)
    made = prepare(opened, chosen, firmware, console, profile=profile)
    files = write_firmware(made, folder, opened)
    report = {"name": made.network, "board": chosen.name, "folder": str(folder), "files": files}
    if made.built is None:
        raise ToolMissing(
            f"{made.lacking.summary}",
            hint=f"{made.lacking.hint}; the sources are in {folder}, `make` there builds them",
        )
    report |= {"flash": made.built.need.flash, "ram": made.built.need.ram, "stack": made.built.need.stack}
    if not as_json:
        print_line(_size_line(made))
        if made.kernels:
            taken = ", ".join(f"{layer} {kernel}" for layer, kernel in made.kernels.items())
            print_line(f"the default kernels do not fit; slower ones that do: {taken}")
        print_line(f"wrote {len(files)} files to {folder}")
    if chosen.emulated:
        report |= _run(made, images if firmware == "classify" else b"", dry_run, quiet=as_json)
    else:
        report |= _program(made, folder, port, programmer, dry_run, quiet=as_json)
    if as_json:
        print_json(report)
    raise typer.Exit(1 if report.get("status") else 0)


def _size_line(made: Flashable) -> str:
    need, board = made.built.need, made.board
    flash = f"flash {need.flash:,} of {board.flash.size:,} B"
    ram = f"RAM {need.ram:,} + {need.stack:,} of stack of {board.ram.size:,} B"
    return f"{made.network} on {board.name} ({board.core}): {flash}, {ram}"


def _run(made: Flashable, given: bytes, dry_run: bool, quiet: bool) -> dict[str, object]:
    """Run the firmware of an emulated board; return what it printed and how it ended."""
    from lrtc.flashing import emulate

    if dry_run:
        if not quiet:
            print_line(f"the emulator would run {made.network}.elf")
        return {}
    with working(f"{made.board.name}"):
        ran = emulate(made, given)
    if not quiet:
        print_line(ran.output.rstrip("\n"))
    return {"output": ran.output, "status": ran.status}


def _program(
    made: Flashable, folder: Path, port: str | None, programmer: str | None, dry_run: bool, quiet: bool
) -> dict[str, object]:
    """Program a board, or say how; return the command."""
    from lrtc.check.programmers import programmer_command, run_programmer

    command = programmer_command(made.board, made.network, port, programmer)
    report = {"command": command.text(folder), "installed": command.tool is not None}
    if not quiet:
        print_line(command.text(folder))
    if not dry_run:
        with working(f"{command.programmer}"):
            report["output"] = run_programmer(command, folder)
    return report
