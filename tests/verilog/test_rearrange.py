"""The stages of a rearrangement give every element its place, and take a pixel a cycle wherever tiles fit."""

from __future__ import annotations

from math import prod
from random import Random

import numpy as np
import pytest

from lrtc.plan.rearrange import Pack, Turn, Unpack, Wires, beats, moves, order_of, walks


def play(stages, pixels: np.ndarray) -> np.ndarray:
    """Return the pixels that leave the stages."""
    for stage in stages:
        match stage:
            case Pack(ratio, count):
                assert len(pixels) == ratio * count
                pixels = pixels.reshape(count, -1)
            case Unpack(ratio, count):
                assert len(pixels) == count
                pixels = pixels.reshape(ratio * count, -1)
            case Wires(count, elements, walk):
                items = pixels.reshape(len(pixels), count, elements)
                pixels = items[:, places(walk)].reshape(len(pixels), -1)
            case Turn(words, blocks, elements, walk):
                assert pixels.shape == (words * blocks, elements)
                pixels = pixels.reshape(blocks, words, elements)[:, places(walk)].reshape(pixels.shape)
    return pixels


def places(walk) -> list[int]:
    found = [0]
    for count, stride in walk:
        found = [place + step * stride for step in range(count) for place in found]
    return found


def draw(rng: Random):
    """Return a shape and one to three steps (axes, shape)."""
    shape = tuple(rng.choice((1, 2, 3, 4, 5, 6, 8, 12)) for _ in range(rng.choice((1, 3, 3))))
    steps, now = [], shape
    for _ in range(rng.choice((1, 1, 2, 3))):
        axes = tuple(rng.sample(range(len(now)), len(now)))
        size = prod(now)
        rows = rng.choice([n for n in range(1, size + 1) if size % n == 0])
        columns = rng.choice([n for n in range(1, size // rows + 1) if size // rows % n == 0])
        now = rng.choice(((size,), (rows, columns, size // rows // columns), tuple(now[axis] for axis in axes)))
        steps.append((axes, now))
    return shape, steps


def test_random_orders():
    rng, seen = Random(0), set()
    for _ in range(1500):
        shape, steps = draw(rng)
        order, before, after = order_of(shape, steps), shape[-1], steps[-1][1][-1]
        if not walks(order):
            assert len(steps) > 1
            with pytest.raises(ValueError, match="nested counters"):
                moves(order, before, after)
            continue
        stages = moves(order, before, after)
        seen |= {tuple(type(stage).__name__ for stage in stages)}
        got = play(stages, np.arange(len(order)).reshape(-1, before))
        assert got.shape == (len(order) // after, after)
        np.testing.assert_array_equal(got.reshape(-1), order, str((shape, steps)))
        serial = isinstance(stages[0], Unpack) and isinstance(stages[-1], Pack) if stages else False
        most = max(len(order) // before, len(order) // after)
        assert serial or beats(stages, len(order) // before) == most
    assert seen >= {(), ("Wires",), ("Turn",), ("Pack", "Wires", "Unpack"), ("Unpack", "Turn", "Pack"),
                    ("Turn", "Pack", "Wires", "Unpack", "Turn"), ("Unpack", "Pack")}  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "axes", "new", "stages"),
    [
        ((4, 5, 6), (0, 1, 2), (5, 4, 6), ()),
        ((4, 5, 6), (0, 1, 2), (20, 2, 3), (Unpack(2, 20),)),
        ((4, 5, 6), (1, 0, 2), (5, 4, 6), (Turn(20, 1, 6, ((4, 5), (5, 1))),)),
        # rows become channels: the rows of a column come one after another, then make a tile
        ((4, 5, 6), (1, 2, 0), (5, 6, 4),
         (Turn(20, 1, 6, ((4, 5), (5, 1))), Pack(4, 5), Wires(24, 1, ((4, 6), (6, 1))), Unpack(6, 5))),
        # a row is all that must be held
        ((4, 5, 6), (0, 2, 1), (4, 6, 5), (Pack(5, 4), Wires(30, 1, ((5, 6), (6, 1))), Unpack(6, 4))),
    ],
)  # fmt: skip
def test_stages(shape, axes, new, stages):
    assert moves(order_of(shape, [(axes, new)]), shape[-1], new[-1]) == stages
