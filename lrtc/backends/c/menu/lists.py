"""Lists of planes as records of bytes: which planes of a scratch array one output adds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.backends.c.windows import Window

NEAR = 63  # slots that a byte reaches as a distance in quarters of a slot
FAR = 255  # and as a distance in slots
NIBBLE = 15  # slots that half a byte steps over


@dataclass(frozen=True, eq=False)
class Slots:
    """Where the planes of a window lie in scratch. at: int64 [Kh,Kw,C]; zeros: the slots of planes of zeros, rising.

    At most NEAR slots lie from any plane to the next plane of zeros. `first` slots come before; size: all slots.
    """

    at: np.ndarray
    zeros: np.ndarray
    first: int
    size: int


@dataclass(frozen=True, eq=False)
class Lists:
    """What a layer adds: records of all outputs in a row, and how many each list has, int64 [O, 1 or 2].

    bipolar: the list of the rarer sign; ternary: of +1, then of −1. add: the text of hw/c that adds them; stride: items
    of a record.
    """

    records: np.ndarray
    counts: np.ndarray
    add: str
    stride: int


def slots_by_column(window: Window, first: int, reach: int) -> tuple[Slots, int]:
    """Return slots in the order row of the kernel, channel, column, and after how many channels zeros follow.

    From any slot the next zeros are at most `reach` away.
    """
    rows, cols = window.kernel
    run = min(window.channels, (reach - 1) // cols)
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


def byte_lists(wanted: list[list[np.ndarray]], slots: Slots, size: int) -> Lists:
    """Return the lists of bool [Kh,Kw,C] masks, [O][lists].

    Distances are in quarters of a slot, which the word's width scales for free, unless that takes many more records.
    """
    rows = [[np.sort(slots.at[mask]) for mask in masks] for masks in wanted]
    best: Lists | None = None
    for name, reach, unit in ((f"add{size}", NEAR, 4), (f"add{size}_far", FAR, 1)):
        found = [[records(planes, slots, size, reach) for planes in lists] for lists in rows]
        counts = np.array([[len(r) for r in lists] for lists in found], dtype=np.int64)
        if best is None or best.counts.sum() > 1.1 * counts.sum():
            every = np.concatenate([r for lists in found for r in lists])
            units = np.array([1] + [unit] * size, dtype=np.uint8)
            best = Lists((every * units).reshape(-1), counts, name, 1 + size)
    return best


def nibble_lists(wanted: list[list[np.ndarray]], slots: Slots) -> Lists:
    """Return the lists of bool [Kh,Kw,C] masks, [O][lists], as words of eight steps of four bits, the lowest first."""
    found = [[_steps(np.sort(slots.at[mask]), slots).reshape(-1, 8) for mask in masks] for masks in wanted]
    counts = np.array([[len(r) for r in lists] for lists in found], dtype=np.int64)
    every = np.concatenate([r for lists in found for r in lists])
    words = (every.astype(np.uint32) << np.arange(0, 32, 4, dtype=np.uint32)).sum(axis=1, dtype=np.uint32)
    return Lists(words, counts, "add8_nibbles", 1)


def _steps(wanted: np.ndarray, slots: Slots) -> np.ndarray:
    """Return steps of 0 to 15, from the slot before the first over all of `wanted`.

    Zeros are bridges where planes are farther apart, and fill the last eight.
    """
    if not len(wanted):
        return wanted
    start = slots.first - 1
    steps = np.diff(wanted, prepend=start)
    if (steps > NIBBLE).any():
        visited, here = [], start
        for there in wanted.tolist():
            while there - here > NIBBLE:
                here = int(slots.zeros[np.searchsorted(slots.zeros, here + NIBBLE, side="right") - 1])
                visited.append(here)
            visited.append(there)
            here = there
        steps = np.diff(np.array(visited), prepend=start)
    if rest := -len(steps) % 8:
        last = int(wanted[-1])
        steps = np.append(steps, [slots.zeros[np.searchsorted(slots.zeros, last)] - last] + [0] * (rest - 1))
    return steps
