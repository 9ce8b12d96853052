"""From a model, or a folder that `lrtc compile` wrote, to the firmware of a board."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from lrtc import __version__
from lrtc.backends.c.firmware import choose_console, project
from lrtc.boards import Board
from lrtc.check.board import BoardTooSmall, Built, Need, build, compile_sources, compiler_of, core_flags
from lrtc.check.cores import core_named
from lrtc.check.emulate import run_emulated, runs_here
from lrtc.check.images import to_bin, to_hex, to_uf2
from lrtc.check.machine import Machine
from lrtc.driver import SELF_TEST_VECTORS, Model, Result, class_count, compile, legal_name, open_model, random_feeds
from lrtc.errors import LrtcError, ToolMissing, shown
from lrtc.frontend.data import read_feeds
from lrtc.interp import Feeds, feeds_of
from lrtc.ir.ports import in_rows, ports_of
from lrtc.output import MANIFEST, write_folder
from lrtc.tuning import by_layer, kernels_within, ram_steps, smallest_kernels, table_bytes

SYMBOLS = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
SHRINKS = 8  # times that a network is made smaller for a board
LARGEST_SOURCE = 256 << 20  # bytes of one file of a folder


@dataclass(frozen=True)
class Network:
    """A compiled network as C: its name and files, {path: text}. prefix: of its symbols.

    result: what was compiled, and remake: layer → kernel to the same with these kernels; None where it is C already.
    """

    name: str
    files: dict[str, str]
    prefix: str = ""
    result: Result | None = None
    remake: Callable[[Mapping[str, str]], Network] | None = None


@dataclass(frozen=True)
class Flashable:
    """Firmware for a board: its sources, and what was built of them unless a tool is missing.

    kernels: layer → kernel, where the default ones did not fit the board.
    """

    network: str
    board: Board
    console: str
    sources: dict[str, str]
    built: Built | None
    lacking: ToolMissing | None = None
    kernels: Mapping[str, str] = field(default_factory=dict)

    @property
    def images(self) -> dict[str, bytes]:
        """Return {path: bytes} of the program in every format that the board's programmers may want."""
        if self.built is None:
            return {}
        parts = self.built.segments
        found = {
            "elf": self.built.firmware.elf, "hex": to_hex(parts).encode("ascii"), "bin": to_bin(parts),
        }  # fmt: skip
        if self.board.uf2 is not None:
            found["uf2"] = to_uf2(parts, self.board.uf2)
        return {f"{self.network}.{ending}": image for ending, image in found.items()}


@dataclass(frozen=True)
class Ran:
    """What firmware did in an emulator: what it printed, how it ended."""

    output: str
    status: int | None


@dataclass(frozen=True)
class Fit:
    """Whether a network fits a board, with its self-test. flash, ram, stack: bytes that it takes, 0: not known.

    why: what is too big and by how much, what is missing here, or that other kernels than the default ones fit.
    """

    board: Board
    fits: bool | None
    flash: int = 0
    ram: int = 0
    stack: int = 0
    why: str = ""


def network_of(model: Model, vectors: Feeds | None = None, profiled: str | None = None) -> Network:
    """Return a model compiled to C, its self-test with a report. vectors: as `compile` takes them.

    profiled: a core; layers are then timed, beside the instructions that an emulator counts on it, where one can.
    """
    options = {"profile": predicted(model, profiled, vectors)} if profiled else {}

    def made(kernels: Mapping[str, str]) -> Network:
        result = compile(model, "c", vectors=vectors, report=True, kernels=kernels, **options)
        return Network(model.name, dict(result.files), "", result, made)

    return made({})


def predicted(model: Model, core: str, vectors: Feeds | None = None, lanes: int | None = None) -> dict[str, int]:
    """Return the instructions of each layer's function on an emulated core; nothing where that cannot be counted.

    They are those of the self-test's last vector, which is what the C measures: some kernels depend on the data.
    """
    if not runs_here(core_named(core).name):
        return {}
    result = compile(model, "c", lanes=lanes, **by_layer(core))
    feeds = feeds_of(result.graph, random_feeds(result.graph, SELF_TEST_VECTORS) if vectors is None else vectors)
    x = in_rows(feeds[value.name][-1:] for value in result.graph.inputs)
    done = run_emulated(dict(result.files), result.name, x, core, ports_of(result.graph))
    return done.profile


