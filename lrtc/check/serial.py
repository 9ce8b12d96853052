"""A board's top in Verilator, through its serial line: the bytes of images in, the bytes that come back out."""

from __future__ import annotations

import shlex
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lrtc.check.toolchain import run_tool, write_files
from lrtc.check.verilator import FLAGS, find_verilator, make_variables, sources
from lrtc.errors import LrtcError
from lrtc.resources import share

SECONDS = 600.0


@dataclass(frozen=True)
class Heard:
    """What came over the line: bytes, and the cycles from power-on until the last of them."""

    data: tuple[int, ...]
    cycles: int


@dataclass(frozen=True)
class Sent:
    """What goes over the line: bytes, and pauses (byte, cycles of silence before it). wanted: bytes to wait for.

    patience: cycles to wait for them after all was sent.
    """

    data: bytes
    wanted: int
    patience: int = 100_000
    pauses: Sequence[tuple[int, int]] = ()


def run_serial(files: Mapping[str, str], top: str, clocks_per_bit: int, runs: Sequence[Sent]) -> list[Heard]:
    """Return what a board's top answers from power-on, for each run; LrtcError if the simulator cannot be built."""
    verilator = find_verilator()
    with tempfile.TemporaryDirectory(prefix="lrtc-serial-") as name:
        folder = Path(name)
        write_files({path: text for path, text in files.items() if path.endswith((".sv", ".mem"))}, folder)
        driver = (share("hw") / "board" / "lrtc_serial.cpp").read_text(encoding="utf-8")
        write_files({"lrtc_serial.cpp": driver}, folder)
        macros = f"-O1 -DCLOCKS_PER_BIT={clocks_per_bit}"
        words = ["--cc", "--exe", "--build", "-j", "2", "--Mdir", "sim", "--prefix", "Vboard", "--top-module", top]
        words += ["-o", "serial", *FLAGS, "-CFLAGS", macros]
        for variable in make_variables(verilator):
            words += ["-MAKEFLAGS", shlex.quote(variable)]  # Verilator calls make through a shell
        command = [verilator.executable, *words, *sources(files), "lrtc_serial.cpp"]
        done = run_tool(command, folder, "building the simulator", SECONDS, verilator.env)
        if done.status != 0:
            raise LrtcError(f"Verilator does not build {top}\n{done.output[-3000:]}")
        return [_run(folder, run) for run in runs]


def _run(folder: Path, run: Sent) -> Heard:
    (folder / "sent.bin").write_bytes(run.data)
    words = ["sent.bin", str(run.wanted), str(run.patience), *(f"{at}:{cycles}" for at, cycles in run.pauses)]
    done = run_tool([str(folder / "sim" / "serial"), *words], folder, "simulating the serial line", SECONDS)
    lines = done.output.split()
    if done.status not in (0, 1) or lines[-2:-1] != ["cycles"]:
        raise LrtcError(f"the simulation ended with status {done.status}: {done.output[-300:]}")
    return Heard(tuple(int(word) for word in lines[:-2]), int(lines[-1]))
