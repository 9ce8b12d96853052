"""How a stream puts the elements of an image in another order, and makes pixels of another size of them.

The axes that move are digits of an element's place. Those that enter a pixel, or leave it, make a tile: some beats are
packed into one, wires put its elements in order, and it is unpacked again. Whole pixels move through a memory that
holds a block of them. So a pixel goes in and out every cycle, whatever the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import gcd, prod

import numpy as np

Walk = tuple[tuple[int, int], ...]  # (count, stride) of nested counters, the fastest first


@dataclass(frozen=True)
class Pack:
    """`ratio` beats become one; it makes `beats` an image."""

    ratio: int
    beats: int


@dataclass(frozen=True)
class Unpack:
    """One beat becomes `ratio`; it takes `beats` an image."""

    ratio: int
    beats: int


@dataclass(frozen=True)
class Wires:
    """The items of a beat, of `elements` elements each, in the order of a walk; `count` of them."""

    count: int
    elements: int
    walk: Walk


@dataclass(frozen=True)
class Turn:
    """Beats of `elements` elements in the order of a walk over a block of `words`; `blocks` an image."""

    words: int
    blocks: int
    elements: int
    walk: Walk


Move = Pack | Unpack | Wires | Turn


@dataclass(frozen=True)
class _Digit:
    """A digit of an element's place: `count` values, and what one is worth at the source and in the result."""

    count: int
    source: int
    place: int


def order_of(shape: Sequence[int], steps: Sequence[tuple[tuple[int, ...], tuple[int, ...]]]) -> np.ndarray:
    """Return int [N]: which element comes at each place after all steps (axes, shape) of a value of that shape."""
    order = np.arange(prod(shape), dtype=np.int64).reshape(shape)
    for axes, then in steps:
        order = order.transpose(axes).reshape(then)
    return order.reshape(-1)


def walks(order: np.ndarray) -> bool:
    """Return whether nested counters reach the elements in this order."""
    return _digits(order) is not None


def moves(order: np.ndarray, before: int, after: int) -> tuple[Move, ...]:
    """Return the stages that make pixels of `after` elements of pixels of `before`; ValueError unless it `walks`."""
    digits = _digits(order)
    if digits is None:
        raise ValueError("no nested counters reach the elements in this order")
    cut = _cut(digits, before, "source")
    cut = cut and _cut(cut, after, "place")
    return _serial(digits, before, after) if cut is None else _tiled(cut, before, after)


def beats(stages: Sequence[Move], pixels: int) -> int:
    """Return the most beats an image anywhere; pixels: those that come."""
    most = now = pixels
    for stage in stages:
        now = stage.beats if isinstance(stage, Pack) else now * stage.ratio if isinstance(stage, Unpack) else now
        most = max(most, now)
    return most


def _digits(order: np.ndarray) -> list[_Digit] | None:
    """Return the digits of an order, the fastest in the result first; None if it has none."""
    found, place = [], 1
    while len(order) > 1:
        step = order[1] - order[0]
        other = np.flatnonzero(np.diff(order) != step)
        run = int(other[0]) + 1 if len(other) else len(order)
        if len(order) % run:
            return None
        rows = order.reshape(-1, run)
        if (rows != rows[:, :1] + step * np.arange(run)).any():
            return None
        found.append(_Digit(run, int(step), place))
        place, order = place * run, rows[:, 0]
    return found


def _cut(digits: Sequence[_Digit], size: int, side: str) -> list[_Digit] | None:
    """Return the digits, none of which lies on both sides of a pixel of `size` elements; None if one cannot be cut."""
    found = []
    for digit in digits:
        worth = getattr(digit, side)
        if not worth < size < worth * digit.count:
            found.append(digit)
            continue
        low = size // worth
        if size % worth or digit.count % low:
            return None
        high = _Digit(digit.count // low, digit.source * low, digit.place * low)
        found += [replace(digit, count=low), high]
    return found


def _count(digits: Sequence[_Digit]) -> int:
    return prod(digit.count for digit in digits)


def _walk(arriving: Sequence[_Digit], leaving: Sequence[_Digit]) -> Walk:
    """Return the walk over what arrives in one order that lets it leave in another; orders: the fastest digit first."""
    worth, stride = {}, 1
    for digit in arriving:
        worth[digit] = stride
        stride *= digit.count
    found: list[tuple[int, int]] = []
    for digit in leaving:
        if found and worth[digit] == found[-1][0] * found[-1][1]:
            found[-1] = (found[-1][0] * digit.count, found[-1][1])
        else:
            found.append((digit.count, worth[digit]))
    return tuple(found)


def _turn(arriving: Sequence[_Digit], leaving: Sequence[_Digit], elements: int) -> list[Turn]:
    """Return the memory that changes the order of pixels, or nothing if they stay as they are."""
    blocks, kept = 1, len(arriving)
    while kept and arriving[kept - 1] == leaving[kept - 1]:
        kept -= 1
        blocks *= arriving[kept].count
    words = _count(arriving[:kept])
    return [Turn(words, blocks, elements, _walk(arriving[:kept], leaving[:kept]))] if kept else []


def _tiled(digits: Sequence[_Digit], before: int, after: int) -> tuple[Move, ...]:
    """Return a memory of what comes, a tile, a memory of what leaves, where each is needed."""

    def source(digit: _Digit) -> int:
        return digit.source

    def place(digit: _Digit) -> int:
        return digit.place

    inside = sorted((d for d in digits if d.source < before), key=source)
    wanted = sorted((d for d in digits if d.place < after), key=place)
    come = sorted((d for d in digits if d.source >= before), key=source)
    leave = sorted((d for d in digits if d.place >= after), key=place)
    enter = [d for d in come if d.place < after]
    exit_ = [d for d in leave if d.source < before]
    tried = []
    for rest in ([d for d in leave if d.source >= before], [d for d in come if d.place >= after]):
        first, last = _turn(come, [*enter, *rest], before), _turn([*exit_, *rest], leave, after)
        tried.append((first, last))
    first, last = min(tried, key=lambda pair: sum(turn.words * turn.elements for turn in (*pair[0], *pair[1])))
    tile: list[Move] = []
    tiles = _count(come) // _count(enter)
    if enter:
        tile.append(Pack(_count(enter), tiles))
    arriving, leaving = [*inside, *enter], [*wanted, *exit_]
    if arriving != leaving:
        walk, elements = _walk(arriving, leaving), 1
        if walk[0][1] == 1:
            elements, walk = walk[0][0], tuple((count, stride // walk[0][0]) for count, stride in walk[1:])
        tile.append(Wires(_count(arriving) // elements, elements, walk))
    if exit_:
        tile.append(Unpack(_count(exit_), tiles))
    return (*first, *tile, *last)


def _serial(digits: Sequence[_Digit], before: int, after: int) -> tuple[Move, ...]:
    """Return stages between which as few elements move at once as stay together: pixels that no tile is made of."""
    together = gcd(before, after, digits[0].count if digits[0].source == 1 else 1)
    words = _cut(digits, together, "source") if together > 1 else digits
    words = [d for d in words or () if d.source >= together]
    size = _count(words)
    turn = _turn(sorted(words, key=lambda d: d.source), sorted(words, key=lambda d: d.place), together)
    down = [Unpack(before // together, size * together // before)] if before > together else []
    up = [Pack(after // together, size * together // after)] if after > together else []
    return (*down, *turn, *up)
