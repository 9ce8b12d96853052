"""The programs that put firmware into a board: which suit it, the exact command, what to install."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lrtc.boards import PROGRAMMERS, Board
from lrtc.boards.fpga import FpgaBoard
from lrtc.check.toolchain import Tool, run_tool, which
from lrtc.errors import LrtcError, ToolMissing, nearest

SECONDS = 300
GET = {
    "pyocd": "`pip install pyocd`",
    "openocd": "`apt-get install openocd`",
    "picotool": "https://github.com/raspberrypi/picotool",
    "esptool": "`pip install esptool`",
    "avrdude": "`apt-get install avrdude`",
    "bossac": "`apt-get install bossa-cli`",
    "openfpgaloader": "`apt-get install openfpgaloader`",
    "iceprog": "`apt-get install fpga-icestorm`",
}
PROGRAMS = {name: (name,) for name in PROGRAMMERS} | {
    "esptool": ("esptool", "esptool.py"), "openfpgaloader": ("openFPGALoader",), "iceprog": ("iceprog",),
}  # fmt: skip
NEED_PORT = ("avrdude",)


@dataclass(frozen=True)
class Command:
    """A programmer's command line, to be run in the folder of the firmware. tool: None where it is not installed."""

    programmer: str
    argv: tuple[str, ...]
    tool: Tool | None

    def text(self, folder: Path) -> str:
        """Return the command as a shell takes it."""
        return f"cd {shlex.quote(str(folder))} && {shlex.join(self.argv)}"


def programmer_command(board: Board, name: str, port: str | None, programmer: str | None) -> Command:
    """Return the command of the programmer asked for, else of the first of the board's that is installed.

    Where none is, the board's first. LrtcError if the board cannot be programmed so.
    """
    if not board.programmers:
        raise LrtcError(f"{board.name} has no programmer in its board file")
    if programmer is not None and programmer not in board.programmers:
        has = ", ".join(board.programmers)
        raise LrtcError(f"--programmer {programmer}: {board.name} takes {has}{nearest(programmer, board.programmers)}")
    names = [programmer] if programmer else list(board.programmers)
    commands = [_command(board, each, name, port) for each in names]
    command = next((c for c in commands if c.tool), commands[0])
    if command.programmer in NEED_PORT and not port:
        raise LrtcError(
            f"{command.programmer} needs the serial port of {board.name}", hint="--port, for example /dev/ttyACM0"
        )
    return command


def bitstream_command(board: FpgaBoard, image: str, programmer: str | None) -> Command:
    """Return the command that puts a bitstream into an FPGA board: of the programmer asked for, else of the first of
    the board's that is installed, else of the first. LrtcError if the board has no such programmer.
    """
    if programmer is not None and programmer not in board.programmers:
        has = ", ".join(board.programmers)
        raise LrtcError(f"--programmer {programmer}: {board.name} takes {has}{nearest(programmer, board.programmers)}")
    commands = []
    for name in [programmer] if programmer else [*board.programmers]:
        own = ("-b", board.programmers[name]["board"]) if name == "openfpgaloader" else ()
        program = PROGRAMS[name][0]
        commands.append(Command(name, (program, *own, image), which(program)))
    if not commands:
        raise LrtcError(f"{board.name} has no programmer in its board file")
    return next((command for command in commands if command.tool), commands[0])


def _command(board: Board, programmer: str, name: str, port: str | None) -> Command:
    tool = next((found for program in PROGRAMS[programmer] if (found := which(program))), None)
    arguments = _arguments(board, programmer, name, port)
    return Command(programmer, (tool.name if tool else programmer, *arguments), tool)


def _arguments(board: Board, programmer: str, name: str, port: str | None) -> Iterator[str]:
    fields = board.programmers[programmer]
    if programmer == "pyocd":
        yield from ("load", "--target", str(fields["target"]), f"{name}.elf")
    elif programmer == "openocd":
        for script in fields["config"]:
            yield from ("-f", script)
        yield from ("-c", f"program {name}.elf verify reset exit")
    elif programmer == "picotool":
        yield from ("load", "-x", f"{name}.uf2")
    elif programmer == "esptool":
        yield from ("--chip", str(fields["chip"]), *(("--port", port) if port else ()))
        yield from ("write_flash", "0x0", f"{name}.bin")
    elif programmer == "avrdude":
        yield from ("-p", str(fields["part"]), "-c", str(fields["programmer"]), "-P", port or "PORT")
        yield from ("-b", str(fields["baud"]), "-D", "-U", f"flash:w:{name}.hex:i")
    else:
        yield from ((f"--port={port}",) if port else ())
        yield from ("-U", "-i", "-e", "-w", f"{name}.bin", "-R")


def run_programmer(command: Command, folder: Path) -> str:
    """Run a programmer in the firmware's folder and return what it said; ToolMissing, LrtcError if that fails."""
    if command.tool is None:
        raise ToolMissing(
            f"the programmer {command.programmer} is not installed",
            hint=f"{GET[command.programmer]}, then run: {command.text(folder)}",
        )
    done = run_tool([command.tool.path, *command.argv[1:]], folder, f"programming with {command.programmer}", SECONDS)
    if done.status != 0:
        said = "\n  ".join(done.output.strip().splitlines()[-20:])
        raise LrtcError(f"{command.programmer} ended with status {done.status}\n  {said}", hint=command.text(folder))
    return done.output
