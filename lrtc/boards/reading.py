"""Board files: TOML → Board. They are data: checked whole, and nothing in them reaches a shell or C unchecked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from lrtc.boards.board import ACTIONS, BOOTS, Board, Current, Direction, Memory, Step, Uart
from lrtc.boards.fields import Fields
from lrtc.errors import FaultList, LrtcError, nearest, shown

try:
    import tomllib
except ModuleNotFoundError:  # Python 3.10
    import tomli as tomllib

NAME = r"[a-z0-9][a-z0-9-]{0,39}"
WORD = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,59}"
CONFIG = r"(board|interface|target)/[a-z0-9_-]{1,60}\.cfg"  # of OpenOCD's own scripts
LARGEST_FILE = 64 * 1024
FOUR_GIB = 1 << 32
DEFAULT_STACK = 1024

# programmer → the texts that a board file gives for it, field → pattern
PROGRAMMERS: Mapping[str, Mapping[str, str]] = {
    "pyocd": {"target": WORD},
    "openocd": {},  # config: a list, read apart
    "picotool": {},
    "esptool": {"chip": WORD},
    "avrdude": {"part": WORD, "programmer": WORD},
    "bossac": {},
}


def board_names() -> tuple[str, ...]:
    """Return the boards that come with lrtc, emulated ones last."""
    names = sorted(path.stem for path in _folder().glob("*.toml"))
    return tuple(sorted(names, key=lambda name: name.startswith("emulated-")))


def board_named(name: str, others: tuple[str, ...] = ()) -> Board:
    """Return a board that comes with lrtc, or the one of a TOML file; LrtcError names the nearest known one.

    others: names that are known too, where the message is read.
    """
    if name.endswith(".toml"):
        return read_board(Path(name))
    if name not in board_names():
        names = (*board_names(), *others)
        raise LrtcError(
            f"no board {shown(name)!r}{nearest(name, names)}; known: {', '.join(names)}",
            hint="`lrtc boards` lists them; --board FILE.toml takes one of your own",
        )
    return read_board(_folder() / f"{name}.toml")


def read_board(path: Path) -> Board:
    """Return the board of a file; its name is the file's stem. LrtcError names every fault."""
    table = read_table(path)
    return parse_board(path.stem, table, shown(str(path), 200))


def read_table(path: Path) -> object:
    """Return what a TOML file of a board holds; LrtcError if it is none."""
    where = shown(str(path), 200)
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise LrtcError(f"{where} cannot be read: {error.strerror}") from None
    if len(data) > LARGEST_FILE:
        raise LrtcError(f"{where}: a board file has at most {LARGEST_FILE} bytes")
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise LrtcError(f"{where} is no TOML: {shown(str(error), 200)}") from None
    if not re.fullmatch(NAME, path.stem, re.ASCII):
        raise LrtcError(f"{where}: the file's name is the board's: small letters, digits and - ({NAME})")
    return table


def parse_board(name: str, table: object, where: str) -> Board:
    """Return the board of a parsed file."""
    faults = FaultList()
    top = Fields(table, "", faults)
    board = Board(
        name=name,
        title=top.text("title"),
        chip=top.text("chip", WORD),
        core=top.text("core", WORD),
        boot=top.one_of("boot", BOOTS, "cortex-m"),
        clock_hz=top.number("clock_hz", 1, 10**10),
        flash=_memory(top, "flash"),
        ram=_memory(top, "ram"),
        stack=top.number("stack", 64, FOUR_GIB, DEFAULT_STACK),
        emulated=top.flag("emulated"),
        init=_steps(top, "init", 32, needed=False),
        programmers=_programmers(top),
        uf2=top.number("uf2", 0, FOUR_GIB - 1, -1),
        uart=_uart(top),
        current=_current(top),
        note=top.text("note", needed=False),
    )
    top.finish()
    _check(board, faults)
    faults.check(f"{where}: {{n}}")
    return board if board.uf2 >= 0 else Board(**{**vars(board), "uf2": None})


