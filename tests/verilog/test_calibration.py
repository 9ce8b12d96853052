"""Estimates of areas: the committed numbers are those that the committed measurements give, and as good as they say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lrtc.calibrating import _not_negative, errors, fitted, fitted_text, left_out, summary, taken
from lrtc.plan import fitted as committed
from lrtc.plan.cost_fitted import estimate, in_block_ram, whole_rams
from lrtc.plan.modules import Part, part
from lrtc.resources import share

ROOT = Path(__file__).parents[2]
MEASURED = {path.stem: json.loads(path.read_text()) for path in sorted((share("hw") / "area").glob("*.json"))}


@pytest.mark.parametrize("family", sorted(MEASURED))
def test_the_committed_numbers_are_what_the_command_makes(family: str):
    rows, numbers, said = MEASURED[family]["rows"], committed.FITTED[family], committed.ERRORS[family]
    again = fitted(rows, family)
    assert again["rules"] == numbers["rules"]
    for what in ("LUT", "FF"):
        assert again[what] == pytest.approx(numbers[what], abs=0.01)
    assert said["layers"] == len(rows) >= 80
    assert summary(errors(rows, family, numbers)) == pytest.approx(said["fitted"], abs=0.003)
    assert said["fitted"]["LUT"] < 0.12
    assert said["left out"]["LUT"] < 0.2
    assert said["left out"]["FF"] < 0.1
    readme = (share("hw") / "README.md").read_text()
    shown = [f"{said[which][what]:.1%}".replace("%", " %") for which in ("fitted", "left out")
             for what in ("LUT", "LUT worst", "FF", "FF worst")]  # fmt: skip
    assert f"| {family} | {len(rows)} | {' | '.join(shown)} |" in readme


def test_the_errors_of_layers_left_out_are_what_is_said():
    assert set(MEASURED) == {"ecp5", "gowin", "ice40", "ice40hx", "xc7"} == set(committed.FITTED)
    found = summary(left_out(MEASURED["ecp5"]["rows"], "ecp5"))
    assert found == pytest.approx(committed.ERRORS["ecp5"]["left out"], abs=0.02)
    text = fitted_text({"ecp5": MEASURED["ecp5"]})
    assert text.splitlines()[0] == (ROOT / "lrtc" / "plan" / "fitted.py").read_text().splitlines()[0]


def test_a_fit_finds_the_numbers_that_made_the_rows():
    rng = np.random.default_rng(1)
    table, x = rng.random((40, 5)), np.array([0.5, 0, 2, 0.1, 0])
    assert np.allclose(_not_negative(table, table @ x), x, atol=1e-6)
    assert (_not_negative(table, -table @ x) == 0).all()


def test_another_fit_of_other_rows_gives_other_numbers():
    rows = MEASURED["ecp5"]["rows"]
    doubled = [{**row, "cells": {key: 2 * n for key, n in row["cells"].items()}} for row in rows]
    assert fitted(doubled, "ecp5")["LUT"] != committed.FITTED["ecp5"]["LUT"]


def test_memories_and_multipliers():
    assert whole_rams(32, 512, "xc7") == 1
    assert whole_rams(40, 512, "ecp5") == 2
    assert whole_rams(16, 256, "ice40") == 1
    rules = {"rom": 2000, "ram": 5000, "product": 9}
    assert in_block_ram("rom", 16, 256, "ecp5", rules)
    assert not in_block_ram("ram", 16, 256, "ecp5", rules)
    assert not in_block_ram("rom", 100_000, 1, "ecp5", rules)
    assert taken({"cells": {"BRAM": 2, "BRAM18": 3}}, "BRAM") == 3.5
    more = estimate([part("lrtc_rom", Width=36, Depth=4096)], "ecp5").bram
    assert more > estimate([part("lrtc_rom", Width=36, Depth=512)], "ecp5").bram >= 1
    with pytest.raises(KeyError):
        estimate([Part("lrtc_rom", (("Depth", 4), ("Width", 4)))], "cyclone5")
