"""MatMul, Gemm and Conv with constant weights: exact integer dot products, the scales as steps after them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lrtc.frontend.qonnx.lowering import Lowering, data, steps
from lrtc.frontend.qonnx.quantisers import scores
from lrtc.frontend.qonnx.value import Constant, Refused, Site, Step, Value
from lrtc.ir import B1, T2, tensor
from lrtc.ir.ops import Conv2d, Linear, Pad, elem_of, window_shape

MAX_WEIGHT = 1 << 15
DIVISIONS = 15  # weights without a quantiser: the smallest magnitude is tried as 1 … 15 steps
WEIGHTS = "the weights are real numbers; put a quantiser (Quant, BipolarQuant) before them, or integers times a scale"


def integer_weights(c: Constant, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return (q int32, output channels first; scale float64, a number or [O]): weights = q·scale, exactly in float32.

    axis: of the output channels. Refused if there is no such scale.
    """
    value = np.moveaxis(c.value, axis, 0)
    if not value.size:
        raise Refused(f"weights of shape {c.value.shape}")
    if c.q is not None:
        q, wide = np.moveaxis(c.q, axis, 0), np.moveaxis(c.scale, axis, 0).reshape(len(value), -1)
        if (q == np.rint(q)).all() and (wide == wide[:, :1]).all():
            return _checked(q), _one(wide[:, 0])
    if (value == np.rint(value)).all():
        return _checked(value), np.float64(1)
    flat = value.reshape(len(value), -1)
    for whole in (flat.reshape(1, -1), flat):
        found = [_steps_of(row) for row in whole]
        if all(s is not None for s in found):
            scale = np.array(found, dtype=np.float32)
            return _checked(np.rint(whole / scale[:, None]).reshape(value.shape)), _one(scale)
    raise Refused(WEIGHTS)


def _steps_of(row: np.ndarray) -> np.float32 | None:
    """Return the greatest s with row = f32(q·s) for integers q of at most 8 bits, or None."""
    magnitudes = np.abs(row[row != 0])
    if not magnitudes.size:
        return np.float32(1)
    for k in range(1, DIVISIONS + 1):
        s = magnitudes.min() / np.float32(k)
        if s == 0:
            return None
        with np.errstate(over="ignore"):  # of what is refused on the next line
            q = np.rint(row / s)
        if np.abs(q).max() <= 255 and (q.astype(np.float32) * s == row).all():
            return s
    return None


def _checked(q: np.ndarray) -> np.ndarray:
    if np.abs(q).max() > MAX_WEIGHT:
        raise Refused(f"a weight is {float(np.abs(q).max()):g} steps; at most {MAX_WEIGHT} are supported")
    return np.rint(q).astype(np.int32)


def _one(scale: np.ndarray) -> np.ndarray:
    scale = scale.astype(np.float64)
    return scale[0] if (scale == scale[0]).all() else scale


