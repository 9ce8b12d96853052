"""Nodes that move values: reshapes, flattens, transposes, padding, concatenation, max-pools."""

from __future__ import annotations

from dataclasses import replace
from math import prod

import numpy as np

from lrtc.frontend.qonnx.dots import padded, window_of
from lrtc.frontend.qonnx.folding import axes_of, new_shape
from lrtc.frontend.qonnx.lowering import Lowering, data, number_of
from lrtc.frontend.qonnx.value import Constant, Refused, Site, Step, Value
from lrtc.ir import B1, tensor
from lrtc.ir.ops import Concat, MaxPool2d

IMAGE_ORDERS = {"CHW": "CHW", "CW": "CHW", "CH": "CHW", "HWC": "HWC", "WC": "HWC", "HC": "HWC"}


def same(to: Lowering, site: Site, operands: list) -> Value:
    """Return x: identity, dropout of an evaluated network."""
    return operands[0]


def cast(to: Lowering, site: Site, operands: list) -> Value:
    """Return x cast to real numbers, or what follows an answer."""
    if site.attrs.get("to") not in (1, 10, 11):
        raise Refused(f"casts to the ONNX element type {site.attrs.get('to')}; float is supported inside a network")
    return operands[0]


def shape(to: Lowering, site: Site, operands: list) -> Constant:
    """Return the shape as a constant."""
    whole = operands[0].shape
    return Constant(np.array(whole[site.attrs.get("start", 0) : site.attrs.get("end", len(whole))], dtype=np.int64))


def reshape(to: Lowering, site: Site, operands: list) -> Value:
    """Return x in another shape."""
    target = data(operands[1], "its shape") if len(operands) > 1 else np.array(site.attrs.get("shape", ()))
    if target.size > 16:
        raise Refused(f"a shape of {target.size} axes")
    return _regrouped(to, operands[0], new_shape(site, operands[0].shape, target))


def flatten(to: Lowering, site: Site, operands: list) -> Value:
    """Return x as a vector."""
    x, axis = operands[0], int(site.attrs.get("axis", 1))
    if not -len(x.shape) <= axis <= len(x.shape):
        raise Refused(f"axis {axis} of a value of {len(x.shape)} axes")
    axis += len(x.shape) if axis < 0 else 0
    return _regrouped(to, x, (prod(x.shape[:axis]), prod(x.shape[axis:])))


def squeeze(to: Lowering, site: Site, operands: list) -> Value:
    """Return x without some axes of 1."""
    x = operands[0]
    given = data(operands[1], "its axes") if len(operands) > 1 and operands[1] is not None else None
    axes = axes_of(site, given, len(x.shape)) or [i for i, d in enumerate(x.shape) if d == 1 and i]
    if any(x.shape[i] != 1 for i in axes):
        raise Refused(f"squeezes the axes {axes} of a value of {x.shape}; they must be 1")
    return _regrouped(to, x, tuple(d for i, d in enumerate(x.shape) if i not in axes))


def unsqueeze(to: Lowering, site: Site, operands: list) -> Value:
    """Return x with more axes of 1."""
    x = operands[0]
    given = data(operands[1], "its axes") if len(operands) > 1 else None
    n = len(site.attrs.get("axes", ())) if given is None else given.size
    sizes = list(x.shape)
    for axis in axes_of(site, given, len(x.shape) + n):
        sizes.insert(axis, 1)
    return _regrouped(to, x, tuple(sizes))


def _regrouped(to: Lowering, x: Value, new: tuple[int, ...]) -> Value:
    """Return x in a new shape: as it was, a vector of an image, a vector with axes of 1, or the image before that."""
    if new == x.shape:
        return x
    refused = Refused(f"makes {new} of {x.shape} (axes {x.axes}); flattening to [batch, features] is supported")
    if x.axes[0] != "N" or len(new) < 2 or new[0] != x.shape[0]:
        raise refused
    size, inner = prod(x.shape[1:]), x.axes.replace("1", "")[1:]
    order = x.flat
    if len(to.fact(x).type.shape) == 3 and not x.flat:
        if inner not in IMAGE_ORDERS:
            raise refused
        order = IMAGE_ORDERS[inner]
    if x.flat:
        height, width, channels = to.fact(x).type.shape
        image = (channels, height, width) if x.flat == "CHW" else (height, width, channels)
        if new[1:] == image:
            return replace(x, shape=new, axes=f"N{x.flat}", flat="")
    wide = [i for i, d in enumerate(new) if i and d == size]
    if not wide or prod(new[1:]) != size:
        raise refused
    at = wide[0]
    axes = "N" + "".join("C" if i == at else "1" for i in range(1, len(new)))
    return replace(x, shape=new, axes=axes, flat=order)


