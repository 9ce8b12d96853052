"""Lists of planes as records of bytes: which planes of a scratch array one output adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.windows import Window

NEAR = 63  # slots that a byte reaches as a distance in bytes
FAR = 255  # and as a distance in slots


@dataclass(frozen=True, eq=False)
class Slots:
    """Where the planes of a window lie in scratch. at: int64 [Kh,Kw,C]; zeros: the slots of planes of zeros, rising.

    At most NEAR slots lie from any plane to the next plane of zeros. `first` slots come before; size: all slots.
    """

    at: np.ndarray
    zeros: np.ndarray
    first: int
    size: int


def slots_by_column(window: Window, first: int) -> tuple[Slots, int]:
    """Return slots in the order row of the kernel, channel, column, and after how many channels zeros follow."""
    rows, cols = window.kernel
    run = min(window.channels, (NEAR - 1) // cols)
    run = -(-window.channels // -(-window.channels // run))  # runs of like length
    c = np.arange(window.channels)
    runs = -(-window.channels // run)
    row = window.channels * cols + runs
    in_row = c[:, None] * cols + (c // run)[:, None] + np.arange(cols)
    at = first + np.arange(rows)[:, None, None] * row + in_row.T[None]
    ends = np.minimum((np.arange(runs) + 1) * run, window.channels) * cols + np.arange(runs)
    zeros = (first + np.arange(rows)[:, None] * row + ends).reshape(-1)
    return Slots(at, zeros, first, first + rows * row), run


def slots_by_tap(window: Window, first: int) -> Slots:
    """Return slots in the order row and column of the kernel, word of 32 channels with zeros after each."""
    c, words = np.arange(window.channels), -(-window.channels // 32)
    tap = window.channels + words
    taps = np.arange(window.taps).reshape(window.kernel)
    at = first + taps[..., None] * tap + c + c // 32
    ends = np.minimum((np.arange(words) + 1) * 32, window.channels) + np.arange(words)
    zeros = (first + np.arange(window.taps)[:, None] * tap + ends).reshape(-1)
    return Slots(at, zeros, first, first + window.taps * tap)


def records(wanted: np.ndarray, slots: Slots, size: int, reach: int) -> np.ndarray:
    """Return the records uint8 [n, 1 + size] of the rising slots `wanted`: a step, then distances of at most `reach`.

    The step is from the place of the record before (at first slot 0) to the record's own. A record with fewer than
    `size` planes left in its reach takes planes of zeros.
    """
    n = len(wanted)
    if not n:
        return np.zeros((0, 1 + size), dtype=np.uint8)
    after = np.minimum(np.arange(n) + size, np.searchsorted(wanted, wanted + reach, side="right"))
    starts = np.arange(0, n, size)
    if not (after[starts] == np.minimum(starts + size, n)).all():
        starts, hops, at = [], after.tolist(), 0
        while at < n:
            starts.append(at)
            at = hops[at]
        starts = np.array(starts)
    place = wanted[starts]
    entry = starts[:, None] + np.arange(size)
    zero = slots.zeros[np.searchsorted(slots.zeros, place)]
    entry = np.where(entry < after[starts][:, None], wanted[np.minimum(entry, n - 1)], zero[:, None])
    step = np.diff(place, prepend=0)
    if (step > FAR).any():
        return _with_stops(place, entry, slots)
    return np.concatenate([step[:, None], entry - place[:, None]], axis=1).astype(np.uint8)


def _with_stops(place: np.ndarray, entry: np.ndarray, slots: Slots) -> np.ndarray:
    """Return the records with others between them that only add zeros, where a step is beyond a byte."""
    rows, here = [], 0
    for there, planes in zip(place.tolist(), entry.tolist(), strict=True):
        while there - here > FAR:
            here += FAR
            zero = int(slots.zeros[np.searchsorted(slots.zeros, here)])
            rows.append([FAR] + [zero - here] * len(planes))
        rows.append([there - here] + [plane - there for plane in planes])
        here = there
    return np.array(rows, dtype=np.uint8)
