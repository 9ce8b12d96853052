"""A simulator is built with what is there."""

import os
import subprocess

from lrtc.check.verilator import compiled, need_simulator

TOP = "module top (input wire a, output wire b); assign b = ~a; endmodule\n"
MAIN = '#include "Vtop.h"\nint main() { Vtop top; top.a = 0; top.eval(); return top.b == 1 ? 7 : 1; }\n'


def test_no_python_of_the_path_is_asked(tmp_path, monkeypatch):
    other = tmp_path / "bin" / "python"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}{os.pathsep}{os.environ['PATH']}")
    verilator = need_simulator(cocotb=False)
    built = compiled(verilator, {"top.sv": TOP, "main.cpp": MAIN}, "top", ["main.cpp"], "-O0", tmp_path / "work")
    assert subprocess.run([built], check=False).returncode == 7