def _check(board: Board, faults: FaultList) -> None:
    flash, ram = board.flash, board.ram
    if board.boot != "avr" and flash.origin < ram.end and ram.origin < flash.end:  # an AVR has two address spaces
        faults.add("ram", "it overlaps flash")
    if board.stack >= ram.size:
        faults.add("stack", f"{board.stack} bytes are not below the RAM's {ram.size}")
    if not board.consoles:
        faults.add("uart", f"missing: a {board.core} has no other way to say something")


def _memory(top: Fields, name: str) -> Memory:
    fields = top.inner(name)
    if fields is None:
        return Memory(0, 1)
    memory = Memory(fields.number("origin", 0, FOUR_GIB - 4), fields.number("size", 256, FOUR_GIB))
    if memory.end > FOUR_GIB or memory.origin % 4 or memory.size % 4:
        top.faults.add(name, "origin and size are multiples of 4, and it ends within 32 bits")
    fields.finish()
    return memory


def _steps(fields: Fields, name: str, width: int, needed: bool) -> tuple[Step, ...]:
    found = []
    for i, item in enumerate(fields.items(name, needed)):
        where = f"{fields.where}.{name}[{i}]".lstrip(".")
        row = item if isinstance(item, list) and len(item) == 3 else [item, None, None]
        inner = Fields(dict(zip(("action", "address", "value"), row, strict=True)), where, fields.faults)
        address = inner.number("address", 0, FOUR_GIB - width // 8)
        if address % (width // 8):
            fields.faults.add(where, f"{address:#x} is no address of {width} bits")
        found.append(Step(inner.one_of("action", ACTIONS), address, inner.number("value", 0, (1 << width) - 1)))
    return tuple(found)


def _uart(top: Fields) -> Uart | None:
    fields = top.inner("uart", needed=False)
    if fields is None:
        return None
    width = fields.number("width", 8, 32, 32)
    if width not in (8, 32):
        top.faults.add("uart.width", f"{width} is neither 8 nor 32")
        width = 32
    uart = Uart(
        pins=fields.text("pins"),
        baud=fields.number("baud", 300, 10_000_000),
        width=width,
        init=_steps(fields, "init", width, needed=False),
        send=_direction(fields, "send", width),
        receive=_direction(fields, "receive", width),
    )
    fields.finish()
    return uart


def _direction(uart: Fields, name: str, width: int) -> Direction:
    fields = uart.inner(name)
    if fields is None:
        return Direction(0, 0, 1, "set", False)
    last = FOUR_GIB - width // 8
    direction = Direction(
        data=fields.number("data", 0, last),
        status=fields.number("status", 0, last),
        mask=fields.number("mask", 1, (1 << width) - 1),
        when=fields.one_of("when", ("set", "clear"), "set"),
        event=fields.flag("event"),
    )
    if direction.data % (width // 8) or direction.status % (width // 8):
        uart.faults.add(fields.where, f"an address is none of {width} bits")
    fields.finish()
    return direction


def _programmers(top: Fields) -> dict[str, dict[str, object]]:
    table = top.inner("programmers", needed=False)
    found: dict[str, dict[str, object]] = {}
    if table is None:
        return found
    for name in list(table.table):
        if name not in PROGRAMMERS:
            known = ", ".join(PROGRAMMERS)
            table.faults.add(f"programmers.{shown(name, 40)}", f"unknown{nearest(name, PROGRAMMERS)}; known: {known}")
            continue
        fields = table.inner(name)
        found[name] = {field: fields.text(field, pattern) for field, pattern in PROGRAMMERS[name].items()}
        if name == "openocd":
            found[name]["config"] = tuple(_config(fields))
        if name == "avrdude":
            found[name]["baud"] = fields.number("baud", 300, 10_000_000)
        fields.finish()
    return found


def _config(fields: Fields) -> list[str]:
    files = fields.items("config")
    for file in files:
        if not isinstance(file, str) or not re.fullmatch(CONFIG, file, re.ASCII):
            fields.faults.add(fields.where, f"{shown(file)} is no script of OpenOCD ({CONFIG})")
    return [str(file) for file in files]


def _current(top: Fields) -> Current | None:
    fields = top.inner("current", needed=False)
    if fields is None:
        return None
    current = Current(fields.real("ua_per_mhz", 100_000), fields.real("volts", 60), fields.text("source"))
    fields.finish()
    return current


def _folder() -> Path:
    return Path(__file__).resolve().parent
