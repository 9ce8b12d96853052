"""Data files other than idx: CIFAR's binary records, and arrays of numpy. No file here can hold code."""

from __future__ import annotations

import hashlib
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from lrtc.errors import FaultList, LrtcError
from lrtc.train.data import Samples

PIXELS = 3 * 32 * 32
CIFAR10 = {"train": tuple(f"data_batch_{k}.bin" for k in range(1, 6)), "test": ("test_batch.bin",)}
CIFAR100 = {"train": ("train.bin",), "test": ("test.bin",)}


def need_files(folder: Path, names: Sequence[str], how_to_get: str = "") -> None:
    """Raise LrtcError that names every missing file, then says `how_to_get` them, {folder} being the folder."""
    missing = FaultList()
    for name in names:
        if not (folder / name).is_file():
            missing.add(name, "missing")
    hint = how_to_get.format(folder=folder)
    missing.check(
        f"{folder}: {len(list(missing))} of the {len(names)} files are missing", hint=hint and f"get them with\n{hint}"
    )


def read_packed(archive: Path, member: str, sha256: str) -> str:
    """Return the text of one file in a zip archive or wheel; nothing is unpacked and none of its code is run.

    LrtcError if the archive is damaged, lacks the file, or holds another one than that of this SHA-256.
    """
    try:
        with zipfile.ZipFile(archive) as held:
            raw = held.read(member)
    except KeyError as e:
        raise LrtcError(f"{archive}: there is no {member} in it; another version of the archive has it") from e
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as e:
        raise LrtcError(f"{archive}: not a whole zip archive ({e}); fetch it again") from e
    found = hashlib.sha256(raw).hexdigest()
    if found != sha256:
        raise LrtcError(f"{archive}: {member} has SHA-256 {found}; {sha256} is expected; fetch the archive again")
    return raw.decode()


def read_cifar(path: Path, labels: int) -> tuple[np.ndarray, np.ndarray]:
    """Return images uint8 [N, 3, 32, 32] and classes uint8 [N], of records with so many labels, the last one counting.

    A record is the labels, a byte each, then 1,024 red, green and blue bytes, row by row.
    """
    raw, size = np.fromfile(path, np.uint8), labels + PIXELS
    if not len(raw) or len(raw) % size:
        raise LrtcError(f"{path}: {len(raw)} bytes; records of {size} are expected; fetch the file again")
    rows = raw.reshape(-1, size)
    return rows[:, labels:].reshape(-1, 3, 32, 32), rows[:, labels - 1]


def read_cifar_folder(folder: Path, part: str, how_to_get: str = "") -> Samples:
    """Return images uint8 [N, 3, 32, 32] and classes of "train" or "test" from CIFAR-10's or CIFAR-100's binary files.

    A folder with train.bin is CIFAR-100, whose fine labels are the classes. LrtcError names what is missing.
    """
    hundred = (folder / "train.bin").exists() or (folder / "test.bin").exists()
    files = CIFAR100 if hundred else CIFAR10
    need_files(folder, [name for names in files.values() for name in names], how_to_get)
    parts = [read_cifar(folder / name, 2 if hundred else 1) for name in files[part]]
    x, y = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Samples(torch.from_numpy(x), torch.from_numpy(y.astype(np.int64)))


def read_npz_folder(folder: Path, part: str, how_to_get: str = "") -> Samples:
    """Return inputs uint8 [N, …] and classes from train.npz or test.npz, which hold arrays `x` (bytes) and `y`."""
    need_files(folder, ["train.npz", "test.npz"], how_to_get)
    path = folder / f"{part}.npz"
    try:
        with np.load(path, allow_pickle=False) as held:
            arrays = {name: held[name] for name in ("x", "y") if name in held}
    except (ValueError, OSError) as e:
        raise LrtcError(f"{path}: not a numpy archive ({e})") from e
    faults = FaultList()
    for name, kinds, words in (("x", "u", "bytes, uint8"), ("y", "iu", "integers")):
        if name not in arrays:
            faults.add(name, f"missing; an array of {words} is expected")
        elif arrays[name].dtype.kind not in kinds or (name == "x" and arrays[name].dtype != np.uint8):
            faults.add(name, f"is {arrays[name].dtype}; {words} are expected")
    faults.check(f"{path}: {{n}}", "numpy.savez(path, x=inputs, y=classes)")
    return Samples(torch.from_numpy(arrays["x"]), torch.from_numpy(arrays["y"].astype(np.int64)))
