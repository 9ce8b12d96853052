"""A simulator is built with what is there."""

import os
import subprocess

import pytest

from lrtc.check.serial import Sent, run_serial
from lrtc.check.verilator import compiled, need_simulator

TOP = "module top (input wire a, output wire b); assign b = ~a; endmodule\n"
ECHO = "module echo (input clk_i, input rx_i, output reg tx_o); always @(posedge clk_i) tx_o <= rx_i; endmodule\n"
MAIN = '#include "Vtop.h"\nint main() { Vtop top; top.a = 0; top.eval(); return top.b == 1 ? 7 : 1; }\n'


@pytest.fixture
def no_python(tmp_path, monkeypatch):
    """The `python` of PATH does not run, as where there is none."""
    other = tmp_path / "bin" / "python"
    other.parent.mkdir()
    other.write_text("#!/bin/sh\nexit 1\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("MAKEFLAGS", raising=False)


@pytest.mark.usefixtures("no_python")
def test_no_python_of_the_path_is_asked_by_a_simulator(tmp_path):
    verilator = need_simulator(cocotb=False)
    built = compiled(verilator, {"top.sv": TOP, "main.cpp": MAIN}, "top", ["main.cpp"], "-O0", tmp_path / "work")
    assert subprocess.run([built], check=False).returncode == 7


@pytest.mark.usefixtures("no_python")
def test_no_python_of_the_path_is_asked_by_a_serial_line():
    assert run_serial({"echo.sv": ECHO}, "echo", 4, [Sent(b"xy", 2)])[0].data == tuple(b"xy")
