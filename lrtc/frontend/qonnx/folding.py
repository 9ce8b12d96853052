"""Nodes whose operands are all constants: evaluated here, so that shapes and weight quantisers vanish."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from lrtc.frontend.qonnx.source import DTYPES, MAX_ELEMENTS
from lrtc.frontend.qonnx.value import Constant, Refused, Site

QUANTISERS = ("BipolarQuant", "IntQuant", "Quant")


def fold(site: Site, operands: list[Constant | None]) -> Constant | None:
    """Return the constant that a node of constants makes; None if this node is not folded. Refused if it is unsound."""
    if site.op in QUANTISERS:
        from lrtc.frontend.qonnx.quantisers import quantised_constant

        return quantised_constant(site, operands)
    if site.op not in FOLDS:
        return None
    moved = _moved(site, operands)
    if moved is not None:
        return moved
    arrays = [None if c is None else c.value for c in operands]
    try:
        with np.errstate(all="ignore"):
            value = np.asarray(FOLDS[site.op](site, *arrays))
    except Refused:
        raise
    except (ValueError, IndexError, TypeError, OverflowError, ZeroDivisionError) as error:
        raise Refused(f"cannot be evaluated: {error}") from None
    if value.dtype == np.float64:
        value = value.astype(np.float32)
    if value.dtype.kind == "f" and not np.isfinite(value).all():
        raise Refused("makes NaN or infinite constants")
    if site.op in ("Mul", "Div", "Neg"):
        return _scaled(site, operands, value)
    return Constant(value)


def _moved(site: Site, operands: list[Constant | None]) -> Constant | None:
    """Return a quantised constant in another shape, its integers and scale moved alike; None for anything else."""
    first = operands[0] if operands else None
    if first is None or first.q is None or site.op not in ("Transpose", "Reshape", "Squeeze", "Unsqueeze", "Identity"):
        return None
    rest = [None if c is None else c.value for c in operands[1:]]
    try:
        return Constant(*(np.asarray(FOLDS[site.op](site, v, *rest)) for v in (first.value, first.q, first.scale)))
    except (ValueError, IndexError, TypeError) as error:
        raise Refused(f"cannot be evaluated: {error}") from None


def _scaled(site: Site, operands: list[Constant | None], value: np.ndarray) -> Constant:
    """Return the result of scaling a quantised constant by another constant."""
    quantised = next((i for i, c in enumerate(operands) if c is not None and c.q is not None), None)
    if quantised is None or (site.op == "Div" and quantised == 1):
        return Constant(value)
    c = operands[quantised]
    if c.value.shape != value.shape:
        return Constant(value)
    factor = -1 if site.op == "Neg" else operands[1 - quantised].value
    scale = c.scale / factor if site.op == "Div" else c.scale * factor
    return Constant(value, c.q, np.broadcast_to(scale, value.shape).astype(np.float32))


def _small(shape: tuple[int, ...]) -> tuple[int, ...]:
    if prod(shape) > MAX_ELEMENTS or min(shape, default=0) < 0:
        raise Refused(f"makes a constant of shape {shape}; at most {MAX_ELEMENTS} elements are supported")
    return shape


def _two(function: Callable) -> Callable:
    def evaluate(site: Site, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        _small(np.broadcast_shapes(a.shape, b.shape))
        return function(a, b)

    return evaluate


def _one(function: Callable) -> Callable:
    return lambda site, a: function(a)


def _div(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    if a.dtype.kind in "iu" and b.dtype.kind in "iu":
        if (b == 0).any():
            raise Refused("divides by zero")
        return np.trunc(a / b).astype(a.dtype)
    return a / b


def axes_of(site: Site, given: np.ndarray | None, rank: int) -> list[int]:
    """Return the axes of Squeeze, Unsqueeze or a reduction, from the attribute or the second operand, none negative."""
    raw = site.attrs.get("axes", ()) if given is None else given.ravel().tolist()
    axes = [int(a) + rank if a < 0 else int(a) for a in raw]
    if any(not 0 <= a < rank for a in axes) or len(set(axes)) != len(axes):
        raise Refused(f"the axes {list(raw)[:8]} do not fit a value of {rank} axes")
    return sorted(axes)


def _unsqueeze(site: Site, x: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
    n = len(site.attrs.get("axes", ())) if given is None else given.size
    for axis in axes_of(site, given, x.ndim + n):
        x = np.expand_dims(x, axis)
    return x


def _squeeze(site: Site, x: np.ndarray, given: np.ndarray | None = None) -> np.ndarray:
    axes = axes_of(site, given, x.ndim)
    return np.squeeze(x, tuple(axes) or None)


def _slice(site: Site, x: np.ndarray, *operands: np.ndarray | None) -> np.ndarray:
    if operands:
        starts, ends, axes, by = (None if v is None else v.ravel().tolist() for v in (*operands, None, None)[:4])
    else:
        starts, ends, axes, by = site.attrs["starts"], site.attrs["ends"], site.attrs.get("axes"), None
    index = [slice(None)] * x.ndim
    for k, axis in enumerate(range(len(starts)) if axes is None else axes):
        index[axis] = slice(int(starts[k]), int(ends[k]), 1 if by is None else int(by[k]))
    return x[tuple(index)]


def new_shape(site: Site, old: tuple[int, ...], target: np.ndarray) -> tuple[int, ...]:
    """Return the shape that Reshape gives; 0 keeps an axis, −1 takes what is left."""
    keep = not site.attrs.get("allowzero", 0)
    shape = [int(d) for d in np.ravel(target)]
    if any(d == 0 and keep and i >= len(old) for i, d in enumerate(shape)):
        raise Refused(f"the shape {shape[:8]} keeps an axis that is not there")
    shape = [old[i] if d == 0 and keep else d for i, d in enumerate(shape)]
    known = prod(d for d in shape if d != -1)
    if shape.count(-1) == 1 and known > 0 and prod(old) % known == 0:
        shape[shape.index(-1)] = prod(old) // known
    if min(shape, default=1) < 0 or prod(shape) != prod(old):
        raise Refused(f"a value of shape {old} cannot be reshaped to {shape[:8]}")
    return tuple(shape)


def _constant(site: Site) -> np.ndarray:
    for key, dtype in (("value_float", np.float32), ("value_floats", np.float32), ("value_int", np.int64),
                       ("value_ints", np.int64)):  # fmt: skip
        if key in site.attrs:
            return np.asarray(site.attrs[key], dtype=dtype)
    if not isinstance(site.attrs.get("value"), np.ndarray):
        raise Refused("has no numbers; a tensor is supported")
    return site.attrs["value"]


def _cast(site: Site, x: np.ndarray) -> np.ndarray:
    dtype = DTYPES.get(site.attrs.get("to"))
    if dtype is None:
        raise Refused(f"casts to the element type {site.attrs.get('to')}; numbers are supported")
    return x.astype(np.float32 if np.dtype(dtype).kind == "f" else dtype)


def _clip(site: Site, x: np.ndarray, low: np.ndarray | None = None, high: np.ndarray | None = None) -> np.ndarray:
    low, high = site.attrs.get("min", low), site.attrs.get("max", high)
    x = x if low is None else np.maximum(x, np.asarray(low, x.dtype))
    return x if high is None else np.minimum(x, np.asarray(high, x.dtype))


def _fill(site: Site, shape: np.ndarray) -> np.ndarray:
    value = site.attrs.get("value", np.zeros(1, np.float32))
    return np.full(_small(tuple(int(d) for d in shape.ravel())), value.reshape(-1)[0])


def _expand(site: Site, x: np.ndarray, shape: np.ndarray) -> np.ndarray:
    wanted = _small(np.broadcast_shapes(x.shape, _small(tuple(int(d) for d in shape.ravel()))))
    return np.broadcast_to(x, wanted).copy()


def _concat(site: Site, *parts: np.ndarray) -> np.ndarray:
    _small((sum(p.size for p in parts),))
    return np.concatenate(parts, axis=int(site.attrs.get("axis", 0)))


def _gather(site: Site, x: np.ndarray, index: np.ndarray) -> np.ndarray:
    axis = int(site.attrs.get("axis", 0))
    _small((index.size, x.size // max(1, x.shape[axis])))
    return np.take(x, index.astype(np.int64), axis=axis)


FOLDS: dict[str, Callable[..., np.ndarray]] = {
    "Abs": _one(np.abs),
    "Add": _two(np.add),
    "Cast": _cast,
    "Ceil": _one(np.ceil),
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _fill,
    "Div": _two(_div),
    "Exp": _one(np.exp),
    "Expand": _expand,
    "Flatten": lambda site, x: x.reshape(prod(x.shape[: int(site.attrs.get("axis", 1))]), -1),
    "Floor": _one(np.floor),
    "Gather": _gather,
    "Identity": _one(lambda x: x),
    "Max": _two(np.maximum),
    "Min": _two(np.minimum),
    "Mul": _two(np.multiply),
    "Neg": _one(np.negative),
    "Pow": _two(np.power),
    "Reciprocal": _one(lambda x: np.float32(1) / x),
    "Relu": _one(lambda x: np.maximum(x, 0)),
    "Reshape": lambda site, x, shape: x.reshape(new_shape(site, x.shape, shape)),
    "Round": _one(np.rint),
    "Shape": _one(lambda x: np.array(x.shape, dtype=np.int64)),
    "Sign": _one(np.sign),
    "Slice": _slice,
    "Sqrt": _one(np.sqrt),
    "Squeeze": _squeeze,
    "Sub": _two(np.subtract),
    "Transpose": lambda site, x: np.transpose(x, site.attrs.get("perm")),
    "Unsqueeze": _unsqueeze,
}
