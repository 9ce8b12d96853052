"""How C holds a value: the machine type, how many of them a pixel takes, and which kernel reads one element."""

from __future__ import annotations

from math import prod

from lrtc.ir import TensorType
from lrtc.ir.bits import words_for

WORD = 32
BYTES = {"uint32_t": 4, "int32_t": 4, "uint8_t": 1, "int8_t": 1, "lrtc_uint16": 2, "lrtc_int16": 2}


def kind_of(type_: TensorType) -> str:
    """Return "b1" or "t2" for packed planes, "int" for machine integers."""
    return {"b": "b1", "t": "t2"}.get(type_.elem.kind, "int")


def ctype_of_value(type_: TensorType) -> str:
    """Return the C type of the unit in which a value lies: a word of lanes, or the narrowest integer."""
    kind, bits = type_.elem.kind, type_.elem.bits
    if kind in "bt":
        return "uint32_t"
    if bits > 16:
        return "int32_t"
    wide = "lrtc_int16" if kind == "i" else "lrtc_uint16"
    return wide if bits > 8 else wide.removeprefix("lrtc_").replace("16", "8_t")


def depth(type_: TensorType) -> int:
    """Return the units of one pixel; the words of `t2` lie in pairs, mask and sign."""
    channels = type_.shape[-1]
    return {"b1": 1, "t2": 2}[kind_of(type_)] * words_for(channels, WORD) if type_.elem.is_discrete else channels


def pixel_bytes(type_: TensorType) -> int:
    """Return the bytes of one pixel."""
    return depth(type_) * BYTES[ctype_of_value(type_)]


def pixels(type_: TensorType) -> int:
    """Return the number of pixels: the elements of all axes but the last."""
    return prod(type_.shape[:-1])


def size_bytes(type_: TensorType) -> int:
    """Return the bytes of a value."""
    return pixels(type_) * pixel_bytes(type_)
