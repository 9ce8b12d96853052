"""Quant, BipolarQuant, MultiThreshold and Sign: of constants (weights) at once, of values as IR decisions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lrtc.frontend.qonnx.lowering import Lowering, data, steps
from lrtc.frontend.qonnx.value import Constant, Refused, Site, Value, evaluate
from lrtc.interp import MEANING
from lrtc.ir import B1, T2, Elem, int_elem
from lrtc.ir.ops import Op, Quantize, ScaleBias, Sign, Threshold

MAX_BITS = 8  # of an activation: 255 levels
MAX_CONSTANT_BITS = 32
MAX_LEVELS = 255
ROUNDING = {
    "ROUND": "even", "HALF_EVEN": "even", "FLOOR": "floor", "CEIL": "ceil", "UP": "up", "DOWN": "down",
    "HALF_UP": "half_up", "HALF_DOWN": "half_down",
}  # fmt: skip
SAME = 1 << 12  # a quantiser of at most so many integers is tried on each: it may do nothing


def parameters(site: Site, scale: np.ndarray, zero: np.ndarray, bits: np.ndarray, most: int) -> tuple[int, int, str]:
    """Return (low, high, rounding) of a Quant; low > high stands for one signed bit. Refused with all that is wrong."""
    wrong = []
    if not (scale > 0).all():
        wrong.append(f"its scale {float(scale.min()):g} is not positive")
    if bits.size != 1 or not float(bits.ravel()[0]).is_integer() or not 1 <= float(bits.ravel()[0]) <= most:
        wrong.append(f"its bit width {np.ravel(bits)[:4].tolist()} is no whole number from 1 to {most}")
    if not (np.abs(zero) < 1 << 24).all():
        wrong.append(f"its zero point {float(zero.max()):g} is beyond 2^24")
    mode = str(site.attrs.get("rounding_mode", "ROUND")).upper()
    if mode not in ROUNDING:
        wrong.append(f"its rounding mode {mode[:20]!r} is unknown; known: {', '.join(ROUNDING)}")
    if wrong:
        raise Refused("; ".join(wrong))
    n, signed, narrow = int(bits.ravel()[0]), bool(site.attrs.get("signed", 1)), bool(site.attrs.get("narrow", 0))
    if not signed:
        low, high = 0, (1 << n) - 1 - narrow
    else:
        low, high = -(1 << (n - 1)) + narrow, (1 << (n - 1)) - 1
    if n == 1 and signed:
        return 1, -1, "even"
    if low >= high:
        raise Refused(f"{n} bits, signed={int(signed)}, narrow={int(narrow)} leave one value only")
    return low, high, ROUNDING[mode]


def quantised_constant(site: Site, operands: list[Constant | None]) -> Constant:
    """Return the constant after a weight quantiser, with its integers and scale."""
    arrays = [c.value for c in operands if c is not None]
    if len(arrays) != (2 if site.op == "BipolarQuant" else 4):
        raise Refused(f"has {len(arrays)} operands")
    x, scale, zero = arrays[0], arrays[1], np.zeros((), np.float32) if len(arrays) == 2 else arrays[2]
    low, high, rounding = 1, -1, "even"
    if site.op == "BipolarQuant":
        _positive(scale)
    else:
        low, high, rounding = parameters(site, scale, zero, arrays[3], MAX_CONSTANT_BITS)
    for what, value in (("scale", scale), ("zero point", zero)):
        if not fits(value.shape, x.shape):
            raise Refused(f"its {what} of shape {value.shape} does not fit a constant of {x.shape}")
    with np.errstate(all="ignore"):
        codes = (x / scale + zero).astype(np.float32)
    if low > high:
        q = np.where(codes >= 0, 1, -1).astype(np.float32)
    else:
        limited = np.minimum(np.maximum(codes, np.float32(low)), np.float32(high))
        q = MEANING[Quantize](Quantize(Elem("i", 32), low, high, rounding), limited).astype(np.float64)
    q = (q - zero).astype(np.float32)
    wide = np.broadcast_to(scale, x.shape).astype(np.float32)
    return Constant(q * wide, q, wide)


def fits(shape: tuple[int, ...], whole: tuple[int, ...]) -> bool:
    """Return whether what has a shape can be broadcast to the shape `whole`."""
    try:
        return np.broadcast_shapes(shape, whole) == whole
    except ValueError:
        return False


def _positive(scale: np.ndarray) -> None:
    if not (scale > 0).all():
        raise Refused(f"its scale {float(scale.min()):g} is not positive")


def quant(to: Lowering, site: Site, operands: list) -> Value:
    """Return clip(round(x/scale + zero)) as integers, real = (q − zero)·scale."""
    if len(operands) != 4:
        raise Refused(f"has {len(operands)} operands; x, scale, zero point and bit width are needed")
    x = scores(operands[0])
    scale, zero, bits = (
        data(o, w) for o, w in zip(operands[1:], ("its scale", "its zero point", "its bit width"), strict=True)
    )
    try:
        low, high, rounding = parameters(site, scale, zero, bits, MAX_BITS)
    except Refused as error:
        to.fault(str(error))
        scale, zero, low, high, rounding = np.ones((), np.float32), np.zeros((), np.float32), 1, -1, "even"
    x, s = to.channelwise(x, scale, "its scale")
    x, z = to.channelwise(x, zero, "its zero point")
    x, s = to.channelwise(x, scale, "its scale")  # again: x may have been flattened for the zero point
    pre = x.then(*steps(("div", s), ("add", z)))
    back = steps(("add", -z), ("mul", s))
    if low > high:
        return _decided(to, pre, Sign()).then(*back)
    return _decided(to, pre, Quantize(_elem(low, high), low, high, rounding)).then(*back)


def bipolar_quant(to: Lowering, site: Site, operands: list) -> Value:
    """Return the sign, real = ±scale."""
    if len(operands) != 2:
        raise Refused(f"has {len(operands)} operands; x and scale are needed")
    x, scale = scores(operands[0]), data(operands[1], "its scale")
    if not (scale > 0).all():
        to.fault(f"its scale {float(scale.min()):g} is not positive")
        scale = np.ones((), np.float32)
    x, s = to.channelwise(x, scale, "its scale")
    return _decided(to, x, Sign()).then(*steps(("mul", s)))


def multi_threshold(to: Lowering, site: Site, operands: list) -> Value:
    """Return the number of levels ≤ x, real = n·out_scale + out_bias; ±a with one level, and −a, 0, a, as b1 and t2."""
    if len(operands) != 2:
        raise Refused(f"has {len(operands)} operands; x and levels are needed")
    x, levels = scores(operands[0]), data(operands[1], "its levels").astype(np.float32)
    scale, bias = float(site.attrs.get("out_scale", 1.0)), float(site.attrs.get("out_bias", 0.0))
    layout = str(site.attrs.get("data_layout", "")) or {2: "NC", 3: "NWC", 4: "NCHW"}.get(len(x.shape), "")
    if "C" not in layout or len(layout) != len(x.axes) or layout.index("C") != x.axes.index("C"):
        raise Refused(f"its data_layout {layout[:8]!r} does not fit a value with the axes {x.axes}")
    channels = x.shape[x.axes.index("C")]
    if levels.ndim != 2 or levels.shape[0] not in (1, channels) or not 1 <= levels.shape[1] <= MAX_LEVELS:
        raise Refused(f"levels of shape {levels.shape}; [{channels} or 1, 1 to {MAX_LEVELS}] is supported")
    if not (np.isfinite(scale) and np.isfinite(bias) and scale > 0):
        raise Refused(f"out_scale {scale:g} and out_bias {bias:g}; finite numbers and a positive scale are supported")
    rows = np.sort(levels, axis=1).T
    if rows.shape[1] == 1 or (rows == rows[:, :1]).all():
        wide = np.repeat(rows[:, :1], to.fact(x).type.shape[-1], axis=1)
    else:
        parts = []
        for row in rows:
            x, part = to.per_channel(x, row)
            parts.append(part)
        if len({p.shape for p in parts}) > 1:  # flattened on the way
            parts = list(rows)
        wide = np.stack(parts)
    rows = np.concatenate([wide, np.zeros_like(wide[:1])])
    low, out, back = _coded(len(rows) - 1, scale, bias)
    op = Threshold(out) if out.kind == "b" or low == out.low else Threshold(out, low)
    return _decided(to, x, op, rows).then(*back)


def _coded(count: int, scale: float, bias: float) -> tuple[int, Elem, tuple]:
    """Return (least integer, its element, steps to the real value) of levels counted from out_bias by out_scale."""
    if count == 1 and 2 * bias == -scale:
        return -1, B1, steps(("mul", scale / 2))
    low = round(bias / scale) if abs(bias / scale) < 1 << 16 else 0
    if np.float32(low * scale) != np.float32(bias):
        return 0, _elem(0, count), steps(("mul", scale), ("add", bias))
    return low, _elem(low, low + count), steps(("mul", scale))


def trunc(to: Lowering, site: Site, operands: list) -> Value:
    """Return integers with their lowest bits dropped: of q = round(x/scale + zero) the rounded q / 2^k.

    Operands of version 1 end with the bit widths before and after, 2^k apart; version 2 has the new scale between
    them, and clips.
    """
    if len(operands) not in (5, 6):
        raise Refused(f"has {len(operands)} operands; 5 (version 1) or 6 (version 2) are needed")
    names = ("its scale", "its zero point", "its bit width", *(("its new scale",) if len(operands) == 6 else ()))
    given = [data(o, w) for o, w in zip(operands[1:], (*names, "its new bit width"), strict=True)]
    if any(v.size != 1 for v in given):
        raise Refused("one scale, zero point and bit width for all channels are supported")
    scale, zero, before, *middle, after = (float(v.ravel()[0]) for v in given)
    if not (scale > 0 and all(v > 0 for v in middle) and abs(zero) < 1 << 24 and before >= after >= 1):
        raise Refused(f"scale {scale:g}, zero point {zero:g}, {before:g} bits to {after:g} leave no integers")
    x = scores(operands[0]).then(*steps(("div", scale), ("add", zero)))
    x = _decided(to, x, _rounding(to, x, "even"))
    shift = round(np.log2(middle[0] / scale)) if middle else round(before - after)
    x = x.then(*steps(("div", 2.0**shift)))
    low, high, mode = parameters(site, np.ones(1), np.zeros(1), given[-1], MAX_CONSTANT_BITS)
    x = _decided(to, x, _rounding(to, x, mode, (low, high) if middle else None))
    back = (zero / 2.0**shift, middle[0]) if middle else (zero, scale)
    return x.then(*steps(("add", -back[0]), ("mul", back[1])))


def _rounding(to: Lowering, x: Value, mode: str, limits: tuple[int, int] | None = None) -> Quantize:
    """Return the op that rounds to every integer that x reaches, within the limits."""
    least, most = to.range(x)
    low, high = int(np.floor(least.min())), int(np.ceil(most.max()))
    if limits is not None:
        low, high = (int(np.clip(v, *limits)) for v in (low, high))
    high = max(high, low + 1)
    if max(-low, high) >= 1 << 24:
        raise Refused(f"rounds to integers in {low}..{high}, beyond 2^24")
    return Quantize(_elem(low, high), low, high, mode)


def sign(to: Lowering, site: Site, operands: list) -> Value:
    """Return ONNX's sign, which is 0 at 0; two values where 0 is never met."""
    x = scores(operands[0])
    codes = _codes(to, x)
    if codes is not None and (codes[1] != 0).all():
        return _decided(to, x, Sign())
    tiny = np.float32(np.finfo(np.float32).smallest_subnormal)
    channels = to.fact(x).type.shape[-1]
    rows = np.stack([np.zeros(channels), np.full(channels, tiny), np.zeros(channels)]).astype(np.float32)
    return _decided(to, x, Threshold(T2), rows)


