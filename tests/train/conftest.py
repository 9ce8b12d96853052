"""Every test here starts from the same seed and one thread, on tiny data."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_digits import rows, write_digits

from lrtc.train import Samples


@pytest.fixture(autouse=True)
def _seeded():
    torch.set_num_threads(1)
    torch.manual_seed(20240)


@pytest.fixture
def tiny() -> tuple[Samples, Samples]:
    """Return (training, validation), 96 and 32 images 1×8×8 of 3 classes."""
    x, y = rows(128, 0, size=8, classes=3)
    return Samples(torch.from_numpy(x)[:, None], torch.from_numpy(y.astype(np.int64))).split(0.25)


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """Return a folder with the four files of tiny digits."""
    return write_digits(tmp_path_factory.mktemp("digits"))
