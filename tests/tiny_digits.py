"""Tiny digits for training: noisy images whose class is the place of a bright row, and a small network for them."""

from __future__ import annotations

import gzip
import importlib.util
import struct
import sys
from collections import OrderedDict
from pathlib import Path
from types import ModuleType

import numpy as np
from torch import nn

from lrtc.nn import InputQuantize, LRTBatchNorm, LRTConv2d, LRTLinear, LRTScale, LRTSign

EXAMPLES = Path(__file__).parents[1] / "examples"


def rows(count: int, seed: int, size: int = 28, classes: int = 10) -> tuple[np.ndarray, np.ndarray]:
    """Return noisy uint8 images [N, size, size] and their classes: image k has a bright row at 2·class + 1."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, count, dtype=np.uint8)
    x = rng.integers(0, 90, (count, size, size), dtype=np.uint8)
    x[np.arange(count), 2 * y + 1] = 255
    return x, y


def tiny_network(weights: str = "ternary") -> nn.Sequential:
    """Return an untrained network for `tiny`."""
    return nn.Sequential(
        OrderedDict(
            input=InputQuantize((1, 8, 8)),
            conv1=LRTConv2d(1, 6, 3, stride=2, padding=1, weights=weights),
            bn1=LRTBatchNorm(6),
            sign1=LRTSign(),
            conv2=LRTConv2d(6, 8, 3, weights=weights),
            bn2=LRTBatchNorm(8),
            sign2=LRTSign(),
            flatten=nn.Flatten(),
            fc=LRTLinear(32, 3, weights=weights),
            scale=LRTScale(3),
        )
    )


def example(folder: str, monkeypatch, script: str = "train") -> ModuleType:
    """Return the module of an example's script, with its own folder first in the path."""
    monkeypatch.syspath_prepend(EXAMPLES / folder)
    monkeypatch.delitem(sys.modules, "model", raising=False)  # that of another example
    spec = importlib.util.spec_from_file_location(f"{folder}_{script}", EXAMPLES / folder / f"{script}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def write_idx(path: Path, array: np.ndarray) -> None:
    head = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    path.write_bytes(gzip.compress(head + array.tobytes()))


def write_digits(folder: Path) -> Path:
    """Write 240 + 40 such images into a folder in MNIST's format."""
    for part, count in (("train", 240), ("t10k", 40)):
        x, y = rows(count, count)
        write_idx(folder / f"{part}-images-idx3-ubyte.gz", x)
        write_idx(folder / f"{part}-labels-idx1-ubyte.gz", y)
    return folder
