"""The estimate of areas against what Yosys took, by the committed table."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrtc.driver import compile
from lrtc.plan.budget import layer_area
from lrtc.plan.cost_ice40 import MEASURED, rams
from lrtc.plan.stream import stream_layers

NET = Path(__file__).parent.parent.parent / "examples" / "mnist" / "mnist_ternary.pt"


def test_layers_on_an_ice40_are_within_some_percent():
    result = compile(NET, "verilog", output="class", target_cycles=12_000, fold={"conv1": (2, 3)})
    for layer, fold in zip(stream_layers(result.graph), result.plan.layers, strict=True):
        lut, ff, bram, dsp = MEASURED[layer.name]
        area = layer_area(layer, fold, "ice40")
        assert area.lut == pytest.approx(lut, rel=0.16), layer.name
        assert area.ff == pytest.approx(ff, rel=0.18), layer.name
        assert (area.bram, area.dsp) == (bram, dsp), layer.name


def test_a_memory_takes_the_shape_that_takes_the_fewest_rams():
    assert [rams(*size) for size in ((64, 144), (64, 576), (2, 10_240), (16, 14), (17, 200))] == [4, 12, 5, 1, 2]