def transpose(to: Lowering, site: Site, operands: list) -> Value:
    """Return x with its axes in another order: only a matter of names, the IR keeps its own."""
    x = operands[0]
    perm = [int(p) for p in site.attrs.get("perm", range(len(x.shape))[::-1])]
    if sorted(perm) != list(range(len(x.shape))):
        raise Refused(f"perm {perm[:8]} of a value of {len(x.shape)} axes")
    return replace(x, shape=tuple(x.shape[p] for p in perm), axes="".join(x.axes[p] for p in perm))


def pad(to: Lowering, site: Site, operands: list) -> Value:
    """Return an image with a constant around it."""
    x = operands[0]
    pads = data(operands[1], "its pads").ravel().tolist() if len(operands) > 1 else list(site.attrs.get("pads", ()))
    value = site.attrs.get("value", 0.0)
    if len(operands) > 2 and operands[2] is not None:
        value = number_of(operands[2], "its value")
    if str(site.attrs.get("mode", "constant")) != "constant" or (len(operands) > 3 and operands[3] is not None):
        raise Refused("mode constant over all axes is supported")
    if not any(pads):
        return x
    outside = len(pads) != 8 or any(pads[i] for i in (0, 1, 4, 5)) or not 0 <= min(pads) <= max(pads) < 1 << 20
    if x.axes != "NCHW" or outside:
        raise Refused(f"pads {pads[:8]} of a value with the axes {x.axes}; rows and columns of NCHW are supported")
    return padded(to, x, (int(pads[2]), int(pads[6]), int(pads[3]), int(pads[7])), float(value))


def concat(to: Lowering, site: Site, operands: list) -> Value:
    """Return values side by side along their channels."""
    if not all(isinstance(x, Value) for x in operands):
        raise Refused("joins constants to values; values only are supported")
    axis = int(site.attrs.get("axis", 1))
    first = operands[0]
    axis += len(first.shape) if axis < 0 else 0
    parts = [to.vector(x) for x in operands]
    if any(x.axes != first.axes for x in parts) or first.axes[axis : axis + 1] != "C":
        raise Refused(f"joins axis {axis} of {[x.axes for x in parts][:8]}; the channels of values alike are supported")
    if not all(to.is_integer(x) for x in parts):
        raise Refused("joins real numbers; put a quantiser on each of them")
    if len(parts) == 1:
        return first
    sizes = list(first.shape)
    sizes[axis] = sum(x.shape[axis] for x in parts)
    name = to.add(Concat(), *(x.name for x in parts))
    pairs = [x.affine() for x in parts]
    numbers = all(np.ndim(v) == 0 for pair in pairs for v in pair)
    if numbers and len({(float(a), float(b)) for a, b in pairs}) == 1:
        return replace(parts[0], name=name, shape=tuple(sizes))
    rows = []
    for k in range(2):
        per = [np.broadcast_to(p[k], x.shape[axis]) for p, x in zip(pairs, parts, strict=True)]
        rows.append(np.concatenate(per).astype(np.float32))
    joined = replace(parts[0], name=name, shape=tuple(sizes), steps=())
    return joined.then(Step("mul", rows[0]), Step("add", rows[1]))


def max_pool(to: Lowering, site: Site, operands: list) -> Value:
    """Return the greatest of each window: of the value below the steps, the least where they fall."""
    x = operands[0]
    kernel = tuple(site.attrs.get("kernel_shape", ()))
    stride, padding, dilation, size = window_of(site, x, kernel)
    if dilation != (1, 1):
        raise Refused(f"dilations={dilation}; (1, 1) is supported")
    scale = np.broadcast_to(x.affine()[0], x.shape[1])
    ins = [x.name]
    if (scale < 0).any():
        f = np.where(scale < 0, -1, 1).astype(np.int8)
        ins.append(to.const("f", f, tensor(f.shape, B1)))
    name = to.add(MaxPool2d(kernel, stride, padding), *ins)
    if x.name in to.bounds:
        to.bounds[name] = to.bounds[x.name]
    return replace(x, name=name, shape=(*x.shape[:2], *size))


def max_pool_nhwc(to: Lowering, site: Site, operands: list) -> Value:
    """Return the greatest of each window of an image whose channels are last."""
    x, turned = operands[0], replace(site, attrs={"perm": (0, 3, 1, 2)})
    if len(x.shape) != 4:
        raise Refused(f"meets a value with the axes {x.axes}; an image NHWC is needed")
    y = max_pool(to, site, [transpose(to, turned, [x])])
    return transpose(to, replace(site, attrs={"perm": (0, 2, 3, 1)}), [y])
