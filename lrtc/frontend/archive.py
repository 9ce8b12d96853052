"""Looks into a torch.save archive before torch does: what it says it holds, without running or allocating anything.

`torch.load(weights_only=True)` runs no foreign code, but it believes sizes: a storage longer than its record, a
stride beyond its storage, a compressed bomb. So the archive's records are compared with what its pickle says first,
and the pickle is read with stand-ins for the few names that tensors need.
"""

from __future__ import annotations

import io
import pickle
import zipfile
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import torch

from lrtc.errors import LrtcError
from lrtc.frontend.description import shown

MAX_BYTES = 256 << 20  # of the file
MAX_PICKLE = 8 << 20  # of the part that is no tensor data
MAX_RECORDS = 20_000
ZIP_MAGIC = b"PK\x03\x04"
SAVE = "load it where it was made and write it with lrtc.save(model, path)"

STORAGES = {
    "DoubleStorage": torch.float64, "FloatStorage": torch.float32, "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16, "LongStorage": torch.int64, "IntStorage": torch.int32,
    "ShortStorage": torch.int16, "CharStorage": torch.int8, "ByteStorage": torch.uint8, "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64, "ComplexDoubleStorage": torch.complex128,
}  # fmt: skip
SPECIAL = {
    "_rebuild_sparse_tensor": "a sparse tensor; tensors must be dense",
    "_rebuild_qtensor": "a quantized tensor; tensors must be plain float32, int8 or int32",
    "_rebuild_meta_tensor_no_storage": "a tensor without data",
    "_rebuild_nested_tensor": "a nested tensor; tensors must be dense",
}


@dataclass(frozen=True)
class Outline:
    """What a tensor in the archive is said to be."""

    dtype: torch.dtype
    shape: tuple[int, ...]


@dataclass(frozen=True)
class _Storage:
    dtype: torch.dtype
    numel: int


class _Refused(Exception):
    """What the pickle holds that no model file does; `code`: a name that it asks to import."""

    def __init__(self, what: str, code: str = "") -> None:
        super().__init__(what)
        self.code = code


def outline(data: bytes, where: str) -> Any:
    """Return what an archive holds, with an Outline for every tensor; LrtcError if it is damaged or not data."""
    if not data.startswith(ZIP_MAGIC):
        raise LrtcError(f"{where} is not a model file", hint=_foreign_hint(data))
    try:
        records = _records(zipfile.ZipFile(io.BytesIO(data)), len(data))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, UnicodeError, ValueError) as error:
        raise LrtcError(f"{where} is truncated or damaged: {shown(str(error))}", hint="copy or save it again") from None
    except _Refused as refused:
        raise LrtcError(f"{where} is not a model file: {refused}", hint=SAVE) from None
    try:
        return _Reader(records).load()
    except _Refused as refused:
        if refused.code:
            what = f"{where} holds Python objects, not data: it needs {shown(refused.code)}"
            raise LrtcError(what, hint=f"lrtc never runs code from a model file; {SAVE}") from None
        raise LrtcError(f"{where} is not a model file: {refused}", hint=SAVE) from None
    except Exception as error:  # every way in which a pickle can be broken
        what = f"{where} is damaged: its description cannot be read ({type(error).__name__})"
        raise LrtcError(what, hint="copy or save it again") from None


def _foreign_hint(data: bytes) -> str:
    if not data:
        return f"the file is empty; {SAVE}"
    if data[:1] == b"\x80":
        return f"it looks like a pickle; lrtc never unpickles; {SAVE}"
    return "a model file is what lrtc.save(model, path) writes"


