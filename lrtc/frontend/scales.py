"""The step of a quantiser from the values that it is to carry: the one with the least squared error."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

CANDIDATES = 100  # clip points tried: 1 % … 100 % of the greatest magnitude
MOST_VALUES = 1 << 18  # that the error is measured on: drawn, because every k-th may be one column of all images


@dataclass(frozen=True)
class Scale:
    """A quantiser code = clip(round(v / step), low, high) of values v, and how well it fits the values it is made from.

    clip: the greatest value that it holds, step · high. saturated: share of the values beyond what it holds.
    error: root mean square of v − step · code, as a share of that of v.
    """

    bits: int
    signed: bool
    step: float
    clip: float
    saturated: float
    error: float


def limits(bits: int, signed: bool) -> tuple[int, int]:
    """Return (least, greatest) code."""
    return (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if signed else (0, (1 << bits) - 1)


def best_scale(values: np.ndarray, bits: int) -> Scale:
    """Return the quantiser of `bits` bits, signed if a value is below 0, whose squared error on the values is least.

    The clip points that are tried lie evenly between 0 and the greatest magnitude; of two as good the smaller one.
    """
    v = np.asarray(values, dtype=np.float64).ravel()
    signed = bool(v.min(initial=0) < 0)
    top = float(np.abs(v).max(initial=0))
    sample = v if v.size <= MOST_VALUES else np.random.default_rng(0).choice(v, MOST_VALUES)
    if top == 0:
        return measured(v, bits, signed, 1.0)
    high = limits(bits, signed)[1]
    steps = top * np.arange(1, CANDIDATES + 1) / CANDIDATES / high
    errors = [_squared(sample, step, bits, signed) for step in steps]
    return measured(v, bits, signed, float(steps[int(np.argmin(errors))]))


def measured(values: np.ndarray, bits: int, signed: bool, step: float) -> Scale:
    """Return the quantiser with this step, measured on the values."""
    v = np.asarray(values, dtype=np.float64).ravel()
    low, high = limits(bits, signed)
    beyond = float(((v > (high + 0.5) * step) | (v < (low - 0.5) * step)).mean()) if v.size else 0.0
    power = float(np.square(v).mean()) if v.size else 0.0
    error = (_squared(v, step, bits, signed) / power) ** 0.5 if power else 0.0
    return Scale(bits, signed, step, step * high, beyond, error)


def covering(values: np.ndarray, step: float, bits: tuple[int, int]) -> tuple[int, bool]:
    """Return (bits, signed) of the narrowest codes that hold the values in this step, or of the widest."""
    signed, top = bool(values.min(initial=0) < 0), float(np.abs(values).max(initial=0)) / step
    return next((n for n in range(*bits) if limits(n, signed)[1] + 0.5 >= top), bits[1]), signed


def _squared(v: np.ndarray, step: float, bits: int, signed: bool) -> float:
    return float(np.square(v - step * np.clip(np.rint(v / step), *limits(bits, signed))).mean())
