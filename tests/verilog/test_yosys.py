"""Yosys reads, elaborates and checks what the Verilog target emits."""

from __future__ import annotations

import pytest
from graphs import random_network
from verilog.networks import special, tiny

from lrtc.backends.verilog import emit
from lrtc.check.yosys import read_design
from lrtc.driver import compile
from lrtc.errors import LrtcError
from lrtc.resources import share

SPECIAL = ("kept", "maxima", "moved", "turned", "grouped", "levels", "branches")


@pytest.mark.parametrize("seed", [1, 5, 9, 14])
def test_yosys_takes_the_design(seed: int):
    result = compile(random_network(seed), "verilog", name="net")
    read_design(result.files, "net")


@pytest.mark.parametrize("name", SPECIAL)
def test_yosys_takes_special_designs(name: str):
    graph, options = special()[name]
    read_design(emit(graph, name, options).files, name)


WIRED = {"style": "unrolled", "output": "class"}


def test_yosys_takes_classes_that_leave_a_layer_of_wires():
    read_design(emit(tiny(), "tiny", WIRED).files, "tiny")


LOADED = {"reloadable": True, "fold": {"fc": (1, 8)}}


def test_yosys_takes_a_design_with_registers_whose_memories_are_written():
    read_design(emit(tiny(), "tiny", LOADED).files, "tiny_axi")


def test_the_special_designs_have_every_module():
    designs = special()
    read = {path for options in (LOADED, WIRED) for path in emit(tiny(), "tiny", options).files}
    read |= {path for name in SPECIAL for path in emit(designs[name][0], name, designs[name][1]).files}
    assert read >= {f"rtl/{path.name}" for path in (share("hw") / "rtl").glob("*.sv")}


def test_a_design_that_yosys_refuses_is_told():
    result = compile(random_network(1), "verilog", name="net")
    rom = next(path for path in result.files if path.endswith("_weight.mem"))
    without = {path: text for path, text in result.files.items() if path != rom}
    with pytest.raises(LrtcError, match="Yosys does not take net"):
        read_design(without, "net")
