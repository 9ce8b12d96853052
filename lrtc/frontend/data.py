"""Data files: an .npz with `x` as torch takes it and, if known, `y`; brought to the IR's layout here (DESIGN D1).

A model of several inputs has an array for each, under its name.
"""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from math import prod
from pathlib import Path

import numpy as np

from lrtc.errors import Fault, LrtcError, count, shown
from lrtc.interp import quantize
from lrtc.ir import Input

MAX_ELEMENTS = 1 << 29  # of x
MAX_SAMPLES = 1 << 24
MAX_LABEL = (1 << 24) - 1
HINT = "write it with numpy.savez(path, x=images, y=labels); x is N×C×H×W (or N×C×L, N×F), uint8 or float32"
LABELS = ("y", "labels")  # the name of the labels: the first that is no input


def read_data(
    path: str | os.PathLike, value: Input, classes: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (x uint8 [N, *shape of the graph's input], y int64 [N] or None) of an .npz file; see read_samples."""
    x, y = read_samples(path, value, classes)
    return to_input(x, value), y


def to_input(x: np.ndarray, value: Input) -> np.ndarray:
    """Return samples x [N,…] as torch takes them as uint8 in the IR's order: quantised if real, channels last."""
    q = quantize(x, value.scale, value.zero_point, min(255, value.type.elem.high))
    if q.ndim == 3:  # a signal N×C×L is an image of one row
        q = q[:, :, None]
    return np.ascontiguousarray(q.transpose(0, 2, 3, 1) if q.ndim == 4 else q)


def checked(x: np.ndarray | Mapping[str, np.ndarray], inputs: Sequence[Input]) -> dict[str, np.ndarray]:
    """Return input → samples [N,…] as torch takes them, as many of each; LrtcError says all that is wrong."""
    names = {value.name: value for value in inputs}
    if not isinstance(x, Mapping):
        if len(inputs) > 1:
            raise LrtcError(f"the model has {len(inputs)} inputs", hint=f"give a dict of {', '.join(names)}")
        x = {inputs[0].name: x}
    feeds = {name: np.asarray(value) for name, value in x.items()}
    faults = [Fault(n, "is no input of the model") for n in feeds if n not in names]
    faults += [Fault(n, "is missing") for n in names if n not in feeds]
    faults += [Fault(n, what) for n in names if n in feeds for what in _x_faults(feeds[n], names[n])]
    if not faults and len({len(value) for value in feeds.values()}) > 1:
        faults.append(Fault("", "there must be as many samples of each input"))
    if faults:
        raise LrtcError("the data does not fit the model", faults)
    return {name: feeds[name] for name in names}


def as_torch(x: np.ndarray) -> np.ndarray:
    """Return data [N,…] in the IR's order as torch takes it: channels first."""
    return np.ascontiguousarray(x.transpose(0, 3, 1, 2)) if x.ndim == 4 else x


def read_samples(
    path: str | os.PathLike, value: Input, classes: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return (x uint8 or float32 [N,…] as torch takes it, y int64 [N] or None) of an .npz file.

    classes: labels must be below it. LrtcError says all that is wrong.
    """
    samples, y = read_feeds(path, [value], classes)
    return samples[value.name], y


def read_feeds(
    path: str | os.PathLike, inputs: Sequence[Input], classes: int | None = None
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """Return (input → samples, labels or None) of an .npz file; see read_samples.

    A single input is the array `x`; several have theirs under their names, and nothing else but labels may be there.
    """
    where = shown(str(path), 200)
    names = {"x": inputs[0]} if len(inputs) == 1 else {value.name: value for value in inputs}
    labels = next((name for name in LABELS if name not in names), "")
    hint = HINT if len(inputs) == 1 else _hint(names, labels)
    arrays = _arrays(Path(path), where, hint, tuple(names), labels)
    if len(inputs) == 1 and "x" not in arrays:
        held = ", ".join(shown(name, 20) for name in list(arrays)[:8]) or "nothing"
        raise LrtcError(f"{where} has no `x`; it holds {held}", hint=hint)
    faults = [] if len(inputs) == 1 else _name_faults(arrays, names, labels)
    faults += [Fault(n, what) for n, value in names.items() if n in arrays for what in _x_faults(arrays[n], value)]
    samples = {n: len(arrays[n]) for n in names if n in arrays and arrays[n].ndim}
    first = next(iter(samples), "")
    faults += [
        Fault(n, f"has {many} samples; {first} has {samples[first]}")
        for n, many in samples.items()
        if many != samples[first]
    ]
    if labels in arrays:
        faults += [Fault(labels, what) for what in _y_faults(arrays[labels], samples.get(first, 0), classes)]
    if faults:
        raise LrtcError(f"{where} does not fit the model: {count(len(faults), 'fault')}", faults, hint)
    y = arrays[labels].astype(np.int64) if labels in arrays else None
    return {value.name: arrays[name] for name, value in names.items()}, y


def _hint(names: Iterable[str], labels: str) -> str:
    given = ", ".join(f"{name}=…" for name in [*names, *([labels] if labels else [])])
    return f"write it with numpy.savez(path, {given}); each input is N×C×H×W (or N×C×L, N×F), uint8 or float32"


def _name_faults(arrays: Mapping[str, np.ndarray], names: Mapping[str, Input], labels: str) -> list[Fault]:
    """Return a fault for each input that is missing and for each array that is none."""
    faults = [
        Fault(name, f"is missing; the model takes {'×'.join(['N', *map(str, torch_shape(value))])}")
        for name, value in names.items()
        if name not in arrays
    ]
    known = ", ".join(names) + (f"; {labels} holds labels" if labels else "")
    faults += [
        Fault(shown(name, 40), f"is no input of the model; its inputs are {known}")
        for name in arrays
        if name not in (*names, labels)
    ]
    return faults


def torch_shape(value: Input) -> tuple[int, ...]:
    """Return the shape of one sample as torch takes it: (C, H, W) or (F,)."""
    shape = value.type.shape
    return (shape[2], shape[0], shape[1]) if len(shape) == 3 else shape


def _x_faults(x: np.ndarray, value: Input) -> list[str]:
    want = torch_shape(value)
    faults = []
    if len(want) == 3 and want[1] == 1 and x.shape[1:] != want:  # one row: a signal
        want = (want[0], want[2])
    if x.ndim == 0 or x.shape[1:] != want:
        wanted = "×".join(["N", *map(str, want)])
        faults.append(f"is {'×'.join(map(str, x.shape)) or 'one number'}; the model takes {wanted}")
    elif not len(x):
        faults.append("has no samples")
    if x.dtype not in (np.uint8, np.float32):
        faults.append(f"is {x.dtype}; it must be uint8, or float32 (x.astype('float32'))")
    elif x.dtype == np.float32 and x.size:
        bad = ~np.isfinite(x)
        if bad.any():
            first = tuple(int(i) for i in np.unravel_index(int(bad.argmax()), bad.shape))
            faults.append(
                f"{int(bad.sum())} values are NaN or infinite, the first at {first}; every value must be finite"
            )
    return faults


def _y_faults(y: np.ndarray, samples: int, classes: int | None) -> list[str]:
    faults = []
    if y.ndim != 1 or len(y) != samples:
        faults.append(
            f"has shape {'×'.join(map(str, y.shape)) or 'one number'}; {samples} samples need {samples} labels"
        )
    if y.dtype.kind not in "iu":
        faults.append(f"is {y.dtype}; labels must be integers")
    elif y.size:
        least, most = int(y.min()), int(y.max())
        top = MAX_LABEL if classes is None else classes - 1
        if least < 0 or most > top:
            faults.append(f"labels lie in {least}..{most}; they must lie in 0..{top}")
    return faults


def _arrays(path: Path, where: str, hint: str, names: tuple[str, ...], labels: str) -> dict[str, np.ndarray]:
    """Return the arrays `names` and `labels` of the file, empty ones for others; sizes are checked before reading."""
    if path.is_dir():
        raise LrtcError(f"{where} is a folder; data is an .npz file", hint=hint)
    if not path.exists():
        raise LrtcError(f"{where}: no such file", hint=hint)
    if not path.is_file():
        raise LrtcError(f"{where} is not a regular file")
    try:
        with zipfile.ZipFile(path) as archive:
            found: dict[str, np.ndarray] = {}
            for entry in archive.infolist():
                name = entry.filename.removesuffix(".npy")
                if name in names:
                    found[name] = _array(archive, entry, where, hint, MAX_ELEMENTS)
                elif name == labels:
                    found[name] = _array(archive, entry, where, hint, MAX_SAMPLES)
                else:
                    found[name] = np.empty(0)
            return found
    except (zipfile.BadZipFile, zipfile.LargeZipFile, NotImplementedError, EOFError) as error:
        raise LrtcError(f"{where} is not an .npz file, or damaged: {shown(str(error))}", hint=hint) from None
    except (OSError, RuntimeError) as error:
        raise LrtcError(f"{where} cannot be read: {shown(str(error))}") from None


def _array(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, where: str, hint: str, limit: int) -> np.ndarray:
    name = entry.filename.removesuffix(".npy")
    try:
        with archive.open(entry) as file:
            shape, dtype = _header(file)
        if dtype.hasobject:
            raise LrtcError(f"{where}: {name} holds Python objects; lrtc never unpickles data", hint=hint)
        if prod(shape) > limit or (shape and shape[0] > MAX_SAMPLES):
            raise LrtcError(f"{where}: {name} has {'×'.join(map(str, shape))} values; at most {limit} are supported")
        if prod(shape) * dtype.itemsize > entry.file_size:
            raise LrtcError(f"{where}: {name} is said to be {'×'.join(map(str, shape))}, but its data is shorter")
        with archive.open(entry) as file:
            return np.lib.format.read_array(file, allow_pickle=False)
    except (ValueError, EOFError, SyntaxError, zipfile.zlib.error) as error:
        raise LrtcError(f"{where}: {name} is damaged: {shown(str(error))}", hint=hint) from None


def _header(file: object) -> tuple[tuple[int, ...], np.dtype]:
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    return shape, dtype
