"""Firmware of a board: built, measured against its memories, run where the board is an emulator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from lrtc.boards import Board, Memory
from lrtc.check.cores import core_named
from lrtc.check.firmware import Firmware, read_firmware, tables_beyond, too_large
from lrtc.check.images import Segment, segments_of
from lrtc.check.stack import deepest
from lrtc.check.toolchain import Tool, compile_c, compiler_for, write_files
from lrtc.errors import DoesNotFit, Fault, LrtcError

STARTUP_FRAMES = 32  # bytes of stack, at most, that start-up holds when it calls main
AVR_FRAMES = 4  # an AVR's only has the return address
ROOM = 12 << 20  # bytes of either memory, in the link that only measures what does not fit
AVR_ROOM = (("TEXT", 1 << 23), ("DATA", 1 << 16))
OVERFLOW = (  # what linkers say
    "overflowed by",
    "for the stack",
    "will not fit in region",
    "is not within region",
    "FLASH overflowed",
)


@dataclass(frozen=True)
class Need:
    """Bytes that a program takes: flash, static RAM, stack: the deepest, or what the board keeps if that is more."""

    flash: int
    ram: int
    stack: int


@dataclass(frozen=True)
class Built:
    """A program of a board: as linked, its parts, what it takes."""

    firmware: Firmware
    segments: tuple[Segment, ...]
    need: Need


def compiler_of(board: Board) -> tuple[Tool, tuple[str, ...]]:
    """Return the compiler for a board that is on this machine, and the flags that choose its core; or ToolMissing."""
    tool, flags = compiler_for(core_named(board.core))
    return tool, core_flags(board, tuple(flags))


def core_flags(board: Board, flags: tuple[str, ...]) -> tuple[str, ...]:
    """Return a core's flags for this chip: an AVR compiler takes the part, not the core."""
    return (f"-mmcu={board.chip.lower()}",) if board.boot == "avr" else flags


def compile_sources(
    files: dict[str, str], sources: Sequence[str], flags: Sequence[str], tool: Tool, board: Board, folder: Path
) -> dict[str, Path]:
    """Return {source: its object}, compiled in `folder`, where all the files are written; or BoardTooSmall."""
    write_files(files, folder)
    objects = {source: folder / Path(source).with_suffix(".o") for source in sources}
    for source, path in objects.items():
        arguments = [*flags, "-fstack-usage", "-c", source, "-o", path.name]
        try:
            compile_c(tool, arguments, folder, f"compiling {source}")
        except LrtcError as error:
            if said := too_large(str(error), core_named(board.core)):
                least = Need(int(said.split(" ", 1)[0].replace(",", "")) if said[0].isdigit() else 0, 0, 0)
                raise BoardTooSmall(board, least, [Fault("flash", said)]) from None
            raise
    return objects


def build(
    files: dict[str, str], objects: dict[str, Path], arguments: Sequence[str], tool: Tool, board: Board, folder: Path
) -> Built:
    """Return the program linked in `folder`; LrtcError says what does not fit, and by how many bytes.

    objects: source → what it was compiled to. arguments: of the compiler, for linking.
    """
    write_files(files, folder)
    stack = max(board.stack, _stack(objects, board))
    arguments = [*arguments, *map(str, objects.values())]
    try:
        firmware = _link(arguments, tool, board, folder)
    except LrtcError as error:
        if not any(words in str(error) for words in OVERFLOW):
            raise
        check_fit(_measure(files, arguments, tool, board, stack, folder), board)
        raise
    built = Built(firmware, segments_of(firmware), need_of(segments_of(firmware), board, stack))
    check_fit(built.need, board)
    if beyond := tables_beyond(firmware):
        raise BoardTooSmall(board, built.need, [Fault("flash", beyond)])
    return built


def _stack(objects: dict[str, Path], board: Board) -> int:
    """Return the deepest stack from reset on: start-up, main and what it calls, and a character that is sent there.

    A compiler that does not say how deep functions are leaves only what the board keeps.
    """
    paths = [path for source, path in objects.items() if source.endswith(".c")]
    core = core_named(board.core)
    found = [deepest(paths, [root], core) for root in ("main", "lrtc_put")]
    return sum(stack.bytes for stack in found if stack) + (AVR_FRAMES if board.boot == "avr" else STARTUP_FRAMES)


def _link(arguments: Sequence[str], tool: Tool, board: Board, folder: Path) -> Firmware:
    compile_c(tool, [*arguments, "-o", "firmware.elf"], folder, f"linking for {board.name}")
    return read_firmware((folder / "firmware.elf").read_bytes(), board.core)


def _measure(
    files: dict[str, str], arguments: Sequence[str], tool: Tool, board: Board, stack: int, folder: Path
) -> Need:
    """Return what a program takes that does not fit: linked once more, into larger memories."""
    roomy = replace(board, flash=Memory(board.flash.origin, ROOM), ram=Memory(board.ram.origin, ROOM))
    if board.boot == "avr":
        arguments = [*arguments, *(f"-Wl,--defsym=__{name}_REGION_LENGTH__={size}" for name, size in AVR_ROOM)]
    else:
        write_files({"link.ld": resized(files["link.ld"], board, roomy)}, folder)
    return need_of(segments_of(_link(arguments, tool, board, folder)), roomy, stack)


def resized(script: str, board: Board, larger: Board) -> str:
    """Return a linker script with the memories of another board of the same origins."""
    for old, new in ((board.flash, larger.flash), (board.ram, larger.ram)):
        head = f"ORIGIN = {old.origin:#010x}, LENGTH = "
        script = script.replace(f"{head}{old.size:#x}", f"{head}{new.size:#x}")
    return script


def need_of(segments: tuple[Segment, ...], board: Board, stack: int) -> Need:
    """Return what a program takes of a board's memories."""
    stored = [s for s in segments if s.contents]
    flash = max(s.load + len(s.contents) for s in stored) - board.flash.origin
    in_ram = [s.run + s.size for s in segments if board.ram.origin <= s.run < board.ram.end]
    return Need(flash, max(in_ram, default=board.ram.origin) - board.ram.origin, stack)


def misfits(need: Need, board: Board) -> list[Fault]:
    """Return what is too big for a board, and by how many bytes; empty if it fits."""
    found = []
    if (over := need.flash - board.flash.size) > 0:
        found.append(Fault("flash", f"{need.flash:,} bytes needed, {board.flash.size:,} there: {over:,} too many"))
    if (over := need.ram + need.stack - board.ram.size) > 0:
        what = f"{need.ram:,} bytes and {need.stack:,} of stack needed"
        found.append(Fault("RAM", f"{what}, {board.ram.size:,} there: {over:,} too many"))
    return found


class BoardTooSmall(DoesNotFit):
    """A program does not fit a board. need: what it takes."""

    def __init__(self, board: Board, need: Need, faults: Sequence[Fault]) -> None:
        hint = "`lrtc boards MODEL` says which boards hold it"
        super().__init__(f"the network does not fit {board.name}", list(faults), hint)
        self.need = need


def check_fit(need: Need, board: Board) -> None:
    """Raise BoardTooSmall if a program that takes this does not fit."""
    if found := misfits(need, board):
        raise BoardTooSmall(board, need, found)
