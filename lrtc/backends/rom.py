"""ROM images: the weights, levels and multipliers of a layer as the rows that the RTL library reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lrtc.ir import Elem
from lrtc.ir.bits import planes

WEIGHT_KIND = {"b": 0, "t": 1, "i": 2, "u": 2}  # WeightKind of lrtc_mvu


def weight_bits(elem: Elem) -> int:
    """Return the bits of a weight in the memory; one that is unsigned gets a sign."""
    return elem.bits + (elem.kind == "u")


def integer_bits(values: np.ndarray, width: int) -> np.ndarray:
    """Return bool […, width]: two's complement, bit 0 first."""
    return (values.astype(np.int64)[..., None] >> np.arange(width)) & 1 != 0


def index_bits(n: int) -> int:
    """Return the width of an index below n; at least 1."""
    return max(1, (n - 1).bit_length())


def literal(bits: np.ndarray) -> str:
    """Return a literal of bool [N], bit 0 first."""
    return f"{len(bits)}'h{int(''.join('01'[int(b)] for b in reversed(bits)), 2):x}"


def vector(numbers: Sequence[int]) -> str:
    """Return a concatenation of integers of 32 bits, the first at the LSBs."""
    texts = [f"32'd{n}" for n in reversed(numbers)]
    return f"{{{', '.join(texts)}}}"


def signed_bits(values: np.ndarray) -> int:
    """Return the least width of two's complement that holds all values."""
    return int(np.where(values < 0, ~values.astype(np.int64), values).max()).bit_length() + 1


def weight_rows(weights: np.ndarray, elem: Elem, pe: int, simd: int) -> np.ndarray:
    """Return bool [NF*SF, pe*simd*bits] of weights [O, Fan]: row nf*SF + sf, PE after PE, lane 0 first.

    A ternary row is its mask bits, then its sign bits; a bipolar lane is one bit; an integer lane is signed.
    """
    outputs, fan = weights.shape
    folded = weights.reshape(outputs // pe, pe, fan // simd, simd).transpose(0, 2, 1, 3)
    integer = elem.kind in "iu"  # [NF, SF, pe, simd, bits], else [NF, SF, pe, planes, simd]
    bits = integer_bits(folded, weight_bits(elem)) if integer else np.stack(planes(folded, elem), axis=-2)
    return bits.reshape(folded.shape[0] * folded.shape[1], -1)


def code(value: np.ndarray, elem: Elem) -> np.ndarray:
    """Return bool […, bits]: elements as streams carry them, bit 0 first."""
    return value[..., None] > 0 if elem.kind == "b" else integer_bits(value, elem.bits)


def threshold_rows(rows: np.ndarray, pe: int, acc_bits: int) -> np.ndarray:
    """Return bool [NF, pe*(K*(acc_bits+1)+1)] of (level 1 … level K, flip) [K+1, O]: an entry is {flip, level K … 1}.

    Levels beyond what the accumulator reaches are moved to just beyond it: the comparison stays the same.
    """
    half = 1 << (acc_bits - 1)
    levels = integer_bits(np.clip(rows[:-1].astype(np.int64), -half, half), acc_bits + 1)  # [K, O, bits]
    entries = np.concatenate([np.hstack(levels), rows[-1][:, None] != 0], axis=1)
    return entries.reshape(-1, pe * entries.shape[1])


def affine_rows(rows: np.ndarray, pe: int, mult_bits: int, offset_bits: int) -> np.ndarray:
    """Return bool [NF, pe*(mult_bits+offset_bits)] of (multiplier, offset) [2, O]: an entry is {multiplier, offset}."""
    entries = np.concatenate([integer_bits(rows[1], offset_bits), integer_bits(rows[0], mult_bits)], axis=1)
    return entries.reshape(-1, pe * (mult_bits + offset_bits))


def hex_image(title: str, rows: np.ndarray) -> str:
    """Return the $readmemh text of bool rows [R, width], bit 0 of each row first; `title` becomes its comment."""
    digits = -(-rows.shape[1] // 4)
    octets = np.packbits(rows, axis=1, bitorder="little")[:, ::-1]  # most significant octet first
    lines = (row.tobytes().hex()[-digits:] for row in octets)
    return "\n".join([f"// {title}", *lines, ""])
