"""A compiled network as the program of a board: main, console, start-up, linker script, Makefile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lrtc.backends.c.comments import comment_text
from lrtc.backends.c.emit import environment, tidy
from lrtc.boards import Board, Direction, Memory, Step
from lrtc.errors import LrtcError, nearest
from lrtc.resources import share

PROGRAMS = ("self-test", "classify")
CFLAGS = ("-O2", "-ffunction-sections", "-fdata-sections", "-I.")
FREESTANDING = ("-std=c99", "-ffreestanding")
HOSTED = ("-std=gnu99",)  # an AVR's flash is an address space of GNU C
LDFLAGS = ("-Wl,--gc-sections",)
BARE = ("-nostdlib", "-T", "link.ld")
_WAITS = {"set": "==", "clear": "!="}


@dataclass(frozen=True)
class Register:
    """What the template of a board writes for one direction of its UART, numbers as C."""

    data: str
    status: str
    mask: str
    waits: str
    event: bool


@dataclass(frozen=True)
class Access:
    """One step of a set-up, numbers as C."""

    action: str
    address: str
    value: str


@dataclass(frozen=True)
class Region:
    """A memory, numbers as a linker script has them."""

    origin: str
    size: str


@dataclass(frozen=True)
class BoardView:
    """A board as the templates see it."""

    title: str
    chip: str
    boot: str
    console: str
    word: str
    init: tuple[Access, ...]
    uart: bool
    pins: str
    baud: int
    send: Register | None
    receive: Register | None
    flash: Region
    ram: Region
    stack: int


@dataclass(frozen=True)
class ProgramView:
    """A program as the templates see it. symbol: what its functions begin with; sections: of hw/c/mcu/link.ld.

    context: the network is called with one; report: its self-test says what differs; profile: layers are timed.
    """

    name: str
    symbol: str
    rom: str
    say: str
    upper: str
    board: str
    program: str
    context: bool
    report: bool
    profile: bool
    sections: str
    compiler: str
    objcopy: str
    cflags: str
    ldflags: str
    sources: str
    headers: str


@dataclass(frozen=True)
class Project:
    """The files of a program, {path: text}; what a compiler is called with: flags, sources."""

    files: dict[str, str]
    cflags: tuple[str, ...]
    ldflags: tuple[str, ...]
    sources: tuple[str, ...]


def choose_console(board: Board, console: str | None) -> str:
    """Return the console that was asked for, or the board's first; LrtcError if it has no such one."""
    if console is None:
        return board.consoles[0]
    if console not in board.consoles:
        has = ", ".join(board.consoles)
        raise LrtcError(f"--console {console}: {board.name} has {has}{nearest(console, board.consoles)}")
    return console


def project(
    name: str, prefix: str, network: dict[str, str], board: Board, program: str, console: str, compiler: str,
    flags: Sequence[str], profile: bool = False,
) -> Project:  # fmt: skip
    """Return the program of `board` around the network's files; LrtcError if it cannot be written.

    prefix: of the network's symbols. flags: those that choose the core. profile: whether layers are timed.
    """
    header = network[f"{name}.h"]
    symbol = prefix + name
    _check(name, symbol, network, program)
    clock = (f"-DLRTC_PROFILE={_clock(name, network, board)}",) if profile else ()
    texts = share("hw") / "c"
    fixed = {"lrtc_board.h": "firmware/lrtc_board.h"}
    if console != "uart":
        fixed["console.c"] = f"firmware/console_{console}.c"
    if board.boot != "avr":  # avr-libc has the start-up and the linker script of every AVR
        fixed["start.c"] = "mcu/start.c"
    if board.boot == "rp2040":
        fixed["boot2.S"] = "firmware/boot2_rp2040.S"
    taken = [path for path in network if path != f"{name}_test.c" or program == "self-test"]
    files = {path: network[path] for path in taken}
    files |= {path: (texts / source).read_text(encoding="utf-8") for path, source in fixed.items()}
    own = ["main.c", "board.c", *(path for path in fixed if path.endswith((".c", ".S")))]
    sources = (*(path for path in taken if path.endswith(".c")), *own)
    bare = board.boot != "avr"
    cflags = (*flags, *CFLAGS, *clock, *(FREESTANDING if bare else HOSTED))
    ldflags = (*LDFLAGS, *(BARE if bare else ()))
    view = ProgramView(
        name=name, symbol=symbol, rom=(texts / "lrtc_rom.h").read_text(encoding="utf-8"),
        say=(texts / "lrtc_say.h").read_text(encoding="utf-8"), upper=symbol.upper(),
        board=board.name, program=program,
        context=f"{symbol}_context" in header, report=f"{symbol}_selftest_report" in header, profile=profile,
        sections=(texts / "mcu" / "link.ld").read_text(encoding="utf-8"), compiler=compiler,
        objcopy=_objcopy(compiler), cflags=" ".join(cflags), ldflags=" ".join(ldflags), sources=" ".join(sources),
        headers=" ".join(path for path in files if path.endswith(".h")) + (" link.ld" if bare else ""),
    )  # fmt: skip
    made = {"main.c": "main.c.j2", "board.c": "board.c.j2", "Makefile": "Makefile.j2"}
    if bare:
        made["link.ld"] = "link.ld.j2"
    loaded = environment(())
    files |= {
        path: tidy(loaded.get_template(f"firmware/{file}").render(b=board_view(board, console), f=view))
        for path, file in made.items()
    }
    return Project(files, cflags, ldflags, sources)


