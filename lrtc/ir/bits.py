"""Bit-planes: the only place that knows which bit of which word holds which element.

A packed value keeps its leading axes and splits its last axis, of n elements, into ceil(n/word) words.
Element k of the last axis is bit k mod word of word k // word; tail bits are 0.
Planes: `b1` has one (1 ⇔ +1); `t2` has `mask` (1 ⇔ not 0) and `sign` (1 ⇔ −1; 0 where the mask is 0).
"""

from __future__ import annotations

import numpy as np

from lrtc.ir.types import Elem

PLANES = {"b": ("plane",), "t": ("mask", "sign")}


def words_for(n: int, word: int) -> int:
    """Return how many words of `word` bits hold n bits."""
    return -(-n // word)


def planes(values: np.ndarray, elem: Elem) -> tuple[np.ndarray, ...]:
    """Return the bool planes of logical values (int8), in the order of PLANES."""
    if elem.kind == "b":
        return (values > 0,)
    if elem.kind == "t":
        return (values != 0, values < 0)
    raise ValueError(f"{elem} has no bit-planes")


def pack_bits(bits: np.ndarray, word: int) -> np.ndarray:
    """Pack bool [..., n] into [..., ceil(n/word)] unsigned integers (word 8, 16, 32 or 64)."""
    n = bits.shape[-1]
    padded = np.zeros((*bits.shape[:-1], words_for(n, word) * word), dtype=np.uint8)
    padded[..., :n] = bits
    octets = np.packbits(padded, axis=-1, bitorder="little")
    return np.ascontiguousarray(octets).view(np.dtype(f"<u{word // 8}"))


def unpack_bits(words: np.ndarray, n: int) -> np.ndarray:
    """Return bool [..., n] from packed words; the inverse of pack_bits."""
    octets = np.ascontiguousarray(words).view(np.uint8)
    return np.unpackbits(octets, axis=-1, count=n, bitorder="little").astype(bool)


def pack(values: np.ndarray, elem: Elem, word: int) -> tuple[np.ndarray, ...]:
    """Return the packed planes of logical values [..., n]; see the module's words for the order."""
    return tuple(pack_bits(p, word) for p in planes(values, elem))


def unpack(packed: tuple[np.ndarray, ...], elem: Elem, n: int) -> np.ndarray:
    """Return int8 logical values [..., n] from packed planes; the inverse of pack."""
    bits = [unpack_bits(p, n) for p in packed]
    if elem.kind == "b":
        return np.where(bits[0], 1, -1).astype(np.int8)
    mask, sign = bits
    return np.where(mask, np.where(sign, -1, 1), 0).astype(np.int8)
