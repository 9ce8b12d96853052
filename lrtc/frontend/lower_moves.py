"""How layers that move values become nodes of the IR: flatten, pad, channels, sums of two; see `lowering`."""

from __future__ import annotations

import numpy as np

from lrtc.frontend.description import Layer
from lrtc.frontend.lowering import Lowering, same_reach, size_text
from lrtc.ir import TypeRule
from lrtc.ir.ops import Add, Channels, Concat, Crop, Flatten, Identity, Maximum, MaxPool2d, Pad, Rearrange, TopK
from lrtc.nn import SpaceSlice


def flatten(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the vector in torch's order, CHW."""
    return same_reach(to, x, to.add(layer, Flatten("CHW"), x))


def identity(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return x: what dropout is in eval mode."""
    return same_reach(to, x, to.add(layer, Identity(), x))


def add(to: Lowering, xs: tuple[str, ...], layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the integer sum of two values."""
    return to.sums(layer, Add(), *xs)


def maximum(to: Lowering, xs: tuple[str, ...], layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the greater of two values, or the smaller, element by element."""
    return to.add(layer, Maximum(least=layer.kind == "Minimum"), *xs)


def concat(to: Lowering, xs: tuple[str, ...], layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the values side by side along the channels."""
    return to.add(layer, Concat(), *xs)


def _picked(to: Lowering, x: str, layer: Layer, index: np.ndarray) -> str:
    if not index.size:
        raise TypeRule(f"keeps none of the {to.shape(x)[-1]} channels")
    return same_reach(to, x, to.add(layer, Channels(), x, to.const(layer, "i", index.astype(np.int32))))


def channel_slice(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the channels start:stop:step."""
    kept = slice(layer.attrs.get("start", 0), layer.attrs.get("stop"), layer.attrs.get("step", 1))
    return _picked(to, x, layer, np.arange(to.shape(x)[-1])[kept])


def space_slice(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return rows and columns start:stop:step: without its margins, then every step-th (a pool of one place)."""
    axes = (1,) if x in to.signals else (0, 1)
    if x not in to.signals:
        to.need_image(x)
    parts = SpaceSlice(**layer.attrs).slices()
    if len(parts) > len(axes):
        raise TypeRule(f"takes {len(parts)} axes of a signal N×C×L; it has one")
    kept = [range(n) for n in to.shape(x)[:2]]
    for axis, part in zip(axes[-len(parts) :] if layer.attrs["last"] else axes, parts, strict=False):
        kept[axis] = kept[axis][part]
    if not all(kept):
        raise TypeRule(f"leaves nothing of {size_text(to.shape(x))}")
    height, width, _ = to.shape(x)
    margins = (kept[0][0], height - 1 - kept[0][-1], kept[1][0], width - 1 - kept[1][-1])
    steps = (kept[0].step, kept[1].step)
    out = to.add(layer, Crop(margins), x, suffix="" if steps == (1, 1) else "_crop")
    if steps != (1, 1):
        out = to.add(layer, MaxPool2d((1, 1), steps), same_reach(to, x, out))
    return same_reach(to, x, out)


def permute(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return x with its axes in another order. The IR keeps channels last, torch has them first."""
    return _turned(to, x, layer, layer.attrs["dims"])


def transpose(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return x with two axes in each other's place."""
    axes = list(range(3 if x in to.signals else 1 + len(to.shape(x))))  # the batch first
    first, second = layer.attrs["first"], layer.attrs["second"]
    if not all(-len(axes) <= axis < len(axes) for axis in (first, second)):
        raise TypeRule(f"turns axes {first} and {second} of a value of {len(axes)} axes")
    axes[first], axes[second] = axes[second], axes[first]
    return _turned(to, x, layer, tuple(axes))


def _turned(to: Lowering, x: str, layer: Layer, dims: tuple[int, ...]) -> str:
    """Return x.permute(dims). torch's axes N, C, H, W are 2, 0, 1 of the IR; those of a signal, N, C, L, are 2, 1."""
    to.need_integers(x, "moves")
    places = (0,) if len(to.shape(x)) == 1 else (2, 1) if x in to.signals else (2, 0, 1)
    if sorted(dims) != list(range(1 + len(places))):
        raise TypeRule(f"puts axes {dims} in order; the value has {1 + len(places)}")
    if dims[0] != 0:
        raise TypeRule(f"dims={dims} moves the batch, axis 0; it stays first")
    if len(places) == 1:
        return same_reach(to, x, to.add(layer, Identity(), x))
    first, *others = (places[d - 1] for d in dims[1:])
    axes = (*([0] if x in to.signals else []), *others, first)
    return to.add(layer, Rearrange(axes, tuple(to.shape(x)[a] for a in axes)), x)


def reshape(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the elements in torch's order, CHW, as a vector, a signal or an image."""
    to.need_integers(x, "moves")
    shape, size = list(layer.attrs["shape"]), int(np.prod(to.shape(x)))
    given = int(np.prod([n for n in shape if n != -1]))
    if shape.count(-1) == 1 and given > 0 and size % given == 0:
        shape[shape.index(-1)] = size // given
    if min(shape) < 1 or int(np.prod(shape)) != size:
        raise TypeRule(f"makes {layer.attrs['shape']} of {size} elements")
    if len(shape) == 1:
        return to.add(layer, Flatten("CHW"), x)
    channels, height, width = (shape[0], 1, shape[1]) if len(shape) == 2 else shape
    axes = (2, 0, 1) if len(to.shape(x)) == 3 else (0,)
    read = to.add(layer, Rearrange(axes, (channels, height, width)), x, suffix="_chw")
    out = to.add(layer, Rearrange((1, 2, 0), (height, width, channels)), read)
    to.signals.discard(out)  # what x was says nothing of its elements in another shape
    if len(shape) == 2:
        to.signals.add(out)
    return out


def channel_chunk(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return one of the parts of equal size (the last may be smaller) that torch.chunk makes of the channels."""
    channels, chunks, index = to.shape(x)[-1], layer.attrs["chunks"], layer.attrs["index"]
    size = -(-channels // chunks)
    parts = -(-channels // size)
    if index >= parts:
        raise TypeRule(f"takes part {index}; {channels} channels make {parts} parts")
    return _picked(to, x, layer, np.arange(channels)[index * size : (index + 1) * size])


def channel_shuffle(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the channels of every group in turn: one of each group, then the next of each."""
    channels, groups = to.shape(x)[-1], layer.attrs["groups"]
    if channels % groups:
        raise TypeRule(f"groups={groups} does not divide {channels} channels")
    if len(to.shape(x)) != 3:
        to.need_image(x)
    return _picked(to, x, layer, np.arange(channels).reshape(groups, -1).T.reshape(-1))


def pad(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return x with a value around it, or less of x where a side is negative.

    padding: (left, right) of a signal, (left, right, top, bottom) of an image.
    """
    padding, value = layer.attrs["padding"], layer.attrs.get("value", 0)
    if len(padding) == 2:
        to.need_signal(x)
    else:
        to.need_image(x)
    sides = (*padding[2:], *padding[:2]) if len(padding) == 4 else (0, 0, *padding)
    margins, outside = tuple(max(0, -n) for n in sides), tuple(max(0, n) for n in sides)
    if any(margins):
        height, width, _ = to.shape(x)
        if margins[0] + margins[1] >= height or margins[2] + margins[3] >= width:
            raise TypeRule(f"padding={padding} leaves nothing of {size_text(to.shape(x))}")
        suffix = "_crop" if any(outside) else ""
        x = same_reach(to, x, to.add(layer, Crop(margins), x, suffix=suffix))
        if not any(outside):
            return x
    to.need_integers(x, "pads")
    if float(value) != int(value):
        raise TypeRule(f"value={value} is not supported; integers are padded with a whole number")
    elem = to.fact(x).type.elem
    if elem.kind == "b" and value == 0:
        raise TypeRule("pads ±1 with 0, a third value; use the convolution's padding=(top, bottom, left, right)")
    if not elem.low <= value <= elem.high:
        raise TypeRule(f"value={value} is not supported; values of this place lie in {elem.low}..{elem.high}")
    return to.add(layer, Pad(outside, int(value)), x)


def top_classes(to: Lowering, x: str, layer: Layer, tensors: dict[str, np.ndarray]) -> str:
    """Return the indices of the k greatest values of a vector."""
    to.need_integers(x, "compares")
    if len(to.shape(x)) != 1:
        to.need_vector(x, int(np.prod(to.shape(x))))
    return to.add(layer, TopK(layer.attrs["k"]), x)