def network_at(
    path: Path, name: str | None = None, data: Path | None = None, profiled: str | None = None
) -> tuple[Network, bytes]:
    """Return the network at a path as C, and images for its console: of a model file, or of a folder of `lrtc compile`.

    data: an .npz with the self-test's vectors. profiled: the core that its layers are counted on.
    """
    if os.path.isdir(path):
        if data or name:
            raise LrtcError("--data and --name go with a model; a folder has its vectors and its name")
        return network_in(path), b""
    opened = open_model(path, name)
    inputs = opened.graph.inputs
    if data:
        raw, _ = read_feeds(data, inputs, class_count(opened.graph))
        images = opened.quantized({key: x[:SELF_TEST_VECTORS] for key, x in raw.items()})
    else:
        images = random_feeds(opened.graph, SELF_TEST_VECTORS)
    return network_of(opened, images, profiled), images[inputs[0].name].tobytes()


def write_firmware(made: Flashable, folder: Path, network: Network) -> list[str]:
    """Write sources and images of firmware into a folder, all or none; return their names."""
    files = {**made.sources, **made.images}
    manifest = {"lrtc": __version__, "target": "firmware", "name": made.network, "board": made.board.name}
    symbols = {"symbols": network.prefix + network.name} if network.prefix else {}
    write_folder(folder, files, {**manifest, **symbols})
    return sorted(files)


def network_in(folder: Path) -> Network:
    """Return the network in a folder that `lrtc compile --target c` wrote; LrtcError if it is no such folder."""
    where = shown(str(folder), 200)
    hint = "`lrtc compile MODEL --target c -o DIR` writes one"
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        name, target, listed = manifest["name"], manifest["target"], manifest["files"]
        symbols = manifest.get("symbols", name)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise LrtcError(
            f"{where} is no folder that lrtc compiled to: there is no sound {MANIFEST} in it", hint=hint
        ) from None
    if target not in ("c", "firmware") or not isinstance(name, str) or not isinstance(listed, list):
        raise LrtcError(f"{where} holds {shown(target)}, not C", hint=hint)
    name = legal_name(name)
    if not isinstance(symbols, str) or not symbols.endswith(name) or not SYMBOLS.fullmatch(symbols):
        raise LrtcError(f"{where}: {shown(symbols)} is no name of C that ends in {name}")
    wanted = tuple(f"{name}{ending}" for ending in (".c", ".h", "_test.c", "_profile.c", "_profile.h"))
    found = {}
    for path in (p for p in listed if isinstance(p, str) and p.rpartition("/")[2] in wanted):
        found[path.rpartition("/")[2]] = _source(folder, path)
    if missing := [path for path in wanted[:2] if path not in found]:
        raise LrtcError(f"{where} lacks {missing[0]}", hint=hint)
    files = {path: found[path] for path in wanted if path in found}
    return Network(name, files, symbols.removesuffix(name))


def _source(folder: Path, path: str) -> str:
    file = (folder / path).resolve()
    if not file.is_relative_to(folder.resolve()) or not file.is_file() or file.stat().st_size > LARGEST_SOURCE:
        raise LrtcError(f"{shown(str(folder), 200)}: {shown(path)} is no file in it of at most {LARGEST_SOURCE} bytes")
    try:
        return file.read_text(encoding="ascii")
    except (OSError, ValueError) as error:
        raise LrtcError(f"{shown(str(file), 200)} cannot be read: {shown(str(error))}") from None


def prepare(
    network: Network, board: Board, program: str = "self-test", console: str | None = None,
    objects: dict[tuple[str, ...], dict[str, Path]] | None = None, profile: bool = False,
) -> Flashable:  # fmt: skip
    """Return the firmware of a board around a network, built where its compiler is here.

    objects: flags → what is compiled already. profile: whether layers are timed. Where the network does not fit, it is
    compiled again with kernels that take less memory, if there are some. LrtcError if the board has no such program,
    console or clock, or the network does not fit.
    """
    try:
        return _prepare(network, board, program, console, objects, profile)
    except BoardTooSmall as error:
        if network.remake is None:
            raise
        smaller = _smaller(network, board, program, console, profile, error.need)
        if smaller is None:
            raise
        return smaller