def _weights(to: Lowering, c: Constant, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Return integer_weights; after a fault ±1 of the same shape, so that what follows is checked too."""
    try:
        return integer_weights(c, axis)
    except Refused as error:
        to.fault(str(error))
        value = np.moveaxis(c.value, axis, 0)
        return np.where(value >= 0, 1, -1).astype(np.int32), np.float64(1)


def _weight_const(to: Lowering, q: np.ndarray) -> str:
    """Add weights [O,…,I] as b1, t2 or the narrowest integers; return their name."""
    elem = elem_of(q)
    if np.abs(q).max() <= 1:
        elem = T2 if (q == 0).any() else B1
    q = np.ascontiguousarray(q).astype(np.int8 if elem.bits <= 8 else np.int32)
    return to.const("w", q, tensor(q.shape, elem, "OI" if q.ndim == 2 else None))


def _after(sums: np.ndarray, x_scale: object, x_offset: float, w_scale: np.ndarray) -> tuple[Step, ...]:
    """Return the steps behind a dot product of x = q·x_scale + x_offset; sums [O] of the integer weights."""
    scale = np.asarray(x_scale * w_scale)
    if x_offset == 0:
        return steps(("mul", scale))
    ratio = x_offset / np.asarray(x_scale, dtype=np.float64)
    if np.float32(np.rint(ratio) * x_scale) == np.float32(x_offset):
        return steps(("add", np.rint(ratio) * sums), ("mul", scale))
    return steps(("mul", scale), ("add", x_offset * w_scale * sums))


def matmul(to: Lowering, site: Site, operands: list) -> Value:
    """Return x · W for a constant W [I,O]; of an image whose channels are last, a 1×1 convolution."""
    if len(operands) != 2 or not isinstance(operands[0], Value):
        raise Refused("multiplies a constant by a value; value · constant is supported")
    if not isinstance(operands[1], Constant):
        raise Refused("multiplies two values that depend on the input; one must be constant weights")
    return _product(to, operands[0], operands[1], 1)


def gemm(to: Lowering, site: Site, operands: list) -> Value:
    """Return alpha·x·W + beta·c."""
    alpha, beta = float(site.attrs.get("alpha", 1.0)), float(site.attrs.get("beta", 1.0))
    if site.attrs.get("transA", 0) or not isinstance(operands[0], Value) or not isinstance(operands[1], Constant):
        raise Refused("value · constant weights without transA is supported")
    if not (np.isfinite(alpha) and np.isfinite(beta)):
        raise Refused(f"alpha {alpha} and beta {beta} must be finite")
    y = _product(to, operands[0], operands[1], 0 if site.attrs.get("transB", 0) else 1)
    y = y.then(*steps(("mul", alpha)))
    if len(operands) > 2 and operands[2] is not None:
        y, bias = to.channelwise(y, data(operands[2], "its bias"), "its bias")
        y = y.then(*steps(("add", np.float32(beta) * bias)))
    return y


def _product(to: Lowering, x: Value, weights: Constant, axis: int) -> Value:
    x = scores(x)
    if weights.value.ndim != 2:
        raise Refused(f"weights of {weights.value.ndim} axes; [in, out] is supported")
    inside = weights.value.shape[1 - axis]
    if x.axes[-1] != "C":
        raise Refused(f"contracts the last axis of a value with the axes {x.axes}; that must be the channels")
    if x.shape[-1] != inside:
        raise Refused(f"meets {x.shape[-1]} values; its weights are made for {inside}")
    scale, offset = to.integers_of(x)
    q, w_scale = _weights(to, weights, axis)
    after = _after(q.sum(axis=1, dtype=np.float64), scale, offset, w_scale)
    x = to.vector(x)
    shape = (*x.shape[:-1], len(q))
    if len(to.fact(x).type.shape) == 3:
        name = to.add(Conv2d(), x.name, _weight_const(to, q[:, None, None, :]))
    else:
        name = to.add(Linear(), x.name, _weight_const(to, q))
    return Value(name, shape, x.axes).then(*after)


def window_of(site: Site, x: Value, kernel: tuple[int, ...]) -> tuple[tuple, tuple, tuple, tuple]:
    """Return (stride, padding (top, bottom, left, right), dilation, output rows and columns) of a window over x."""
    stride = tuple(site.attrs.get("strides", (1, 1)))
    dilation = tuple(site.attrs.get("dilations", (1, 1)))
    pads = tuple(site.attrs.get("pads", (0, 0, 0, 0)))
    mode = str(site.attrs.get("auto_pad", "NOTSET"))
    if x.axes != "NCHW":
        raise Refused(f"meets a value with the axes {x.axes}; an image NCHW is needed")
    if len(kernel) != 2 or len(stride) != 2 or len(dilation) != 2 or len(pads) != 4:
        raise Refused(f"a window of {len(kernel)} axes; rows and columns are supported")
    if min(*kernel, *stride, *dilation) < 1 or min(pads) < 0 or max(*kernel, *stride, *dilation, *pads) > 1 << 20:
        raise Refused(f"kernel {kernel}, strides {stride}, dilations {dilation}, pads {pads}")
    reach = tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))
    padding = (pads[0], pads[2], pads[1], pads[3])
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        spread = [max(0, (-(-n // s) - 1) * s + r - n) for n, s, r in zip(x.shape[2:], stride, reach, strict=True)]
        halves = [(t // 2, t - t // 2) if mode == "SAME_UPPER" else (t - t // 2, t // 2) for t in spread]
        padding = (*halves[0], *halves[1])
    elif mode == "VALID":
        padding = (0, 0, 0, 0)
    elif mode != "NOTSET":
        raise Refused(f"auto_pad={mode[:20]!r}; NOTSET, VALID, SAME_UPPER and SAME_LOWER are supported")
    size = window_shape(x.shape[2:], reach, stride, padding)
    if site.attrs.get("ceil_mode", 0):
        fitted = zip(x.shape[2:], reach, stride, padding[::2], padding[1::2], strict=True)
        if any((n + a + b - r) % s for n, r, s, a, b in fitted):
            raise Refused("ceil_mode=1 would add a window that hangs over the border; ceil_mode=0 is supported")
    return stride, padding, dilation, size


def conv(to: Lowering, site: Site, operands: list) -> Value:
    """Return the convolution; weights OIHW → OHWI, zeros of the border as the integer that stands for 0."""
    if not isinstance(operands[0], Value) or not isinstance(operands[1], Constant):
        raise Refused("value * constant weights is supported")
    x, weights, groups = scores(operands[0]), operands[1], int(site.attrs.get("group", 1))
    if weights.value.ndim != 4:
        raise Refused(f"weights of {weights.value.ndim} axes; [out, in, rows, columns] is supported")
    outputs, inside, *kernel = weights.value.shape
    stride, padding, dilation, size = window_of(site, x, tuple(kernel))
    if groups < 1 or outputs % groups or inside * groups != x.shape[1]:
        raise Refused(f"meets {x.shape[1]} channels; weights {weights.value.shape} with group={groups} do not fit")
    q, w_scale = _weights(to, weights, 0)
    if groups == x.shape[1]:  # depthwise: every input channel may have its own scale
        if not to.is_integer(x):
            to.integers_of(x)
        to.range(x)
        scale, offset = (np.repeat(np.broadcast_to(v, groups), outputs // groups) for v in x.affine())
        if (scale == scale[0]).all() and (offset == offset[0]).all():
            scale, offset = float(scale[0]), float(offset[0])
        elif any(padding) and offset.any():
            raise Refused("pads with zeros, which integers with one offset a channel cannot hold")
        elif not offset.any():
            offset = 0
        else:
            raise Refused("meets integers with one offset a channel; one for all is needed")
    else:
        scale, offset = to.integers_of(x)
    if offset and any(padding):
        x, padding = padded(to, x, padding, 0.0), (0, 0, 0, 0)
    sums = q.reshape(outputs, -1).sum(axis=1, dtype=np.float64)
    op = Conv2d(stride, padding, dilation, groups)
    name = to.add(op, x.name, _weight_const(to, q.transpose(0, 2, 3, 1)))
    y = Value(name, (x.shape[0], outputs, *size), "NCHW").then(*_after(sums, scale, offset, w_scale))
    if len(operands) > 2 and operands[2] is not None:
        bias = data(operands[2], "its bias")
        if bias.shape != (outputs,):
            raise Refused(f"a bias of shape {bias.shape} does not fit {outputs} channels")
        y, bias = to.channelwise(y, bias.reshape(-1, 1, 1), "its bias")
        y = y.then(*steps(("add", bias)))
    return y


def padded(to: Lowering, x: Value, padding: tuple[int, int, int, int], value: float) -> Value:
    """Return an image with the real `value` around it; Refused if no integer of it stands for that exactly."""
    scale, offset = to.integers_of(x)
    q = round((value - offset) / scale)
    if np.float32(q * scale + offset) != np.float32(value):
        raise Refused(f"pads with {value:g}, which lies between two steps (step {scale:g}, offset {offset:g})")
    elem = to.fact(x).type.elem
    if not elem.low <= q <= elem.high or (elem.kind == "b" and q == 0):
        hint = "; the padding of Conv itself can" if elem.kind == "b" else ""
        raise Refused(f"pads with {value:g}, which {elem} cannot hold{hint}")
    top, bottom, left, right = padding
    n, c, h, w = x.shape
    name = to.add(Pad(padding, q), x.name, suffix="_pad")
    return replace(x, name=name, shape=(n, c, h + top + bottom, w + left + right))