def _elem(low: int, high: int) -> Elem:
    if (low, high) == (-1, 1):
        return T2
    return Elem("u", max(1, high.bit_length())) if low >= 0 else int_elem(low, high)


def scores(x: object) -> Value:
    if not isinstance(x, Value):
        raise Refused("quantises a constant by a value that depends on the input")
    return x


def _codes(to: Lowering, x: Value) -> tuple[np.ndarray, np.ndarray] | None:
    """Return (all integers that %x can be, their real values [n,C]); None if there are too many."""
    fact = to.fact(x)
    if fact.low is None:
        return None
    low, high = int(fact.low.min()), int(fact.high.max())
    if high - low > SAME or (high - low) * len(fact.low) > 1 << 24:
        return None
    v = np.broadcast_to(np.arange(low, high + 1)[:, None], (high - low + 1, len(fact.low)))
    to.range(x)
    return v, evaluate(x.steps, v)


def _decided(to: Lowering, x: Value, op: Op, rows: np.ndarray | None = None) -> Value:
    """Return the decision on x; integers that it only shifts stay as they are, with the shift as a step."""
    if not isinstance(op, Sign) and (codes := _codes(to, x)) is not None and to.fact(x).type.elem.kind in "tui":
        v, real = codes
        made = MEANING[type(op)](op, real, *([] if rows is None else [rows])).astype(np.int64)
        if (made - v == made[0, 0] - v[0, 0]).all():
            return replace(x, steps=()).then(*steps(("add", made[0, 0] - v[0, 0])))
    settled = to.settled(x)
    if to.is_integer(settled) and not isinstance(op, Sign):
        channels = to.fact(x).type.shape[-1]
        unit = np.stack([np.ones(channels), np.zeros(channels)]).astype(np.float32)
        settled = replace(settled, name=to.add(ScaleBias(), settled.name, to.const("s", unit), suffix="_real"))
    operands = [settled.name] if rows is None else [settled.name, to.const("t", rows)]
    return replace(settled, name=to.add(op, *operands), steps=())
