"""A graph as plain data for JSON, and back: no code in it, and nothing in it is believed.

{"format": 1, "name", "inputs": [{"name", "type", "scale", "zero_point"}], "nodes": [{"out", "op", "ins", "type",
"origin", "attributes"}], "outputs", "named"}. Types are as printed. A constant's attributes are "dtype" and "data":
base64 of its elements in C order, float32 little-endian, else value − low of its element in that element's bits, the
first bit lowest, and zeros to the end of the last byte.
"""

from __future__ import annotations

import base64
import binascii
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields

import numpy as np

from lrtc.errors import shown
from lrtc.ir.graph import NAME, Graph, Input, Node
from lrtc.ir.ops import OPS, Const, Op
from lrtc.ir.types import Elem, Layout, TensorType, parse_elem
from lrtc.ir.verify import IllegalGraph, verify

FORMAT = 1
DTYPES = ("int8", "uint8", "int16", "int32", "int64", "float32")
LARGEST_AXIS, LARGEST_SIZE = 1 << 22, 1 << 28  # of a value that is read
TYPE = re.compile(r"([a-z][0-9]{1,2})\[([0-9x]*):([A-Z]*)(?:\[([A-Z])/([0-9]{1,4})\])?\]", re.ASCII)


def to_data(graph: Graph) -> dict[str, object]:
    """Return the graph as plain data; `from_data` gives it back."""
    return {
        "format": FORMAT,
        "name": graph.name,
        "inputs": [
            {"name": v.name, "type": str(v.type), "scale": v.scale, "zero_point": v.zero_point} for v in graph.inputs
        ],
        "nodes": [
            {"out": n.out, "op": n.op.name, "ins": list(n.ins), "type": str(n.type), "origin": n.origin,
             "attributes": _constant(n.op) if isinstance(n.op, Const) else _attributes(n.op)}
            for n in graph.nodes
        ],
        "outputs": list(graph.outputs),
        "named": list(graph.named),
    }  # fmt: skip


def from_data(data: object) -> Graph:
    """Return the graph of plain data, verified; ValueError says in words what is wrong with it."""
    try:
        return _graph(data)
    except (
        IllegalGraph, ValueError, KeyError, TypeError, IndexError, ArithmeticError, AttributeError, MemoryError,
    ) as error:  # fmt: skip
        raise ValueError(shown(str(error), 160) or type(error).__name__) from None


def _graph(data: object) -> Graph:
    whole = _fields(data, "format", "name", "inputs", "nodes", "outputs", "named")
    if whole["format"] != FORMAT:
        raise ValueError(f"it has another format than {FORMAT}")
    if not NAME.fullmatch(_text(whole["name"])):
        raise ValueError("its name is no plain identifier")
    inputs = tuple(_input(item) for item in _list(whole["inputs"]))
    nodes = tuple(_node(item) for item in _list(whole["nodes"]))
    graph = Graph(
        _text(whole["name"]), inputs, nodes, tuple(map(_text, _list(whole["outputs"]))),
        tuple(map(_text, _list(whole["named"]))),
    )  # fmt: skip
    for kind in (*(v.type for v in graph.inputs), *(n.type for n in graph.nodes)):
        if max(kind.shape, default=1) > LARGEST_AXIS or kind.size > LARGEST_SIZE:
            raise ValueError(f"a value of type {kind} is larger than any network's")
    return verify(graph)


def _constant(op: Const) -> dict[str, object]:
    value, elem = np.ascontiguousarray(op.value), op.type.elem
    if elem.is_float:
        raw = value.astype("<f4").tobytes()
    else:
        shifted = (value.astype(np.int64).reshape(-1) - elem.low) // _step(elem)
        bits = np.stack([(shifted >> k & 1).astype(np.uint8) for k in range(elem.bits)], axis=1)
        raw = np.packbits(bits.reshape(-1), bitorder="little").tobytes()
    return {"dtype": value.dtype.name, "data": base64.b64encode(raw).decode("ascii")}


def _step(elem: Elem) -> int:
    """Return what lies between two values of an element: −1 and +1 are one bit apart."""
    return 2 if elem.kind == "b" else 1


