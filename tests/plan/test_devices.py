"""Devices as budgets: every limit is kept to; what is too large is told with what is short and which layer takes it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from verilog.networks import residual

import lrtc
from lrtc.bench_nets import fully_connected
from lrtc.check.fpga import PARTS
from lrtc.driver import compile
from lrtc.errors import LrtcError
from lrtc.plan.budget import ALONE, Budget, Option, least
from lrtc.plan.cost import Area
from lrtc.plan.devices import DEVICES, device_budget, device_named
from lrtc.plan.fitted import FITTED
from lrtc.plan.fold import LayerFold
from lrtc.plan.folding import plan_stream
from lrtc.plan.stream import stream_layers

HOLD_LFC = ("ecp5-85k", "xc7z020", "xc7z045", "xc7a100t", "xc7a200t")  # 2.9 million weights
LARGEST = ("fc0", "fc1", "fc2")


@pytest.fixture(scope="module")
def large():
    return stream_layers(compile(fully_connected("lfc", 1024), "verilog", fold={}).graph, 2)


@pytest.mark.parametrize("name", DEVICES)
def test_a_device_is_planned_for_by_numbers_of_the_family_that_it_is_mapped_as(name: str):
    assert DEVICES[name].family in FITTED
    assert DEVICES[name].family.startswith(PARTS[name].family.name)


@pytest.mark.parametrize("name", DEVICES)
def test_a_network_fits_or_it_is_told_why_not(name: str, large):
    budget = device_budget(name)
    small = plan_stream(stream_layers(residual()), budget=budget)
    assert not budget.over(small.area)
    try:
        plan = plan_stream(large, budget=budget)
    except LrtcError as error:
        text = str(error)
        said = re.search(
            rf"^{name} \(.*\) cannot be met for lack of ([\w -]+): (.*) are the least.*which (\w+) takes", text
        )
        assert said, text
        assert "no folding takes less" in text
        free = plan_stream(large, 1 << 20, budget=Budget(family=budget.family, brams=budget.brams))
        assert said[3].startswith("linear") or said[3] in {fold.name for fold in free.layers}
    else:
        assert not budget.over(plan.area)
        assert plan.area.lut > small.area.lut


def test_all_that_a_device_has_is_a_limit():
    budget = device_budget("ice40-up5k")
    assert budget.uses(Area(4_000, 1_000, 12, 3)) == {
        "LUTs": (4_000, 4_488),
        "logic cells": (round(4_000 + ALONE * 1_000), 4_488),
        "flip-flops": (1_000, 4_488),
        "block RAMs": (12, 29),
        "multipliers": (3, 8),
    }
    assert budget.over(Area(1_000, 8_000, 31, 9)) == ["logic cells", "flip-flops", "block RAMs", "multipliers"]
    assert not Budget().over(Area(10**9, 10**9, 10**9, 10**9))
    assert budget.text == "ice40-up5k (4,488 LUTs and 29 block RAMs)"


@pytest.mark.parametrize(
    ("name", "rams"),
    [("ice40-up5k", 29), ("ice40-hx8k", 31), ("gowin-gw1n-9", 25), ("ecp5-85k", 198), ("xc7z045", 518)],
)
def test_a_block_ram_in_twenty_is_spare_and_one_at_least(name: str, rams: int):
    assert device_budget(name).brams == rams


def test_flip_flops_cells_and_multipliers_are_saved_where_they_are_scarce():
    few, most, slow = Area(100, 60, 1, 0), Area(110, 20, 1, 0), Area(90, 60, 0, 2)
    menu = [Option(LayerFold("a", 1, 1, 1, 1, 1, cycles), area) for cycles, area in ((5, most), (5, few), (9, slow))]

    def chosen(cycles: int, **limits: float) -> Area | None:
        found = least([menu], cycles, Budget(1_000, 9, **limits))
        return found[0].area if found else None

    assert chosen(5) == few
    assert chosen(5, ffs=59) == chosen(5, cells=100 + 32) == most
    assert chosen(9) == slow
    assert chosen(9, dsps=1) == few
    assert chosen(9, dsps=1, ffs=30) == most
    assert chosen(5, ffs=19) is None
    assert chosen(5, cells=99) is None


def test_an_unknown_device_is_told_the_nearest():
    with pytest.raises(LrtcError, match=r"no device 'ecp5-24k' \(did you mean 'ecp5-"):
        device_named("ecp5-24k")


def test_what_queues_need_is_not_paid_for_in_every_layer():
    digits = Path(__file__).parents[2] / "examples" / "mnist" / "mnist_ternary.pt"
    layers = stream_layers(compile(lrtc.load(digits), "verilog", fold={}).graph)
    budget = device_budget("ice40-up5k")
    plan = plan_stream(layers, 12_000, budget=budget)
    assert plan.interval <= 12_000
    assert not budget.over(plan.area)
    assert plan.area.lut < 1.05 * plan.least  # a faster conv1 saves the queue that takes one block RAM too many
    asked = plan_stream(layers, 12_000, {"conv1": (1, 3)}, budget=budget)
    assert next(fold for fold in asked.layers if fold.name == "conv1").slots == 3
    assert not budget.over(asked.area)
