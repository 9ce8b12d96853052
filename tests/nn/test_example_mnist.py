"""The digit examples: the networks in the folder are as good as said, and the commands say what is missing."""

from pathlib import Path

import numpy as np
import pytest
import torch

import lrtc

EXAMPLES = Path(__file__).parents[2] / "examples"
EXAMPLE = EXAMPLES / "mnist"


@pytest.mark.parametrize(("weights", "right"), [("ternary", 976), ("bipolar", 956)])
def test_the_networks_in_the_folder_read_the_digits_beside_them(weights, right):
    net, digits = lrtc.load(EXAMPLE / f"mnist_{weights}.pt"), np.load(EXAMPLE / "digits.npz")
    scores = net(torch.from_numpy(digits["x"]))
    assert torch.equal(scores, scores.round())
    assert int((scores.argmax(1).numpy() == digits["y"]).sum()) == right
    table = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    row = next(line for line in table.splitlines() if line.startswith(f"| `mnist_{weights}.pt`"))
    assert f"| {right / 10:.1f} % |" in row
