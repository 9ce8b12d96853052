"""MNIST from its four idx files; and the first test digits as one small .npz file."""

import argparse
import gzip
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler

FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"


class DataError(Exception):
    """A data file is missing or is not what its name says."""


def check_files(folder: Path) -> None:
    """Raise DataError, naming every missing file and how to get it, unless `folder` holds the four files."""
    missing = [name for pair in FILES.values() for name in pair if not (folder / name).is_file()]
    if missing:
        lines = [f"{folder}: {len(missing)} of the 4 MNIST files are missing", *(f"  {name}" for name in missing)]
        fetch = [f"  curl -fL --create-dirs -o {folder}/{name} {MIRROR}{name}" for name in missing]
        raise DataError("\n".join([*lines, "get them with", *fetch]))


def read_idx(path: Path, axes: int) -> np.ndarray:
    """Return the uint8 array of a gzipped idx file with so many axes; DataError if magic or length is wrong."""
    try:
        with gzip.open(path) as f:
            raw = f.read()
    except (OSError, EOFError) as e:
        raise DataError(f"{path}: not a whole gzip file ({e}); fetch it again") from e
    head = 4 * (1 + axes)
    if len(raw) < head:
        raise DataError(f"{path}: {len(raw)} bytes; an idx header alone has {head}; fetch the file again")
    magic, *shape = struct.unpack(f">{1 + axes}I", raw[:head])
    if magic != 0x800 + axes:
        raise DataError(f"{path}: magic {magic:#010x}; expected {0x800 + axes:#010x} (idx, uint8, {axes} axes)")
    want = int(np.prod(shape))
    if len(raw) - head != want:
        raise DataError(f"{path}: {len(raw) - head} bytes of data; the header says {want}; fetch the file again")
    return np.frombuffer(raw, np.uint8, offset=head).reshape(shape)


def load(folder: Path, part: str) -> tuple[Tensor, Tensor]:
    """Return images uint8 [N, 1, 28, 28] and labels int64 [N] of "train" or "test"."""
    images, labels = FILES[part]
    x, y = read_idx(folder / images, 3), read_idx(folder / labels, 1)
    if x.shape[1:] != (28, 28) or len(x) != len(y):
        raise DataError(f"{folder}: images {x.shape} and labels {y.shape} do not fit; expected (N, 28, 28) and (N,)")
    return torch.from_numpy(x.copy())[:, None], torch.from_numpy(y.astype(np.int64))


def split(x: Tensor, y: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor]]:
    """Return (training, validation): the last twelfth validates, 55,000 and 5,000 of MNIST's 60,000."""
    cut = len(x) - len(x) // 12
    return (x[:cut], y[:cut]), (x[cut:], y[cut:])


class Digits(Dataset):
    """Images and labels in memory; an index is a list, so that one access makes one batch."""

    def __init__(self, x: Tensor, y: Tensor):
        self.x, self.y = x, y

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, index: list[int]) -> tuple[Tensor, Tensor]:
        return self.x[index], self.y[index]


class Batches(Sampler):
    """Batches of indices; shuffled ones depend on (seed, epoch) only, so a resumed run sees the same order."""

    def __init__(self, count: int, size: int, seed: int | None = None):
        self.count, self.size, self.seed, self.epoch = count, size, seed, 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.count // self.size)

    def __iter__(self):
        order = torch.arange(self.count)
        if self.seed is not None:
            order = torch.randperm(
                self.count, generator=torch.Generator().manual_seed(self.seed * 100_003 + self.epoch)
            )
        yield from (chunk.tolist() for chunk in order.split(self.size))


def batches(part: tuple[Tensor, Tensor], size: int, seed: int | None = None) -> DataLoader:
    """Return a loader of (x, y) batches, shuffled anew every epoch if a seed is given."""
    digits = Digits(*part)
    return DataLoader(digits, batch_size=None, sampler=Batches(len(digits), size, seed))


def shift(x: Tensor, reach: int) -> Tensor:
    """Return every image [N, 1, H, W] moved by up to `reach` pixels in both directions, zeros moving in."""
    if reach == 0:
        return x
    n, _, h, w = x.shape
    windows = torch.nn.functional.pad(x, (reach,) * 4).unfold(2, h, 1).unfold(3, w, 1)  # [N, 1, 2r+1, 2r+1, H, W]
    dy, dx = torch.randint(0, 2 * reach + 1, (2, n))
    return windows[torch.arange(n), :, dy, dx]


def main() -> None:
    """Write the first test (or training) digits to an .npz file: x uint8 [N, 1, 28, 28], y uint8 [N]."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with the four idx files")
    parser.add_argument("--part", choices=list(FILES), default="test")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--out", type=Path, default=Path("digits.npz"))
    args = parser.parse_args()
    try:
        check_files(args.data)
        x, y = load(args.data, args.part)
    except DataError as e:
        raise SystemExit(f"data: error: {e}") from e
    np.savez_compressed(args.out, x=x[: args.count].numpy(), y=y[: args.count].numpy().astype(np.uint8))


if __name__ == "__main__":
    main()
