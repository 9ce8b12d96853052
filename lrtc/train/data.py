"""Samples in memory, batches whose order depends on (seed, epoch) only, and image files in MNIST's idx format."""

from __future__ import annotations

import gzip
import math
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

from lrtc.errors import FaultList, LrtcError
from lrtc.nn.sampling import process

IDX_FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
Augment = Callable[[Tensor, torch.Generator], Tensor]


@dataclass(frozen=True)
class Samples:
    """Inputs x [N, …] as the network takes them, and classes y int64 [N]."""

    x: Tensor
    y: Tensor

    def __post_init__(self) -> None:
        if len(self.x) != len(self.y) or self.y.dim() != 1:
            raise LrtcError(
                f"{len(self.x)} inputs and labels {tuple(self.y.shape)} do not fit; one label a sample is expected"
            )

    def __len__(self) -> int:
        return len(self.y)

    def first(self, count: int) -> Samples:
        """Return the first `count` samples."""
        return Samples(self.x[:count], self.y[:count])

    def split(self, share: float = 1 / 12) -> tuple[Samples, Samples]:
        """Return (training, validation): the last `share` validates; 55,000 and 5,000 of MNIST's 60,000."""
        cut = len(self) - int(len(self) * share)
        return self.first(cut), Samples(self.x[cut:], self.y[cut:])

    def batches(self, size: int = 1000) -> list[tuple[Tensor, Tensor]]:
        """Return all samples in order, as batches (x, y)."""
        return list(zip(self.x.split(size), self.y.split(size), strict=True))

    def check_classes(self, classes: int) -> None:
        """Raise LrtcError unless every label is 0 … classes − 1."""
        wrong = ((self.y < 0) | (self.y >= classes)).nonzero()
        if len(wrong):
            k = int(wrong[0])
            raise LrtcError(
                f"{len(wrong)} of {len(self)} labels are out of range; sample {k} has {int(self.y[k])}, "
                f"the network has {classes} classes: 0 to {classes - 1} are supported"
            )


class _Indexed(Dataset):
    """Samples by a list of indices, so that one access makes one batch."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: list[int]) -> tuple[Tensor, Tensor]:
        return self.samples.x[index], self.samples.y[index]


class _Order(Sampler):
    """Shuffled batches of indices, this process's share of each: its neighbours take the rest of the same batch.

    The last batch of an epoch holds what is left, rounded down to a multiple of `parts`.
    """

    def __init__(self, count: int, size: int, parts: int, seed: int) -> None:
        self.count, self.size, self.parts, self.seed, self.epoch = count, size, parts, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return math.ceil((self.count - self.count % self.parts) / self.size)

    def __iter__(self) -> Iterator[list[int]]:
        stream = torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
        order = torch.randperm(self.count, generator=stream)[: self.count - self.count % self.parts]
        rank, world = process()
        for batch in order.split(self.size):
            yield batch.tensor_split(world)[rank].tolist()


def shuffled(samples: Samples, size: int, parts: int = 1, seed: int = 0) -> DataLoader:
    """Return a loader of (x, y) batches, shuffled anew every epoch; a resumed run sees the same order."""
    return DataLoader(_Indexed(samples), batch_size=None, sampler=_Order(len(samples), size, parts, seed))


@dataclass(frozen=True)
class Shift:
    """An augmentation: images [N, C, H, W] moved by up to `reach` pixels in both directions, `fill` moving in."""

    reach: int
    fill: int = 0

    def __call__(self, x: Tensor, stream: torch.Generator) -> Tensor:
        if not self.reach:
            return x
        n, _, h, w = x.shape
        wide = torch.nn.functional.pad(x, (self.reach,) * 4, value=self.fill)
        windows = wide.unfold(2, h, 1).unfold(3, w, 1)  # [N, C, 2r+1, 2r+1, H, W]
        dy, dx = torch.randint(0, 2 * self.reach + 1, (2, n), generator=stream, device=x.device)
        return windows[torch.arange(n, device=x.device), :, dy, dx]


@dataclass(frozen=True)
class Flip:
    """An augmentation: every second image [N, C, H, W], by chance, with left and right exchanged."""

    def __call__(self, x: Tensor, stream: torch.Generator) -> Tensor:
        turned = torch.rand(len(x), generator=stream, device=x.device) < 0.5
        return torch.where(turned[:, None, None, None], x.flip(3), x)


def augmented(x: Tensor, augments: Iterable[Augment], streams: list[torch.Generator]) -> Tensor:
    """Return the batch after all augmentations, every part of it drawn from its own stream."""
    parts = list(x.tensor_split(len(streams)))
    for augment in augments:
        parts = [augment(part, stream) for part, stream in zip(parts, streams, strict=True)]
    return torch.cat(parts)


def read_idx(path: Path, axes: int) -> np.ndarray:
    """Return the uint8 array of a gzipped idx file with so many axes; LrtcError if it is not one."""
    try:
        with gzip.open(path) as f:
            raw = f.read()
    except (OSError, EOFError) as e:
        raise LrtcError(f"{path}: not a whole gzip file ({e}); fetch it again") from e
    head = 4 * (1 + axes)
    if len(raw) < head:
        raise LrtcError(f"{path}: {len(raw)} bytes; an idx header alone has {head}; fetch the file again")
    magic, *shape = struct.unpack(f">{1 + axes}I", raw[:head])
    if magic != 0x800 + axes:
        raise LrtcError(f"{path}: magic {magic:#010x}; expected {0x800 + axes:#010x} (idx, uint8, {axes} axes)")
    if len(raw) - head != math.prod(shape):
        raise LrtcError(
            f"{path}: {len(raw) - head} bytes of data; the header says {math.prod(shape)}; fetch the file again"
        )
    return np.frombuffer(raw, np.uint8, offset=head).reshape(shape)


def read_idx_folder(folder: Path, part: str, how_to_get: str = "") -> Samples:
    """Return images uint8 [N, 1, H, W] and classes of "train" or "test" from a folder with four idx files.

    LrtcError names every missing file, then says `how_to_get` them: a line in which {name} stands for a file.
    """
    missing = FaultList()
    names = [name for pair in IDX_FILES.values() for name in pair]
    for name in names:
        if not (folder / name).is_file():
            missing.add(name, "missing")
    if missing:
        lost = [fault.where for fault in missing]
        hint = "\n".join(how_to_get.format(name=name, folder=folder) for name in lost) if how_to_get else None
        missing.check(
            f"{folder}: {len(lost)} of the {len(names)} files are missing", hint=hint and f"get them with\n{hint}"
        )
    images, labels = IDX_FILES[part]
    x, y = read_idx(folder / images, 3), read_idx(folder / labels, 1)
    if len(x) != len(y):
        raise LrtcError(f"{folder}: {len(x)} images and {len(y)} labels; the files do not belong together")
    return Samples(torch.from_numpy(x.copy())[:, None], torch.from_numpy(y.astype(np.int64)))
