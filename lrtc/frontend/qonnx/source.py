"""A .onnx file → a Source of plain arrays and nodes in order. Sizes are checked before anything is allocated."""

from __future__ import annotations

import os
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from lrtc.errors import Fault, LrtcError, ToolMissing, count, shown
from lrtc.frontend.qonnx.value import Site

MAX_FILE = 512 << 20  # bytes, of the file and of all external tensors together
MAX_NODES = 20_000
MAX_ELEMENTS = 1 << 26  # of one tensor
OPSETS = (9, 30)
DTYPES = {
    1: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64, 9: np.bool_,
    10: np.float16, 11: np.float64, 12: np.uint32, 13: np.uint64,
}  # fmt: skip
FIELDS = {1: "float_data", 11: "double_data", 7: "int64_data", 12: "uint64_data", 13: "uint64_data"}  # else int32_data
ATTRIBUTES = {1: "f", 2: "i", 3: "s", 4: "t", 6: "floats", 7: "ints", 8: "strings"}


@dataclass(frozen=True)
class Declared:
    """A graph input or output: dims (0 where the file names no number), ONNX element number, FINN's datatype or ""."""

    name: str
    dims: tuple[int, ...]
    elem: int
    datatype: str = ""


@dataclass(frozen=True)
class Source:
    """The model: its inputs without initialisers, outputs, constants, nodes in topological order."""

    inputs: tuple[Declared, ...]
    outputs: tuple[str, ...]
    constants: dict[str, np.ndarray]
    nodes: tuple[Site, ...]

    def split(self) -> tuple[list[Site], list[Site]]:
        """Return the nodes that depend on no input, and the others, both in order."""
        fixed: list[Site] = []
        moving: list[Site] = []
        depends = {declared.name for declared in self.inputs}
        for site in self.nodes:
            if depends.isdisjoint(site.ins):
                fixed.append(site)
            else:
                moving.append(site)
                depends.update(site.outs)
        return fixed, moving


def read_onnx(path: str | os.PathLike) -> Source:
    """Return the Source of a file; LrtcError names everything that is wrong with it."""
    path = Path(path)
    where = shown(str(path), 200)
    model = parsed(path)
    graph = model.graph
    opset = next((o.version for o in model.opset_import if o.domain in ("", "ai.onnx")), OPSETS[0])
    faults: list[Fault] = []
    if not OPSETS[0] <= opset <= OPSETS[1]:
        faults.append(Fault("opset", f"{opset} is not supported; {OPSETS[0]} to {OPSETS[1]} are"))
    if len(graph.node) > MAX_NODES:
        raise LrtcError(f"{where} has {len(graph.node)} nodes; at most {MAX_NODES} are supported")
    budget = [MAX_FILE]
    constants = {}
    for tensor in graph.initializer:
        if tensor.name in constants:
            faults.append(Fault(f"tensor {shown(tensor.name)!r}", "is there twice"))
        constants[tensor.name] = _array(tensor, f"tensor {shown(tensor.name)!r}", path.parent, budget, faults)
    if graph.sparse_initializer:
        faults.append(Fault("initialisers", "sparse tensors are not supported; dense ones are"))
    sites = [_site(node, i, path.parent, budget, faults) for i, node in enumerate(graph.node)]
    notes = {
        a.tensor_name: next((p.value for p in a.quant_parameter_tensor_names if p.key == "finn_datatype"), "")
        for a in graph.quantization_annotation
    }
    inputs = tuple(
        Declared(v.name, _dims(v), v.type.tensor_type.elem_type, notes.get(v.name, ""))
        for v in graph.input
        if v.name not in constants
    )
    for name in {v.name for v in inputs if sum(v.name == other.name for other in inputs) > 1}:
        faults.append(Fault(f"input {shown(name)!r}", "is there twice"))
    nodes = _ordered(sites, {*constants, *(v.name for v in inputs)}, faults)
    made = {*constants, *(v.name for v in inputs), *(name for s in sites for name in s.outs)}
    outputs = tuple(v.name for v in graph.output)
    faults += [Fault(f"output {shown(name)!r}", "is made by no node") for name in outputs if name not in made]
    if not outputs:
        faults.append(Fault("graph", "has no output"))
    if faults:
        raise LrtcError(f"{where} is no sound ONNX model: {count(len(faults), 'fault')}", faults)
    return Source(inputs, outputs, constants, nodes)


