"""Seeded random networks as IR graphs, as a frontend would make them: real batchnorms, signs, pools, a head.

Sizes straddle the word; gammas are negative, zero and tiny; channels may be constant.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.ir import B1, T2, U8, Elem, Graph, GraphBuilder, TypeRule, tensor, verify
from lrtc.ir.ops import Affine, BatchNorm, Conv2d, Flatten, Identity, Linear, MaxPool2d, ScaleBias, Sign

CHANNELS = (1, 3, 31, 32, 33, 64)


@dataclass(frozen=True)
class Shape:
    """What a random network may look like."""

    channels: tuple[int, ...] = CHANNELS
    size: tuple[int, int] = (1, 9)
    layers: tuple[int, int] = (1, 3)
    strides: tuple[int, ...] = (1, 2, 3)
    paddings: tuple[int, ...] = (0, 1, 2)
    kernels: tuple[int, ...] = (1, 2, 3, 5)
    weights: tuple[str, ...] = ("t2", "b1")
    pools: bool = True
    head: str = "any"  # "affine", "integer" (8-bit weights), "plain", "any"
    classes: tuple[int, ...] = (2, 10, 33)


def random_input(graph: Graph, n: int, seed: int = 0, k: int = 0) -> np.ndarray:
    """Return uint8 [n, *shape of input k], extremes included."""
    rng, type_ = np.random.default_rng(seed + 1000 * k), graph.inputs[k].type
    x = rng.integers(0, type_.elem.high + 1, (n, *type_.shape)).astype(np.uint8)
    x[:1], x[1:2] = 0, type_.elem.high
    return x


def random_feeds(graph: Graph, n: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return data [n, *shape] that each input's element (uN: N bits) holds."""
    return {v.name: random_input(graph, n, seed, k) & v.type.elem.high for k, v in enumerate(graph.inputs)}


def random_network(seed: int, shape: Shape | None = None, **changes) -> Graph:
    """Return a legal random network; the same seed and options give the same network."""
    options = Shape(**changes) if shape is None else shape
    rng = np.random.default_rng(seed)
    b = GraphBuilder(f"net{seed}")
    size = rng.integers(options.size[0], options.size[1] + 1, 2)
    x = b.input("x", tensor((*size, int(rng.choice((1, 2, 3)))), U8))
    for layer in range(int(rng.integers(options.layers[0], options.layers[1] + 1))):
        x = _conv_block(b, x, rng, options, f"features.{layer}")
    x = b.add(Flatten("CHW"), [x], "flat", "flat")
    if rng.random() < 0.4:
        width = int(rng.choice(options.channels))
        x = b.add(Linear(), [x, _weight(b, rng, (width, b.facts[x].type.size), options)], "fc", "fc")
        x = b.add(Sign(), [_batchnorm(b, rng, x, "fc.bn")], "fc_act", "fc.act")
    head = rng.choice(("affine", "integer", "plain")) if options.head == "any" else options.head
    classes = int(rng.choice(options.classes))
    weight_shape = (classes, b.facts[x].type.size)
    if head == "integer":
        value = rng.integers(-128, 128, weight_shape).astype(np.int8)
        w = b.const("head_w", value, tensor(value.shape, Elem("i", 8), "OI"), "head")
    else:
        w = _weight(b, rng, weight_shape, options)
    x = b.add(Linear(), [x, w], "head", "head")
    if head != "plain":
        rows = np.stack([rng.integers(-127, 128, classes), rng.integers(-5000, 5000, classes)]).astype(np.int32)
        rows[0] = 1 if head == "integer" else rows[0]
        x = b.add(Affine(), [x, b.const("scale", rows, origin="scale")], "logits", "scale")
    return verify(b.finish([x]))


def _conv_block(b: GraphBuilder, x: str, rng: np.random.Generator, options: Shape, origin: str) -> str:
    channels = int(rng.choice(options.channels))
    weight_of = b.facts[x].type.shape[-1]
    while True:
        kernel = tuple(int(k) for k in rng.choice(options.kernels, 2))
        stride = tuple(int(s) for s in rng.choice(options.strides, 2))
        padding = tuple(int(p) for p in rng.choice(options.paddings, 4))
        if rng.random() < 0.5:
            padding = (padding[0], padding[0], padding[2], padding[2])
        height, width = b.facts[x].type.shape[:2]
        if height + sum(padding[:2]) >= kernel[0] and width + sum(padding[2:]) >= kernel[1]:
            break
    w = _weight(b, rng, (channels, *kernel, weight_of), options)
    x = b.add(Conv2d(stride, padding), [x, w], "conv", f"{origin}.conv")
    if rng.random() < 0.3:
        rows = np.stack([np.ones(channels), rng.normal(scale=3, size=channels)]).astype(np.float32)
        x = b.add(ScaleBias(), [x, b.const("bias", rows)], "biased", f"{origin}.conv")
    pool = str(rng.choice(("none", "before", "after"))) if options.pools else "none"
    x = _pool(b, rng, x, origin) if pool == "before" else x
    x = _batchnorm(b, rng, x, f"{origin}.bn")
    x = b.add(Sign(), [x], "act", f"{origin}.act")
    x = b.add(Identity(), [x], "drop", f"{origin}.drop") if rng.random() < 0.2 else x
    return _pool(b, rng, x, origin) if pool == "after" else x


def _pool(b: GraphBuilder, rng: np.random.Generator, x: str, origin: str) -> str:
    kernel = int(rng.integers(1, 4))
    padding = int(rng.integers(0, kernel)) if rng.random() < 0.3 else 0
    op = MaxPool2d((kernel,) * 2, (int(rng.integers(1, 4)),) * 2, (padding,) * 4)
    try:
        return b.add(op, [x], "pool", f"{origin}.pool")
    except TypeRule:  # the image is too small for this window
        return x


def _weight(b: GraphBuilder, rng: np.random.Generator, shape: tuple[int, ...], options: Shape) -> str:
    kind = str(rng.choice(options.weights))
    if kind == "b1":
        value = np.where(rng.random(shape) < 0.5, 1, -1)
    else:
        zeros = rng.random((shape[0], *(1,) * (len(shape) - 1))) * 1.1  # some rows may be all zero
        value = np.where(rng.random(shape) < zeros, 0, np.where(rng.random(shape) < 0.5, 1, -1))
    axes = "OI" if len(shape) == 2 else "OHWI"
    return b.const("w", value.astype(np.int8), tensor(shape, B1 if kind == "b1" else T2, axes))


def _batchnorm(b: GraphBuilder, rng: np.random.Generator, x: str, origin: str) -> str:
    """gamma: normal, a few zero, tiny or negative; means near what the accumulator reaches."""
    fact = b.facts[x]
    channels = fact.type.shape[-1]
    gamma = rng.normal(size=channels)
    gamma[rng.random(channels) < 0.1] = 0
    gamma[rng.random(channels) < 0.1] *= 1e-30
    spread = 30.0 if fact.low is None else max(1.0, 0.2 * float(fact.high.max() - fact.low.min()))
    rows = [
        gamma,
        rng.normal(size=channels),
        rng.normal(scale=spread / 4, size=channels),
        rng.random(channels) * spread,
    ]
    if fact.low is not None and rng.random() < 0.5:  # levels that fall exactly on integers
        rows[1] = np.zeros(channels)
        rows[2] = np.round(rows[2])
    value = np.stack(rows).astype(np.float32)
    op = BatchNorm(float(rng.choice((1e-5, 1e-3))), bool(rng.random() < 0.5))
    return b.add(op, [x, b.const("bn", value)], "bn", origin)