def _records(archive: zipfile.ZipFile, size: int) -> dict[str, Any]:
    """Return record name (below the top folder) → its bytes' length, and the pickle under `data.pkl`."""
    entries = archive.infolist()
    if len(entries) > MAX_RECORDS:
        raise _Refused(f"{len(entries)} records; at most {MAX_RECORDS} are supported")
    names = [entry.filename for entry in entries]
    tops = {name.partition("/")[0] for name in names}
    if len(tops) != 1 or len(set(names)) != len(names) or f"{names[0].partition('/')[0]}/data.pkl" not in names:
        raise _Refused("a zip archive that torch.save has not written")
    top = tops.pop()
    if f"{top}/constants.pkl" in names:
        raise _Refused("a TorchScript archive")
    if any(entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1 for entry in entries):
        raise _Refused("compressed or encrypted records, which torch.save does not write")
    # stored, not overlapping, starting at 0: what zipfile sees is then what torch's reader sees
    if min(entry.header_offset for entry in entries) != 0 or sum(entry.file_size for entry in entries) > size:
        raise _Refused("records that overlap")
    if archive.comment:
        raise _Refused("a zip archive that torch.save has not written")
    if damaged := archive.testzip():
        raise zipfile.BadZipFile(f"bad checksum of {damaged}")
    lengths: dict[str, Any] = {entry.filename[len(top) + 1 :]: entry.file_size for entry in entries}
    if lengths["data.pkl"] > MAX_PICKLE:
        raise _Refused(f"a description of {lengths['data.pkl']} bytes; at most {MAX_PICKLE} are supported")
    lengths["data.pkl"] = archive.read(f"{top}/data.pkl")
    return lengths


class _Stub:
    """Stands for an imported name; keeps no state, so nothing in a pickle can change it."""

    __slots__ = ("_call",)

    def __init__(self, call: Any) -> None:
        object.__setattr__(self, "_call", call)

    def __setattr__(self, name: str, value: object) -> None:
        raise _Refused("a pickle that sets attributes")

    def __call__(self, *args: object) -> Any:
        return self._call(*args)


class _Reader(pickle._Unpickler):  # the Python one: its memo is a dict, so an absurd index allocates nothing
    """Reads a pickle of plain data; every name that it asks for is a stand-in or a refusal."""

    def __init__(self, records: dict[str, Any]) -> None:
        super().__init__(io.BytesIO(records["data.pkl"]))
        self.records = records

    def find_class(self, module: str, name: str) -> Any:
        if module == "torch" and name in STORAGES:
            return STORAGES[name]
        if (module, name) == ("collections", "OrderedDict"):
            return _Stub(_ordered)
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _Stub(_tensor)
        if (module, name) == ("torch._utils", "_rebuild_parameter"):
            return _Stub(lambda data, *rest: data)
        if module == "torch._utils" and name in SPECIAL:
            raise _Refused(f"it holds {SPECIAL[name]}")
        raise _Refused("", code=f"{module}.{name}")

    def get_extension(self, code: int) -> None:
        raise _Refused("", code=f"extension {code}")

    def persistent_load(self, pid: Any) -> _Storage:
        kind, dtype, key, _, numel = pid
        if kind != "storage" or type(dtype) is not torch.dtype or type(key) is not str or type(numel) is not int:
            raise _Refused("a storage that torch.save does not write")
        held = self.records.get(f"data/{key}")
        if type(held) is not int or held != numel * dtype.itemsize:
            raise _Refused(f"a tensor of {numel} {str(dtype).removeprefix('torch.')} whose data has {held} bytes")
        return _Storage(dtype, numel)


def _ordered(*args: object) -> dict:
    return OrderedDict(*args)


def _tensor(storage: _Storage, offset: int, shape: tuple, stride: tuple, *rest: object) -> Outline:
    """Return the outline of a tensor whose every element lies in its storage and is there once."""
    numbers = (offset, *shape, *stride)
    if type(storage) is not _Storage or len(shape) != len(stride) or any(type(n) is not int or n < 0 for n in numbers):
        raise _Refused("a tensor that torch.save does not write")
    elements, last = 1, offset
    for n, step in zip(shape, stride, strict=True):
        elements *= n
        last += (n - 1) * step
    if elements and (last >= storage.numel or elements > storage.numel):
        raise _Refused("a tensor larger than its data")
    return Outline(storage.dtype, tuple(shape))