def parsed(path: Path) -> object:
    """Return the ModelProto of a file; LrtcError if it is none."""
    where = shown(str(path), 200)
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise ToolMissing("reading .onnx files needs the package onnx", hint="pip install 'lrtc[qonnx]'") from None
    if os.path.isdir(path):  # also of a name longer than any file has
        raise LrtcError(f"{where} is a folder; a model is one .onnx file")
    if not os.path.exists(path):
        raise LrtcError(f"{where}: no such file")
    if not os.path.isfile(path):
        raise LrtcError(f"{where} is not a regular file")
    if path.stat().st_size > MAX_FILE:
        raise LrtcError(f"{where} has {path.stat().st_size} bytes; at most {MAX_FILE} are supported")
    model = onnx.ModelProto()
    try:
        model.ParseFromString(path.read_bytes())
    except (DecodeError, ValueError, RecursionError) as error:
        raise LrtcError(f"{where} is not an ONNX file, or cut short: {shown(str(error))}") from None
    except OSError as error:
        raise LrtcError(f"{where} cannot be read: {shown(str(error))}") from None
    if not model.HasField("graph") or not model.graph.node:
        raise LrtcError(f"{where} is not an ONNX file, or holds no network: there is no node in it")
    if not _is_text(model.graph):
        raise LrtcError(f"{where} is damaged: a name in it is no UTF-8 text", hint="export or copy it again")
    if model.functions:
        raise LrtcError(f"{where} defines {count(len(model.functions), 'function')} of its own; inline them first")
    return model


def _is_text(graph: object) -> bool:
    """Return whether every name is text: protobuf gives bytes where it is no UTF-8."""
    tensors = [*graph.initializer, *(a.t for node in graph.node for a in node.attribute)]
    texts = [(v.name, *(d.dim_param for d in v.type.tensor_type.shape.dim)) for v in (*graph.input, *graph.output)]
    texts += [(n.name, n.op_type, n.domain, *n.input, *n.output, *(a.name for a in n.attribute)) for n in graph.node]
    texts += [(t.name, *(text for e in t.external_data for text in (e.key, e.value))) for t in tensors]
    for a in graph.quantization_annotation:
        texts.append((a.tensor_name, *(text for p in a.quant_parameter_tensor_names for text in (p.key, p.value))))
    return all(isinstance(text, str) for group in texts for text in group)


def _dims(value: object) -> tuple[int, ...]:
    return tuple(d.dim_value if d.WhichOneof("value") == "dim_value" else 0 for d in value.type.tensor_type.shape.dim)


def _site(node: object, index: int, folder: Path, budget: list[int], faults: list[Fault]) -> Site:
    """Return one node with its attributes as plain values."""
    name = shown(node.name) if node.name else f"node {index}"
    where = f"{name} ({shown(node.op_type, 40)})"
    attrs: dict[str, object] = {}
    for attribute in node.attribute:
        key = ATTRIBUTES.get(attribute.type)
        if key is None:
            faults.append(Fault(where, f"the attribute {shown(attribute.name)!r} is no number, text or tensor"))
        elif key == "t":
            attrs[attribute.name] = _array(attribute.t, where, folder, budget, faults)
        elif key == "s":
            attrs[attribute.name] = attribute.s.decode("utf-8", "replace")
        else:
            value = getattr(attribute, key)
            attrs[attribute.name] = value if key in "fi" else tuple(value)
    outs = tuple(name for name in node.output if name)
    origin = node.name or f"{node.op_type}_{index}"
    return Site(node.op_type, node.domain, where, origin, tuple(node.input), outs, attrs)


