"""Networks whose values meet, of several precisions: torch eval = rebuilt from the file = interpreter = passes."""

from __future__ import annotations

import pytest
from engines import check
from mixed_networks import mixed


@pytest.mark.parametrize("seed", range(80))
def test_random_mixed_networks(seed: int, tmp_path):
    check(mixed(seed), tmp_path / "m.pt", seed)


@pytest.mark.parametrize("seed", range(100, 120))
def test_random_networks_on_signals(seed: int, tmp_path):
    check(mixed(seed, signal=True), tmp_path / "m.pt", seed)
