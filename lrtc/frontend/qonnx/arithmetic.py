"""Sums, products, batchnorm, ReLU and average pools: float32 steps above integers, in the order of the model."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from lrtc.frontend.qonnx.dots import padded, window_of
from lrtc.frontend.qonnx.folding import axes_of
from lrtc.frontend.qonnx.lowering import Lowering, data, number_of, steps
from lrtc.frontend.qonnx.value import Refused, Site, Step, Value
from lrtc.ir.ops import Add, Affine, Clamp, Maximum, SumPool2d

MOST = 1 << 12  # two scales that are added: p/q times each other, p and q below this
REAL = "{does} two real values; put a quantiser on both, or do it before the batchnorm"


def binary(to: Lowering, site: Site, operands: list) -> Value:
    """Return value ∘ constant as a step, or the sum of two values on one grid."""
    if len(operands) != 2:
        raise Refused(f"has {len(operands)} operands; two are supported")
    a, b = operands
    if isinstance(a, Value) and isinstance(b, Value):
        if site.op == "Sub":
            return _sum(to, a, b.then(*steps(("mul", -1))))
        if site.op != "Add":
            raise Refused("combines two values that depend on the input; one must be constant")
        return _sum(to, a, b)
    x, c = (a, b) if isinstance(a, Value) else (b, a)
    x, rows = to.channelwise(x, data(c, "its constant"), "its constant")
    match site.op:
        case "Mul":
            return x.then(*steps(("mul", rows)))
        case "Add":
            return x.then(*steps(("add", rows)))
        case "Sub" if x is a or isinstance(a, Value):
            return x.then(*steps(("add", -rows)))
        case "Sub":
            return x.then(*steps(("mul", -1), ("add", rows)))
    if not isinstance(a, Value):
        raise Refused("divides by a value that depends on the input; a constant is supported")
    if (rows == 0).any():
        raise Refused("divides by 0")
    return x.then(*steps(("div", rows)))


def negate(to: Lowering, site: Site, operands: list) -> Value:
    """Return −x."""
    return operands[0].then(*steps(("mul", -1)))


def greatest(to: Lowering, site: Site, operands: list) -> Value:
    """Return the greatest of the operands, or the least, element by element: of values on one grid, or a limit."""
    values = [x for x in operands if isinstance(x, Value)]
    numbers = [number_of(c, "its constant") for c in operands if not isinstance(c, Value)]
    found, least = values[0], site.op == "Min"
    for other in values[1:]:
        found = _greater(to, found, other, least)
    if not numbers:
        return found
    limit = float(min(numbers) if least else max(numbers))
    return _clamped(to, found, None, limit) if least else _clamped(to, found, limit, None)


def _greater(to: Lowering, a: Value, b: Value, least: bool) -> Value:
    """Return max(a, b), or min; exactly as float32 has it where the steps of both are alike, for these are monotone."""
    a, b = _met(to, a, b, "compares")
    same = len(a.steps) == len(b.steps) and all(map(_alike, a.steps, b.steps))
    names, step, offsets = ([a.name, b.name], a.affine()[0], (0, 0)) if same else _on_one_grid(to, a, b, "compares")
    if not np.array_equal(*np.broadcast_arrays(*offsets)):
        raise Refused("compares values of different offsets; let one quantiser, or two alike, make both")
    if np.ndim(step) and not (np.all(step > 0) or np.all(step < 0)):
        raise Refused("compares values whose scales have different signs, one a channel; one sign is supported then")
    name = to.add(Maximum(least=least == bool(np.all(step > 0))), *names)
    after = a.steps if same else steps(("mul", step), ("add", offsets[0]))
    return replace(a, name=name, steps=()).then(*after)


def _alike(a: Step, b: Step) -> bool:
    return (a.kind, a.eps) == (b.kind, b.eps) and np.array_equal(a.rows, b.rows)


def _sum(to: Lowering, a: Value, b: Value) -> Value:
    a, b = _met(to, a, b, "adds")
    names, step, (oa, ob) = _on_one_grid(to, a, b, "adds")
    return replace(a, name=to.add(Add(), *names), steps=()).then(*steps(("mul", step), ("add", oa + ob)))


def _met(to: Lowering, a: Value, b: Value, does: str) -> tuple[Value, Value]:
    """Return two values of integers of one shape that lie alike."""
    if a.shape != b.shape or a.axes != b.axes:
        raise Refused(f"{does} values of {a.shape} and {b.shape}; they must be alike")
    if not (to.is_integer(a) and to.is_integer(b)):
        raise Refused(REAL.format(does=does))
    if a.flat != b.flat:
        a, b = to.vector(a), to.vector(b)
    to.range(a)
    to.range(b)
    return a, b


def _on_one_grid(to: Lowering, a: Value, b: Value, does: str) -> tuple[list[str], np.ndarray, tuple]:
    """Return the names of the integers of both on a grid that holds both, its step, and the offsets."""
    (sa, oa), (sb, ob) = a.affine(), b.affine()
    if np.array_equal(np.broadcast_to(sa, np.shape(sb)) if np.ndim(sa) == 0 else sa, sb):
        p, q, step = 1, 1, sa
    elif np.ndim(sa) or np.ndim(sb):
        raise Refused(f"{does} values of different scales, one a channel; one scale for all is supported then")
    else:
        p, q, step = _common(float(sa), float(sb), does)
    return [_multiplied(to, a, p), _multiplied(to, b, q)], step, (oa, ob)


def _common(a: float, b: float, does: str) -> tuple[int, int, float]:
    """Return (p, q, s) with a = p·s and b = q·s in float32."""
    if a and b:
        ratio = Fraction(a / b).limit_denominator(MOST)
        p, q = ratio.numerator, ratio.denominator
        step = b / q
        if p and abs(p) <= MOST and np.float32(p * step) == np.float32(a):
            return p, q, step
    raise Refused(f"{does} values with the steps {a:g} and {b:g}, which have no common step; use one scale")


def _multiplied(to: Lowering, x: Value, factor: int) -> str:
    if factor == 1:
        return x.name
    channels = to.fact(x).type.shape[-1]
    rows = np.stack([np.full(channels, factor), np.zeros(channels)]).astype(np.int32)
    return to.add(Affine(), x.name, to.const("m", rows), suffix="_mul")


def batchnorm(to: Lowering, site: Site, operands: list) -> Value:
    """Return batchnorm in the arithmetic of DESIGN D4."""
    if len(operands) != 5 or not isinstance(operands[0], Value) or site.attrs.get("training_mode", 0):
        raise Refused("x, scale, bias, mean and variance in inference mode are supported")
    x = operands[0]
    names = ("its scale", "its bias", "its mean", "its variance")
    rows = [data(o, what) for o, what in zip(operands[1:], names, strict=True)]
    eps, channels = float(site.attrs.get("epsilon", 1e-5)), x.shape[x.axes.index("C")]
    if x.axes[1:2] != "C":
        raise Refused(f"normalises axis 1 of a value with the axes {x.axes}; that must be the channels")
    if any(r.shape != (channels,) for r in rows):
        raise Refused(f"its parameters {[r.shape for r in rows]} do not fit {channels} channels")
    wrong = []
    if not (np.isfinite(eps) and eps >= 0):
        wrong.append(f"epsilon {eps:g} is no number ≥ 0")
    elif (bad := np.flatnonzero(~(rows[3].astype(np.float64) + eps > 0))).size:
        wrong.append(f"the variance of channel {bad[0]} is {rows[3][bad[0]]:g}; variance + epsilon must be positive")
    if wrong:
        to.fault("; ".join(wrong))
        return x
    parts = []
    for row in rows:
        x, part = to.per_channel(x, row)
        parts.append(part)
    if len({p.shape for p in parts}) > 1:  # flattened on the way
        parts = rows
    return x.then(Step("batchnorm", np.stack(parts).astype(np.float32), eps))


def relu(to: Lowering, site: Site, operands: list) -> Value:
    """Return max(x, 0): of the integers themselves where they are a positive multiple of the real value."""
    return _clamped(to, operands[0], 0.0, None)


def clip(to: Lowering, site: Site, operands: list) -> Value:
    """Return min(max(x, low), high)."""
    limits = []
    for key, i in (("min", 1), ("max", 2)):
        given = operands[i] if len(operands) > i else None
        value = site.attrs.get(key) if given is None else float(number_of(given, f"its {key}"))
        limits.append(value if value is None or abs(value) < 1e30 else None)
    low, high = limits
    if low is not None and high is not None and not low <= high:
        raise Refused(f"its limits {low:g} and {high:g} leave nothing")
    return _clamped(to, operands[0], low, high)


def _clamped(to: Lowering, x: Value, low: float | None, high: float | None) -> Value:
    scale, offset = x.affine()
    plain = np.ndim(scale) == 0 and not np.any(offset)
    if to.is_integer(x) and plain and scale > 0:
        to.range(x)
        limits = [None if v is None else v / float(scale) for v in (low, high)]
        if all(v is None or (float(v).is_integer() and abs(v) < 1 << 30) for v in limits):
            return replace(x, name=to.add(Clamp(*limits), x.name))
    settled = to.settled(x)
    if to.is_integer(settled):
        raise Refused(f"clips integers at {low} and {high}; put a quantiser before it")
    name = to.add(Clamp(low, high), settled.name)
    to.bounds[name] = tuple(np.clip(v, low, high) for v in to.bounds[settled.name])
    return replace(settled, name=name)


def average_pool(to: Lowering, site: Site, operands: list) -> Value:
    """Return the mean over windows: integer sums, then the division as a step."""
    x = operands[0]
    stride, padding, dilation, size = window_of(site, x, tuple(site.attrs.get("kernel_shape", ())))
    if dilation != (1, 1):
        raise Refused(f"dilations={dilation}; (1, 1) is supported")
    if any(padding) and not site.attrs.get("count_include_pad", 0):
        raise Refused("divides by fewer at the border; no padding, or count_include_pad=1, is supported")
    return _mean(to, x, tuple(site.attrs["kernel_shape"]), stride, padding, size)


def global_average_pool(to: Lowering, site: Site, operands: list) -> Value:
    """Return the mean over rows and columns, which stay as axes of 1."""
    x = operands[0]
    if x.axes != "NCHW":
        raise Refused(f"meets a value with the axes {x.axes}; an image NCHW is needed")
    return _mean(to, x, x.shape[2:], (1, 1), (0, 0, 0, 0), (1, 1))


def reduce_mean(to: Lowering, site: Site, operands: list) -> Value:
    """Return the mean over rows and columns."""
    x = operands[0]
    given = operands[1] if len(operands) > 1 else None
    axes = axes_of(site, None if given is None else data(given, "its axes"), len(x.shape))
    if x.axes != "NCHW" or axes != [2, 3]:
        raise Refused(f"averages the axes {axes} of {x.axes}; rows and columns of NCHW are supported")
    y = _mean(to, x, x.shape[2:], (1, 1), (0, 0, 0, 0), (1, 1))
    if site.attrs.get("keepdims", 1):
        return y
    return replace(y, shape=y.shape[:2], axes="NC", flat="CHW")


def _mean(to: Lowering, x: Value, kernel: tuple, stride: tuple, padding: tuple, size: tuple) -> Value:
    if not to.is_integer(x):
        raise Refused("averages real numbers; put a quantiser (Quant, MultiThreshold) before it")
    to.range(x)
    scale, offset = x.affine()
    if any(padding) and np.any(offset):
        x, padding = padded(to, x, padding, 0.0), (0, 0, 0, 0)
    name = to.add(SumPool2d(tuple(kernel), stride, padding), x.name)
    y = Value(name, (*x.shape[:2], *size), "NCHW")
    return y.then(*steps(("mul", scale), ("div", kernel[0] * kernel[1]), ("add", offset)))