def _array(t: object, where: str, folder: Path, budget: list[int], faults: list[Fault]) -> np.ndarray:
    """Return the tensor as an array (float32 for all reals); a fault and a 0 if it is unsound."""
    dims = tuple(t.dims)
    try:
        dtype = np.dtype(DTYPES[t.data_type])
    except KeyError:
        faults.append(Fault(where, f"element type {t.data_type} is not supported; floats and integers are"))
        return np.zeros(())
    if any(d < 0 for d in dims) or prod(dims) > MAX_ELEMENTS:
        faults.append(Fault(where, f"is declared {_by(dims)}; at most {MAX_ELEMENTS} elements are supported"))
        return np.zeros(())
    want = prod(dims)
    if t.data_location == 1:
        raw = _external(t, where, folder, budget, faults, want * dtype.itemsize)
        if raw is None:
            return np.zeros(())
        value = np.frombuffer(raw, dtype.newbyteorder("<"))
    elif t.HasField("raw_data"):
        raw = t.raw_data
        if len(raw) != want * dtype.itemsize:
            faults.append(Fault(where, f"is declared {_by(dims)}, {want * dtype.itemsize} bytes, but has {len(raw)}"))
            return np.zeros(())
        value = np.frombuffer(raw, dtype.newbyteorder("<"))
    else:
        values = getattr(t, FIELDS.get(t.data_type, "int32_data"))
        if len(values) != want:
            faults.append(Fault(where, f"is declared {_by(dims)}, {want} elements, but has {len(values)}"))
            return np.zeros(())
        value = np.array(values, dtype=np.uint16).view(np.float16) if t.data_type == 10 else np.array(values)
    value = value.reshape(dims)
    if dtype.kind != "f":
        return value.astype(dtype)
    with np.errstate(over="ignore"):
        value = value.astype(np.float32)
    bad = int((~np.isfinite(value)).sum())
    if bad:
        faults.append(Fault(where, f"{bad} of its {want} values are NaN or infinite; every value must be finite"))
    return value


def _external(t: object, where: str, folder: Path, budget: list[int], faults: list[Fault], size: int) -> bytes | None:
    """Return the bytes of a tensor that lies in another file, only in the model's own folder or below."""
    entries = {e.key: e.value for e in t.external_data}
    location = entries.get("location", "")
    home = folder.resolve()
    try:
        path = (home / location).resolve()
        offset, length = int(entries.get("offset", "0")), int(entries.get("length", str(size)))
    except (OSError, RuntimeError, ValueError):
        faults.append(Fault(where, "its place in an external file is damaged"))
        return None
    if not location or "\0" in location or not path.is_relative_to(home):
        faults.append(Fault(where, f"lies in {shown(location)!r}; external tensors must be in the model's folder"))
    elif not os.path.isfile(path):
        faults.append(Fault(where, f"lies in {shown(location)!r}, which is no file"))
    elif length != size or offset < 0 or offset + size > path.stat().st_size:
        faults.append(Fault(where, f"needs {size} bytes at {offset} of {shown(location)!r}; they are not there"))
    elif size > budget[0]:
        faults.append(Fault(where, f"external tensors have more than {MAX_FILE} bytes"))
    else:
        budget[0] -= size
        with path.open("rb") as file:
            file.seek(offset)
            return file.read(size)
    return None


def _ordered(sites: list[Site], known: set[str], faults: list[Fault]) -> tuple[Site, ...]:
    """Return the nodes in topological order; faults for values made twice, made nowhere, or in a cycle."""
    makers: dict[str, int] = {}
    for i, site in enumerate(sites):
        for name in site.outs:
            if name in makers or name in known:
                faults.append(Fault(site.where, f"makes {shown(name)!r}, which is there already"))
            makers[name] = i
    waiting, users = [0] * len(sites), {}
    for i, site in enumerate(sites):
        for name in {name for name in site.ins if name and name not in known}:
            waiting[i] += 1
            users.setdefault(name, []).append(i)
            if name not in makers:
                faults.append(Fault(site.where, f"reads {shown(name)!r}, which nothing makes"))
    ready = [i for i, n in enumerate(waiting) if n == 0]
    order: list[int] = []
    while ready:
        i = ready.pop(0)
        order.append(i)
        for name in dict.fromkeys(sites[i].outs):
            for user in users.get(name, ()):
                waiting[user] -= 1
                if waiting[user] == 0:
                    ready.append(user)
    if len(order) < len(sites) and not faults:
        stuck = [s.where for i, s in enumerate(sites) if i not in set(order)]
        faults.append(Fault(stuck[0], f"is in or behind a cycle of nodes, with {len(stuck) - 1} others"))
    return tuple(sites[i] for i in order)


def _by(dims: tuple[int, ...]) -> str:
    return "×".join(map(str, dims)) or "one number"
