"""Bit-planes: packing is lossless, tails are zero, bit k of word k // w is element k."""

from __future__ import annotations

import numpy as np
import pytest

from lrtc.ir import B1, T2
from lrtc.ir.bits import pack, unpack, words_for


@pytest.mark.parametrize("word", [8, 16, 32, 64])
@pytest.mark.parametrize("elem", [B1, T2])
def test_round_trip_across_word_edges(word, elem):
    rng = np.random.default_rng(word)
    for n in (1, 3, word - 1, word, word + 1, 2 * word + 5):
        low = (-1, 1) if elem is B1 else (-1, 0, 1)
        values = rng.choice(low, (2, 3, n)).astype(np.int8)
        packed = pack(values, elem, word)
        assert packed[0].shape == (2, 3, words_for(n, word))
        assert packed[0].dtype.itemsize * 8 == word
        np.testing.assert_array_equal(unpack(packed, elem, n), values)


def test_places_of_bits_and_zero_tail():
    values = -np.ones((1, 35), dtype=np.int8)
    values[0, [0, 31, 34]] = 1
    (plane,) = pack(values, B1, 32)
    assert [hex(v) for v in plane[0]] == ["0x80000001", "0x4"]


def test_ternary_sign_is_zero_where_the_mask_is():
    mask, sign = pack(np.array([[0, 1, -1, 0]], dtype=np.int8), T2, 8)
    assert (int(mask[0, 0]), int(sign[0, 0])) == (0b0110, 0b0100)