def _smaller(
    network: Network, board: Board, program: str, console: str | None, profile: bool, need: Need
) -> Flashable | None:
    """Return the firmware with kernels that take less memory, of those that fit with most RAM, or None.

    The limits of RAM that a choice of kernels can meet are halved until one fits and the next does not.
    """
    tables, steps = table_bytes(network.result) + board.flash.size - need.flash, ram_steps(network.result)
    best, low, high = None, 0, len(steps) - 1
    if need.ram - network.result.plan.arena.size + steps[0] > board.ram.size:
        return None
    for turn in range(SHRINKS):
        if low > high and (best or turn == 0):
            break
        middle = (low + high) // 2
        last = low > high  # a kernel's stack is not in these limits: at last, those of the least scratch
        kernels = smallest_kernels(network.result) if last else kernels_within(network.result, tables, steps[middle])
        if kernels is None:
            low = middle + 1
            continue
        try:
            made = _prepare(network.remake(kernels), board, program, console, None, profile)
            best, low = replace(made, kernels=kernels), middle + 1
        except BoardTooSmall as error:
            over = error.need.flash - board.flash.size
            tables -= max(0, over)
            high = high if over > 0 else middle - 1
        if last:
            break
    return best


def _prepare(
    network: Network, board: Board, program: str, console: str | None,
    objects: dict[tuple[str, ...], dict[str, Path]] | None, profile: bool,
) -> Flashable:  # fmt: skip
    console = choose_console(board, console)
    first = core_named(board.core).compilers[0]
    lacking = None
    try:
        tool, flags = compiler_of(board)
    except ToolMissing as error:
        lacking, flags = error, core_flags(board, first.flags)
    compiler = " ".join((first.program, *first.words) if lacking else (tool.name, *tool.words))
    made = project(network.name, network.prefix, network.files, board, program, console, compiler, flags, profile)
    if lacking is not None:
        return Flashable(network.name, board, console, made.files, None, lacking)
    done = (objects or {}).get(made.cflags, {})
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        own = [source for source in made.sources if source not in done]
        compiled = {**done, **compile_sources(made.files, own, made.cflags, tool, board, Path(folder))}
        ordered = {source: compiled[source] for source in made.sources}
        built = build(made.files, ordered, [*made.cflags, *made.ldflags], tool, board, Path(folder))
    return Flashable(network.name, board, console, made.files, built)


def emulate(firmware: Flashable, given: bytes = b"") -> Ran:
    """Return what the firmware of an emulated board does from reset to its end. given: bytes at its console."""
    if firmware.built is None:
        raise firmware.lacking or LrtcError("the firmware was not built")
    machine = Machine(firmware.built.firmware, given=given)
    return Ran(machine.output, machine.status)


def fits(network: Network, boards: Iterable[Board]) -> Iterator[Fit]:
    """Yield for every board whether the network with its self-test fits, and if not what is too big."""
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        objects: dict[tuple[str, ...], dict[str, Path]] = {}
        for board in boards:
            yield _fit(network, board, objects, Path(folder) / board.name)


def _fit(network: Network, board: Board, objects: dict[tuple[str, ...], dict[str, Path]], folder: Path) -> Fit:
    try:
        tool, flags = compiler_of(board)
    except ToolMissing as missing:
        return Fit(board, None, why=missing.summary)
    made = project(network.name, network.prefix, network.files, board, "self-test", board.consoles[0], tool.name, flags)
    try:
        if made.cflags not in objects:
            own = [source for source in made.sources if source in network.files]
            with suppress(BoardTooSmall):  # then other kernels are tried
                objects[made.cflags] = compile_sources(made.files, own, made.cflags, tool, board, folder)
        fitting = prepare(network, board, objects=objects)
    except LrtcError as error:
        why = "; ".join(map(str, error.faults)) or error.summary
        taken = vars(error.need) if isinstance(error, BoardTooSmall) else {}
        return Fit(board, False, why=why, **taken)
    return Fit(board, True, why="with kernels of less memory" if fitting.kernels else "", **vars(fitting.built.need))
