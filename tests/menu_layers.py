"""Random layers for the kernel menu: one convolution or linear layer of every legal form, drawn by hypothesis."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from graph_maker import Maker
from hypothesis import strategies as st

from lrtc.ir import B1, T2, Elem, Graph, tensor
from lrtc.ir.ops import Conv2d, Linear

CHANNELS = st.sampled_from((1, 2, 3, 4, 31, 32, 33, 40, 64, 65, 96))
SIZES = st.integers(1, 7)


@dataclass(frozen=True)
class Layer:
    """What a drawn layer is; `seed` makes its constants."""

    seed: int
    size: tuple[int, int, int]
    inputs: str
    weights: str
    density: float
    outputs: int
    conv: dict | None
    groups: int
    ending: str


@st.composite
def layers(draw, inputs: tuple[str, ...] = ("b1", "t2", "u8", "u2"), weights: tuple[str, ...] = ("b1", "t2", "i8")):
    """Draw a layer that the IR takes."""
    height, width = draw(SIZES), draw(SIZES)
    groups = draw(st.sampled_from((1, 1, 1, 2, 4)))
    channels, outputs = draw(CHANNELS) * groups, draw(CHANNELS) * groups
    conv = None
    if draw(st.integers(0, 3)):
        kernel = (draw(st.integers(1, min(5, height + 2))), draw(st.integers(1, min(5, width + 2))))
        padding = tuple(draw(st.integers(0, 2)) for _ in range(4))
        dilation = (draw(st.sampled_from((1, 1, 2))), draw(st.sampled_from((1, 1, 3))))
        spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
        if spans[0] <= height + sum(padding[:2]) and spans[1] <= width + sum(padding[2:]):
            stride = (draw(st.integers(1, 3)), draw(st.integers(1, 3)))
            conv = {"kernel": kernel, "padding": padding, "dilation": dilation, "stride": stride}
    if conv is None:
        groups = 1
    return Layer(
        draw(st.integers(0, 2**20)), (height, width, channels), draw(st.sampled_from(inputs)),
        draw(st.sampled_from(weights)), draw(st.sampled_from((0.0, 0.1, 0.5, 0.9))), outputs, conv, groups,
        draw(st.sampled_from(("bits", "bits", "t2", "affine", "plain", "add"))),
    )  # fmt: skip


def network(layer: Layer, name: str) -> Graph:
    """Return a network of that layer, `acc`, between what makes its input and what takes its output."""
    m = Maker(f"layer{layer.seed}", layer.size)  # equal constants, whatever the name
    m.b.name = name
    elem = {"b1": B1, "t2": T2, "u2": Elem("u", 2)}.get(layer.inputs)
    x = m.x if elem is None else m.decide(m.x, elem)
    inside = layer.size[2] // layer.groups
    shape = (layer.outputs, *(layer.conv["kernel"] if layer.conv else layer.size[:2]), inside)
    weights = constants(m, layer, shape)
    if layer.conv is None:
        acc = m.b.add(Linear(), [x, weights], "acc", "acc")
    else:
        c = layer.conv
        acc = m.b.add(Conv2d(c["stride"], c["padding"], c["dilation"], layer.groups), [x, weights], "acc", "acc")
    if layer.ending == "bits":
        return m.done(m.threshold(acc))
    if layer.ending == "t2":
        return m.done(m.decide(acc, T2))
    if layer.ending == "affine":
        return m.done(m.threshold(m.affine(acc, (-3, 4), (-9, 9))))
    return m.done(acc if layer.ending == "plain" else m.threshold(m.add(acc, m.affine(acc, (-3, 4), (-9, 9)))))


def constants(m: Maker, layer: Layer, shape: tuple[int, ...]) -> str:
    """Return weights of the drawn kind; a ternary layer has `density` of non-zeros, and outputs without any."""
    if layer.weights == "i8":
        return m.weight(shape, Elem("i", 8))
    value = m.rng.choice((-1, 1), shape)
    if layer.weights == "t2":
        value = value * (m.rng.random(shape) < layer.density) * (m.rng.random((len(value), 1, 1, 1)) < 0.9)
    elem = B1 if layer.weights == "b1" else T2
    return m.b.const("w", value.astype(np.int8), tensor(shape, elem))
