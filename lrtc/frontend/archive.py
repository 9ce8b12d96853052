"""Looks into a torch.save archive before torch does: what it says it holds, without running or allocating anything.

`torch.load(weights_only=True)` runs no foreign code, but it believes sizes: a storage longer than its record, a
stride beyond its storage, a compressed bomb. So the archive's records are compared with what its description says
first, and that is read here: the few instructions that torch.save writes, with an outline in place of every tensor.
"""

from __future__ import annotations

import io
import pickletools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from lrtc.errors import LrtcError, shown

MAX_BYTES = 256 << 20  # of the file
MAX_PICKLE = 4 << 20  # of the part that is no tensor data
MAX_RECORDS = 20_000
MAX_AXES = 8
ZIP_MAGIC = b"PK\x03\x04"
ZIP_END = b"PK\x05\x06"
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
    if data[-22:-18] != ZIP_END or data[-2:] != b"\0\0":  # the directory ends the file: only one reading is possible
        raise LrtcError(f"{where} is truncated or damaged: it does not end as an archive", hint="copy or save it again")
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
    if damaged := archive.testzip():
        raise zipfile.BadZipFile(f"bad checksum of {damaged}")
    lengths: dict[str, Any] = {entry.filename[len(top) + 1 :]: entry.file_size for entry in entries}
    if lengths["data.pkl"] > MAX_PICKLE:
        raise _Refused(f"a description of {lengths['data.pkl']} bytes; at most {MAX_PICKLE} are supported")
    lengths["data.pkl"] = archive.read(f"{top}/data.pkl")
    return lengths


MARK = object()


class _Reader:
    """Reads the description: a stack machine for the instructions of plain data, where every name is a stand-in."""

    def __init__(self, records: dict[str, Any]) -> None:
        self.records = records
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def load(self) -> Any:
        """Return the value that the description makes; _Refused if it needs anything but data."""
        for opcode, argument, _ in pickletools.genops(self.records["data.pkl"]):
            name = opcode.name
            if name == "STOP":
                return self.stack.pop()
            if name in LITERALS:
                self.stack.append(argument)
            elif name in MADE:
                self.stack.append(MADE[name]())
            else:
                step = getattr(self, f"_{name.lower()}", None)
                if step is None:
                    raise _Refused(f"its description uses {name}, which torch.save does not write")
                step(argument)
        raise EOFError

    def _proto(self, version: int) -> None:
        if version != 2:
            raise _Refused(f"its description has pickle protocol {version}; torch.save writes 2")

    def _mark(self, _: None) -> None:
        self.stack.append(MARK)

    def _binput(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    def _binget(self, index: int) -> None:
        self.stack.append(self.memo[index])

    _long_binput, _long_binget = _binput, _binget

    def _since_mark(self) -> list[Any]:
        at = next(i for i in range(len(self.stack) - 1, -1, -1) if self.stack[i] is MARK)
        items = self.stack[at + 1 :]
        del self.stack[at:]
        return items

    def _tuple(self, _: None) -> None:
        self.stack.append(tuple(self._since_mark()))

    def _last(self, n: int) -> None:
        self.stack[-n:] = [tuple(self.stack[-n:])]

    def _tuple1(self, _: None) -> None:
        self._last(1)

    def _tuple2(self, _: None) -> None:
        self._last(2)

    def _tuple3(self, _: None) -> None:
        self._last(3)

    def _append(self, _: None) -> None:
        value = self.stack.pop()
        _of(list, self.stack[-1]).append(value)

    def _appends(self, _: None) -> None:
        values = self._since_mark()
        _of(list, self.stack[-1]).extend(values)

    def _setitem(self, _: None) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self._set([key, value])

    def _setitems(self, _: None) -> None:
        self._set(self._since_mark())

    def _set(self, flat: list[Any]) -> None:
        held = _of(dict, self.stack[-1])
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            if type(key) not in (str, int):
                raise _Refused("it holds keys that are no names")
            if key in held:
                raise _Refused(f"{shown(key)!r} is in it twice")
            held[key] = value

    def _build(self, _: None) -> None:
        self.stack.pop()  # the _metadata of a state_dict
        _of(dict, self.stack[-1])

    def _global(self, name: str) -> None:
        self.stack.append(_stand_in(*name.split(" ", 1)))

    def _stack_global(self, _: None) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.stack.append(_stand_in(_of(str, module), _of(str, name)))

    def _reduce(self, _: None) -> None:
        arguments, call = self.stack.pop(), self.stack.pop()
        if call not in CALLS.values():
            raise _Refused("its description calls what torch.save does not")
        self.stack.append(call(*_of(tuple, arguments)))

    def _binpersid(self, _: None) -> None:
        kind, dtype, key, _device, numel = self.stack.pop()
        if kind != "storage" or type(dtype) is not torch.dtype or type(key) is not str or type(numel) is not int:
            raise _Refused("a storage that torch.save does not write")
        held = self.records.get(f"data/{key}")
        if type(held) is not int or held != numel * dtype.itemsize:
            raise _Refused(f"a tensor of {numel} {str(dtype).removeprefix('torch.')} whose data has {held} bytes")
        self.stack.append(_Storage(dtype, numel))


def _of(kind: type, value: Any) -> Any:
    if type(value) is not kind:
        raise _Refused("its description is not what torch.save writes")
    return value


def _stand_in(module: str, name: str) -> Any:
    """Return what stands for an imported name: a dtype for a storage class, one of CALLS, or a refusal."""
    if module == "torch" and name in STORAGES:
        return STORAGES[name]
    if module == "torch._utils" and name in SPECIAL:
        raise _Refused(f"it holds {SPECIAL[name]}")
    if (module, name) not in CALLS:
        raise _Refused("", code=f"{module}.{name}")
    return CALLS[module, name]


def _tensor(storage: _Storage, offset: int, shape: tuple, stride: tuple, *rest: object) -> Outline:
    """Return the outline of a tensor whose every element lies in its storage and is there once."""
    good = type(storage) is _Storage and type(shape) is type(stride) is tuple and len(shape) == len(stride) <= MAX_AXES
    if not good or any(type(n) is not int or n < 0 for n in (offset, *shape, *stride)):
        raise _Refused("a tensor that torch.save does not write")
    elements, last = 1, offset
    for n, step in zip(shape, stride, strict=True):
        elements *= n
        last += (n - 1) * step
    if elements and (last >= storage.numel or elements > storage.numel):
        raise _Refused("a tensor larger than its data")
    return Outline(storage.dtype, tuple(shape))


def _ordered() -> dict:
    return {}


def _parameter(tensor: Outline, *rest: object) -> Outline:
    return tensor


LITERALS = frozenset(("BINUNICODE", "BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT"))
MADE: dict[str, Callable[[], Any]] = {
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
}
CALLS: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): _ordered,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch._utils", "_rebuild_parameter"): _parameter,
}
