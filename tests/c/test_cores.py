"""Real digits on every core that can be emulated here: the trained networks, every logit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lrtc.chain import Chain
from lrtc.check.cores import CORES
from lrtc.check.emulate import runs_here
from lrtc.driver import open_model
from lrtc.frontend.data import read_samples

MNIST = Path(__file__).parents[2] / "examples" / "mnist"
DIGITS = 3


@pytest.fixture(scope="module", params=["mnist_ternary", "mnist_bipolar"])
def chain(request):
    return Chain(open_model(MNIST / f"{request.param}.pt"))


@pytest.mark.parametrize("core", [name for name in CORES if runs_here(name) and name != "avr"])
def test_digits_are_told_alike_on_every_core(chain, core):
    x, _ = read_samples(MNIST / "digits.npz", chain.model.graph.inputs[0])
    run = chain.run(core, x[:DIGITS])
    np.testing.assert_array_equal(run.logits, chain.run("interp", x[:DIGITS]).logits)