def _array(kind: TensorType, dtype: str, data: str) -> np.ndarray:
    """Return the constant of a type; ValueError unless the data is exactly as long as it."""
    if dtype not in DTYPES or (dtype == "float32") != kind.elem.is_float:
        raise ValueError(f"a constant of {kind} is not held as {dtype}")
    raw = base64.b64decode(data, validate=True)
    elem = kind.elem
    if len(raw) != -(-kind.size * elem.bits // 8):
        raise ValueError(f"{len(raw)} bytes are no {kind}")
    if elem.is_float:
        return np.frombuffer(raw, "<f4").astype(np.float32).reshape(kind.shape)
    bits = np.unpackbits(np.frombuffer(raw, np.uint8), count=kind.size * elem.bits, bitorder="little")
    values = np.zeros(kind.size, np.int64)
    for k in range(elem.bits):
        values += bits[k :: elem.bits].astype(np.int64) << k
    values = values * _step(elem) + elem.low
    held = np.iinfo(dtype)
    if values.size and (values.min() < held.min or values.max() > held.max):
        raise ValueError(f"a constant of {kind} does not fit {dtype}")
    return values.astype(dtype).reshape(kind.shape)


def _attributes(op: Op) -> dict[str, object]:
    """Return the attributes that are not the default, an Elem as it prints."""
    own = op.attributes()
    return {name: str(v) if isinstance(v, Elem) else list(v) if isinstance(v, tuple) else v for name, v in own.items()}


def _input(item: object) -> Input:
    own = _fields(item, "name", "type", "scale", "zero_point")
    scale, zero = _real(own["scale"]), _real(own["zero_point"])
    if not (scale > 0 and math.isfinite(scale) and math.isfinite(zero)):
        raise ValueError(f"an input's scale is {scale}, its zero point {zero}")
    return Input(_text(own["name"]), type_of(_text(own["type"])), scale, zero)


def _node(item: object) -> Node:
    own = _fields(item, "out", "op", "ins", "type", "origin", "attributes")
    kind, out = type_of(_text(own["type"])), _text(own["out"])
    op = OPS.get(_text(own["op"]))
    if op is None:
        raise ValueError(f"{out}: there is no op {own['op']!r}")
    if op is Const:
        held = _fields(own["attributes"], "dtype", "data")
        try:
            made: Op = Const(_array(kind, _text(held["dtype"]), _text(held["data"])), kind)
        except binascii.Error as error:
            raise ValueError(f"{out}: {error}") from None
    else:
        made = _op(op, own["attributes"])
    return Node(out, made, tuple(map(_text, _list(own["ins"]))), kind, _text(own["origin"]))


def _op(op: type[Op], given: object) -> Op:
    if not isinstance(given, Mapping):
        raise ValueError(f"{op.name}: its attributes are no object")
    known = {f.name: f for f in fields(op)}
    if strange := [name for name in given if name not in known]:
        raise ValueError(f"{op.name} has no attribute {strange[0]!r}")
    if lacking := [name for name, f in known.items() if f.default is MISSING and name not in given]:
        raise ValueError(f"{op.name} lacks the attribute {lacking[0]!r}")
    return op(**{name: ATTRIBUTES[str(known[name].type)](value) for name, value in given.items()})


def type_of(text: str) -> TensorType:
    """Return the type that prints as `text`; ValueError if none does."""
    found = TYPE.fullmatch(text)
    if not found or len(text) > 200:
        raise ValueError(f"{text[:60]!r} is no type")
    elem, shape, axes, packed, word = found.groups()
    sizes = tuple(int(n) for n in shape.split("x")) if shape else ()
    return TensorType(sizes, parse_elem(elem), Layout(axes + (packed or ""), int(word or 0)))


def _fields(item: object, *names: str) -> Mapping[str, object]:
    if not isinstance(item, Mapping) or set(item) != set(names):
        raise ValueError(f"an object with {', '.join(names)} is wanted")
    return item


def _list(item: object) -> list[object]:
    if not isinstance(item, list):
        raise ValueError("a list is wanted")
    return item


def _text(item: object) -> str:
    if not isinstance(item, str):
        raise ValueError("a text is wanted")
    return item


def _real(item: object) -> float:
    if isinstance(item, bool) or not isinstance(item, (int, float)):
        raise ValueError("a number is wanted")
    return float(item)


def _int(item: object) -> int:
    if isinstance(item, bool) or not isinstance(item, int) or abs(item) > 1 << 40:
        raise ValueError("a whole number is wanted")
    return item


def _bool(item: object) -> bool:
    if not isinstance(item, bool):
        raise ValueError("true or false is wanted")
    return item


def _ints(number: int | None) -> Callable[[object], tuple[int, ...]]:
    def read(item: object) -> tuple[int, ...]:
        found = tuple(_int(i) for i in _list(item))
        if len(found) != (number or len(found)) or len(found) > 8:
            raise ValueError(f"{number or 'some'} whole numbers are wanted")
        return found

    return read


def _perhaps(read: Callable[[object], object]) -> Callable[[object], object]:
    return lambda item: None if item is None else read(item)


# How an attribute is read, by the annotation of its field; a test asks for every op.
ATTRIBUTES: Mapping[str, Callable[[object], object]] = {
    "int": _int,
    "int | None": _perhaps(_int),
    "float": _real,
    "float | None": _perhaps(_real),
    "bool": _bool,
    "str": _text,
    "Elem": lambda item: parse_elem(_text(item)),
    "tuple[int, ...]": _ints(None),
    "tuple[int, int]": _ints(2),
    "tuple[int, int, int, int]": _ints(4),
}
