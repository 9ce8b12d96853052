"""What sliced kernels add and start from: planes turned so that lists are short, start values that hold constants."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.menu.base import Matrix
from lrtc.backends.c.menu.lists import Lists, Slots
from lrtc.backends.c.weights import border

TURN_STARTS, TURN_ROUNDS, TURN_SIZE = 8, 50, 1 << 18  # one start for more weights than that
Encode = Callable[[list[list[np.ndarray]], Slots], Lists]


@dataclass(frozen=True, eq=False)
class Sizes:
    """Bits and start values. values: int64 [classes, O]; bits: planes of them; total_bits: of the sum of all planes.

    inverted: bool [O], outputs that come out as their opposite. turned: bool [Kh,Kw,C], planes that are complemented.
    """

    values: np.ndarray
    bits: int
    total_bits: int
    inverted: np.ndarray
    turned: np.ndarray


def _needed(layer: Matrix, weights: np.ndarray, turned: np.ndarray) -> np.ndarray:
    """Return [classes, O] what Σ w·a must reach: ⌈(level + Σ w inside) / 2⌉, and Σ w of turned planes outside: 1."""
    inside = weights.sum(axis=(1, 2, 3)) - border(layer.window, weights).missing
    return -(-(layer.level + inside) // 2) + border(layer.window, weights * turned).missing


def _turns(weights: np.ndarray) -> np.ndarray:
    """Return the planes, bool [Kh,Kw,C], to turn so that outputs, turned or not, have few weights +1.

    Planes and outputs are turned in turn until nothing changes, from several starts: the switching game of Gale and
    Berlekamp, of which this finds no optimum.
    """
    signs = weights.reshape(len(weights), -1).astype(np.float32)
    rng, best, least = np.random.default_rng(0), np.zeros(signs.shape[1], dtype=bool), np.inf
    for start in range(TURN_STARTS if signs.size < TURN_SIZE else 1):
        outputs = rng.choice(np.float32((-1, 1)), len(signs)) if start else np.ones(len(signs), np.float32)
        for _ in range(TURN_ROUNDS):
            planes = np.where(outputs @ signs > 0, np.float32(-1), np.float32(1))
            sums = signs @ planes
            again = np.where(sums > 0, np.float32(-1), np.float32(1))
            if (again == outputs).all():
                break
            outputs = again
        if -np.abs(sums).sum() < least:
            best, least = planes < 0, -np.abs(sums).sum()
    return best.reshape(weights.shape[1:])


def bipolar(layer: Matrix, weights: np.ndarray, slots: Slots, low: int, encode: Encode) -> tuple[Lists, Sizes]:
    """y = Σ w·a ≥ t. With s = Σ a over the listed planes and A over all: 2·s − t ≥ A if they have weight +1; else
    A − 2·s ≥ t, which is not 2·s + t − 1 ≥ A. Both sides get 2^n more, so that no start value is negative.
    """
    turned = _turns(weights)
    weights = np.where(turned, -weights, weights)
    plus, n = (weights > 0).sum(axis=(1, 2, 3)), weights[0].size
    inverted = 2 * plus > n
    few = np.where(inverted, n - plus, plus)
    need = np.clip(_needed(layer, weights, turned), plus - n, plus + 1)
    bits = max(int(n).bit_length(), low + 2)
    values = np.where(inverted, need - 1, -need) + (1 << bits)
    greatest = int((values.max(axis=0) + 2 * few).max())
    wanted = (weights > 0) ^ inverted[:, None, None, None]
    lists = encode([[row] for row in wanted], slots)
    return lists, Sizes(values, max(greatest.bit_length(), bits + 1), bits, inverted, turned)


def ternary(layer: Matrix, weights: np.ndarray, slots: Slots, low: int, encode: Encode) -> tuple[Lists, Sizes]:
    """y = p − m ≥ t, sums over planes of weight +1 and −1. The counters of n bits start at 2^(n−1) − t, take in p, are
    complemented, and take in m: then they hold 2^n − 1 − (2^(n−1) − t + p − m), whose top bit is 0 where p − m ≥ t.
    """
    plus, minus = (weights > 0).sum(axis=(1, 2, 3)), (weights < 0).sum(axis=(1, 2, 3))
    turned = np.zeros(weights.shape[1:], dtype=bool)
    need = np.clip(_needed(layer, weights, turned), -minus, plus + 1)
    bits = max(int((plus + minus).max(initial=0)).bit_length() + 1, low + 2)
    lists = encode([[row > 0, row < 0] for row in weights], slots)
    return lists, Sizes((1 << (bits - 1)) - need, bits, 0, np.zeros(len(weights), bool), turned)
