"""The pass at the input: an image as a vector for words. Real thresholds."""

from __future__ import annotations

import numpy as np
import pytest

from lrtc import interp
from lrtc.ir import B1, U8, Elem, Graph, GraphBuilder, TypeRule, tensor, to_text
from lrtc.ir.ops import Conv2d, Divide, Linear, ScaleBias, Threshold
from lrtc.passes import run_pipeline
from lrtc.passes.flatten_input import FlattenInput
from lrtc.passes.fold_thresholds import FoldThresholds


def digits(channels: int, conv: bool = False) -> Graph:
    """x [4,3,C] → threshold → linear, and a convolution of x beside it if `conv`."""
    rng = np.random.default_rng(channels)
    b = GraphBuilder("g")
    x = b.input("x", tensor((4, 3, channels), U8), 0.5)
    rows = np.stack([rng.integers(0, 256, channels), rng.integers(0, 2, channels)]).astype(np.int32)
    z = b.add(Threshold(B1), [x, b.const("t", rows)], "z", "act")
    w = np.where(rng.random((5, 4, 3, channels)) < 0.5, 1, -1).astype(np.int8)
    y = b.add(Linear(), [z, b.const("w", w, tensor(w.shape, B1))], "y", "fc")
    if not conv:
        return b.finish([y])
    k = b.const("k", w[:, :1, :1], tensor((5, 1, 1, channels), B1))
    return b.finish([y, b.add(Conv2d(), [x, k], "c", "conv")])


def images(graph: Graph) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (20, *graph.inputs[0].type.shape)).astype(np.uint8)


def lines(graph: Graph) -> list[str]:
    return [" ".join(line.split()) for line in to_text(graph).splitlines() if "const" not in line]


def test_an_image_that_is_read_as_a_vector_becomes_one():
    graph = digits(3)
    flat = FlattenInput().run(graph)
    assert lines(flat) == [
        "graph @g(%x: u8[36:C]) {",
        "%z = threshold %x, %t : b1[36:C] # act",
        "%y = linear %z, %w : i7[5:C] # fc",
        "return %y",
        "}",
    ]
    assert flat.inputs[0].scale == 0.5
    assert np.array_equal(interp.run(flat, images(graph)), interp.run(graph, images(graph)))
    assert to_text(FlattenInput().run(flat)) == to_text(flat)


@pytest.mark.parametrize("graph", [digits(32), digits(3, conv=True)], ids=["whole words", "a convolution reads it"])
def test_other_images_stay(graph: Graph):
    assert FlattenInput().run(graph) is graph


@pytest.mark.parametrize("seed", range(6))
def test_real_levels_fold_into_integers(seed: int):
    rng = np.random.default_rng(seed)
    b = GraphBuilder("g")
    x = b.input("x", tensor((7,), U8))
    d = b.const("d", rng.normal(size=(1, 7)).astype(np.float32))
    y = b.add(Divide(), [x, d], "y", "div")
    y = b.add(ScaleBias(), [y, b.const("s", rng.normal(size=(2, 7)).astype(np.float32))], "y", "scale")
    levels = np.sort(rng.normal(size=(5, 7)) * 200, axis=0)
    levels[1] = levels[2]
    rows = np.concatenate([levels, np.zeros((1, 7))]).astype(np.float32)
    z = b.add(Threshold(Elem("i", 4), -3), [y, b.const("t", rows)], "z", "levels")
    graph = b.finish([z])
    folded = FoldThresholds().run(graph)
    assert [n.op.name for n in folded.compute_nodes()] == ["threshold"]
    every = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 7, axis=1)
    assert np.array_equal(interp.run(folded, every), interp.run(graph, every))
    run_pipeline(graph, "integer", probe=every)


def test_levels_and_values_are_of_one_kind():
    b = GraphBuilder("g")
    x = b.input("x", tensor((2,), U8))
    rows = b.const("t", np.zeros((2, 2), np.float32))
    with pytest.raises(TypeRule, match="are compared with"):
        b.add(Threshold(B1), [x, rows], "z")