def _clock(name: str, network: dict[str, str], board: Board) -> int:
    """Return which clock of NAME_profile.h this board has."""
    if f"{name}_profile.h" not in network:
        raise LrtcError(f"{name} was compiled without a profile", hint="compile it with --profile")
    if board.emulated:
        return 4
    if not board.core.startswith("cortex-m"):
        raise LrtcError(f"--profile: no clock is known on {board.name}", hint="define lrtc_ticks() and LRTC_PROFILE=4")
    return 2 if board.core in ("cortex-m0", "cortex-m0plus") else 1


def _objcopy(compiler: str) -> str:
    return compiler.removesuffix("gcc") + "objcopy" if compiler.endswith("gcc") else "llvm-objcopy"


def _check(name: str, symbol: str, network: dict[str, str], program: str) -> None:
    if program not in PROGRAMS:
        known = ", ".join(PROGRAMS)
        raise LrtcError(f"--firmware {program}: no such program{nearest(program, PROGRAMS)}; known: {known}")
    if program == "self-test" and f"{name}_test.c" not in network:
        raise LrtcError(
            f"{name} was compiled without a self-test", hint="compile it with vectors, or --firmware classify"
        )
    header = network[f"{name}.h"]
    if program == "classify" and f"{symbol.upper()}_INPUT_BYTES" not in header:
        raise LrtcError(f"{name} has several inputs; the console carries one", hint="--firmware self-test")
    if program == "classify" and f"{symbol}_classify" not in header:
        raise LrtcError(
            f"{name} has no {symbol}_classify: its outputs are no vector of logits", hint="--firmware self-test"
        )


def board_view(board: Board, console: str) -> BoardView:
    """Return a board with its numbers as text, for one console."""
    uart = board.uart if console == "uart" else None
    return BoardView(
        title=comment_text(board.title), chip=board.chip, boot=board.boot,
        console=console, word="uint8_t" if board.uart and board.uart.width == 8 else "uint32_t",
        init=tuple(_access(step) for step in (*board.init, *(uart.init if uart else ()))), uart=uart is not None,
        pins=comment_text(uart.pins) if uart else "",
        baud=uart.baud if uart else 0, send=_register(uart.send) if uart else None,
        receive=_register(uart.receive) if uart else None, flash=_region(board.flash), ram=_region(board.ram),
        stack=board.stack,
    )  # fmt: skip


def _access(step: Step) -> Access:
    return Access(step.action, f"{step.address:#x}u", f"{step.value:#x}u")


def _register(direction: Direction) -> Register:
    data, status, mask = (f"{n:#x}u" for n in (direction.data, direction.status, direction.mask))
    return Register(data, status, mask, _WAITS[direction.when], direction.event)


def _region(memory: Memory) -> Region:
    return Region(f"{memory.origin:#010x}", f"{memory.size:#x}")
