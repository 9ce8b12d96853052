"""The golden reference: what each op means, in numpy, one function an op, on logical values.

Values carry a batch axis first: [N, *shape]. `b1`/`t2` are int8, integers int32 (u8 inputs uint8), f32 float32.
Integer sums go through float BLAS, which is exact: every partial sum is below the mantissa of the type chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

import numpy as np

from lrtc.ir import Elem, Graph
from lrtc.ir.ops import (
    Add,
    Affine,
    BatchNorm,
    Channels,
    Clamp,
    Concat,
    Const,
    Conv2d,
    Crop,
    Divide,
    Flatten,
    Identity,
    Linear,
    Maximum,
    MaxPool2d,
    Op,
    Pad,
    Quantize,
    Rearrange,
    ScaleBias,
    Sign,
    SumPool2d,
    Ternarize,
    Threshold,
    TopK,
    window_shape,
)  # fmt: skip

CHUNK_ELEMENTS = 1 << 24  # of the widest im2col matrix: 64 MiB as float32


def _windows(x: np.ndarray, kernel: tuple, stride: tuple, padding: tuple, fill: int) -> np.ndarray:
    """Return the view [N, OH, OW, C, Kh, Kw] of all windows over x [N,H,W,C], padded with `fill`."""
    top, bottom, left, right = padding
    if any(padding):
        x = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    view = np.lib.stride_tricks.sliding_window_view(x, kernel, axis=(1, 2))
    return view[:, :: stride[0], :: stride[1]]


def _exact_matmul(x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Return the integer product x [M,K] · w [O,K]ᵀ as int32, exactly."""
    largest = int(np.abs(w.astype(np.int64)).sum(axis=1).max(initial=0)) * max(1, _magnitude(x))
    kind = np.float32 if largest < 1 << 24 else np.float64
    return (x.astype(kind) @ w.T.astype(kind)).astype(np.int32)


def _magnitude(x: np.ndarray) -> int:
    """Return the greatest |value| that x's dtype or data can hold."""
    return 255 if x.dtype == np.uint8 else int(max(abs(int(x.min(initial=0))), abs(int(x.max(initial=0)))))


def conv2d(op: Conv2d, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """acc[oy,ox,o] = Σ w[o,ky,kx,i] · x[oy·sh+ky·dh−top, ox·sw+kx·dw−left, g·I+i], padded taps count 0."""
    if op.dilation != (1, 1):
        return conv2d(replace(op, dilation=(1, 1)), x, _spread(w, op.dilation))
    outputs, inside = w.shape[0] // op.groups, w.shape[-1]
    if op.groups > 1:
        one = replace(op, groups=1)
        parts = [
            conv2d(one, x[..., g * inside : (g + 1) * inside], w[g * outputs : (g + 1) * outputs])
            for g in range(op.groups)
        ]
        return np.concatenate(parts, axis=-1)
    kh, kw = w.shape[1:3]
    oh, ow = window_shape(x.shape[1:3], (kh, kw), op.stride, op.padding)
    flat = w.transpose(0, 3, 1, 2).reshape(outputs, -1)
    out = np.empty((len(x), oh, ow, outputs), dtype=np.int32)
    step = max(1, CHUNK_ELEMENTS // (oh * ow * flat.shape[1]))
    for i in range(0, len(x), step):
        columns = _windows(x[i : i + step], (kh, kw), op.stride, op.padding, 0).reshape(-1, flat.shape[1])
        out[i : i + step] = _exact_matmul(columns, flat).reshape(-1, oh, ow, outputs)
    return out


def _spread(w: np.ndarray, dilation: tuple[int, int]) -> np.ndarray:
    """Return the kernel with dilation − 1 zeros between its taps."""
    outputs, kh, kw, inside = w.shape
    wide = np.zeros((outputs, (kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1, inside), dtype=w.dtype)
    wide[:, :: dilation[0], :: dilation[1]] = w
    return wide


def linear(op: Linear, x: np.ndarray, w: np.ndarray) -> np.ndarray:
    """acc[o] = Σ w[o,…] · x[…]."""
    return _exact_matmul(x.reshape(len(x), -1), w.reshape(len(w), -1))


def scale_bias(op: ScaleBias, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """y = f32(f32(x·scale) + bias)."""
    return x.astype(np.float32) * rows[0] + rows[1]


def batchnorm_coefficients(rows: np.ndarray, eps: float, absolute: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return (a, b) float32 [C] of y = x·a + b; the arithmetic of DESIGN D4."""
    gamma, beta, mean, var = rows
    gamma = np.abs(gamma) if absolute else gamma
    a = (1.0 / np.sqrt(var.astype(np.float64) + eps)).astype(np.float32) * gamma
    return a, beta - mean * a


def batchnorm(op: BatchNorm, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """y = f32(f32(x·a) + b)."""
    a, b = batchnorm_coefficients(rows, op.eps, op.absolute)
    return x.astype(np.float32) * a + b


def sign(op: Sign, x: np.ndarray) -> np.ndarray:
    """z = +1 where x ≥ 0, else −1."""
    return np.where(x >= 0, 1, -1).astype(np.int8)


def ternarize(op: Ternarize, x: np.ndarray) -> np.ndarray:
    """z = +1 where x ≥ width, −1 where x ≤ −width, else 0."""
    width = np.float32(op.width)
    return np.where(x >= width, 1, np.where(x <= -width, -1, 0)).astype(np.int8)


ROUND: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "even": np.rint,
    "floor": np.floor,
    "ceil": np.ceil,
    "up": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "down": np.trunc,
    "half_up": lambda x: np.sign(x) * np.floor(np.abs(x) + np.float32(0.5)),
    "half_down": lambda x: np.sign(x) * np.ceil(np.abs(x) - np.float32(0.5)),
}


def quantize_real(op: Quantize, x: np.ndarray) -> np.ndarray:
    """q = clip(round(x), low, high)."""
    rounded = ROUND[op.rounding](x)
    return np.clip(rounded, op.low, op.high).astype(_holder(op.out))


def _holder(elem: Elem) -> type:
    """Return the numpy type in which values of an element are held."""
    return {"b": np.int8, "t": np.int8, "f": np.float32}.get(elem.kind, np.int32)


def threshold(op: Threshold, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """z = low + n, n the number of levels ≤ x, K − n where flip; for b1 z = 2n − 1."""
    count = np.zeros(x.shape, dtype=np.int32)
    for level in rows[:-1]:
        count += x >= level
    count = np.where(rows[-1] != 0, len(rows) - 1 - count, count)
    return (2 * count - 1 if op.out.kind == "b" else op.base + count).astype(_holder(op.out))


def topk(op: TopK, x: np.ndarray) -> np.ndarray:
    """The indices of the k greatest elements, the lowest index first among equals."""
    return np.argsort(-x.astype(np.int64), axis=-1, kind="stable")[:, : op.k].astype(np.int32)


def add(op: Add, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """y = a + b."""
    return a.astype(np.int32) + b.astype(np.int32)


def maximum(op: Maximum, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """y = max(a, b), or min(a, b)."""
    kind = a.dtype if a.dtype == b.dtype else np.int32
    return (np.minimum if op.least else np.maximum)(a.astype(kind), b.astype(kind))


def divide(op: Divide, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """y = f32(x / d)."""
    return x.astype(np.float32) / rows[0]


def clamp(op: Clamp, x: np.ndarray) -> np.ndarray:
    """y = min(max(x, low), high)."""
    if op.low is None and op.high is None:
        return x
    kind = np.float32 if x.dtype == np.float32 else np.int32
    low, high = (None if v is None else kind(v) for v in (op.low, op.high))
    return np.clip(x.astype(kind), low, high)


def sumpool(op: SumPool2d, x: np.ndarray) -> np.ndarray:
    """y = Σ over the window of x, padded taps count 0."""
    return _windows(x, op.kernel, op.stride, op.padding, 0).sum(axis=(-2, -1), dtype=np.int32)


def affine(op: Affine, x: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """y = x·multiplier + offset."""
    rows = rows.astype(np.int64)
    return (x.astype(np.int64) * rows[0] + rows[1]).astype(np.int32)


def maxpool(op: MaxPool2d, x: np.ndarray, f: np.ndarray | None = None) -> np.ndarray:
    """y = f · max over the window of f·x; padded taps are left out."""
    signed = x if x.dtype in (np.int8, np.float32) else x.astype(np.int32)
    directed = signed if f is None else signed * f
    least = -np.inf if signed.dtype == np.float32 else np.iinfo(signed.dtype).min
    best = _windows(directed, op.kernel, op.stride, op.padding, least).max(axis=(-2, -1))
    return best if f is None else best * f


def flatten(op: Flatten, x: np.ndarray) -> np.ndarray:
    """y = x as a vector in the order of the op."""
    if x.ndim == 4 and op.order == "CHW":
        x = x.transpose(0, 3, 1, 2)
    return x.reshape(len(x), -1)


def rearrange(op: Rearrange, x: np.ndarray) -> np.ndarray:
    """y = x with its axes in another order, and another shape."""
    return x.transpose(0, *(axis + 1 for axis in op.axes)).reshape(len(x), *op.shape)


def pad(op: Pad, x: np.ndarray) -> np.ndarray:
    """x with a value around it."""
    top, bottom, left, right = op.padding
    return np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=op.value)


def crop(op: Crop, x: np.ndarray) -> np.ndarray:
    """x[top : H−bottom, left : W−right]."""
    top, bottom, left, right = op.margins
    return x[:, top : x.shape[1] - bottom, left : x.shape[2] - right]


def channels(op: Channels, x: np.ndarray, index: np.ndarray) -> np.ndarray:
    """y[…,k] = x[…, index[k]]."""
    return x[..., index]


def concat(op: Concat, *parts: np.ndarray) -> np.ndarray:
    """The operands side by side along the channels."""
    kind = parts[0].dtype if all(p.dtype == parts[0].dtype for p in parts) else np.int32
    return np.concatenate([p.astype(kind) for p in parts], axis=-1)


def identity(op: Identity, x: np.ndarray) -> np.ndarray:
    """y = x."""
    return x


MEANING: dict[type[Op], Callable[..., np.ndarray]] = {
    Conv2d: conv2d,
    Linear: linear,
    ScaleBias: scale_bias,
    BatchNorm: batchnorm,
    Sign: sign,
    Threshold: threshold,
    Ternarize: ternarize,
    Quantize: quantize_real,
    TopK: topk,
    Add: add,
    Maximum: maximum,
    Divide: divide,
    Clamp: clamp,
    SumPool2d: sumpool,
    Pad: pad,
    Crop: crop,
    Channels: channels,
    Concat: concat,
    Affine: affine,
    MaxPool2d: maxpool,
    Flatten: flatten,
    Rearrange: rearrange,
    Identity: identity,
}


def quantize(x: np.ndarray, scale: float, zero_point: float = 0.0, high: int = 255) -> np.ndarray:
    """Return uint8 values of real data, k = clamp(rint(f32(x / scale)) + zero_point, 0, high), half to even.

    The fraction of a zero point (one half: see `ir.Input`) is added before rounding. uint8 passes through.
    """
    if x.dtype == np.uint8:
        return x
    whole = np.floor(np.float32(zero_point))
    k = np.rint(x.astype(np.float32) / np.float32(scale) + (np.float32(zero_point) - whole))
    return np.clip(k + whole, 0, high).astype(np.uint8)


def evaluate(graph: Graph, feeds: Mapping[str, np.ndarray]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (name, value [N,*shape]) of every non-constant value in order; values no longer needed are dropped."""
    values = dict(feeds)
    last_use = {name: i for i, node in enumerate(graph.nodes) for name in node.ins}
    for i, node in enumerate(graph.nodes):
        if isinstance(node.op, Const):
            values[node.out] = node.op.value
            continue
        values[node.out] = MEANING[type(node.op)](node.op, *(values[name] for name in node.ins))
        yield node.out, values[node.out]
        for name in node.ins:
            if last_use[name] == i and name not in graph.outputs:
                values.pop(name, None)


Feeds = np.ndarray | Mapping[str, np.ndarray]  # [N,*shape]: of the only input, or input → data


def answers(graph: Graph, x: Feeds, batch: int = 256) -> dict[str, np.ndarray]:
    """Return {result: value [N,*shape]} for the inputs, [N,*shape] in the IR's axis order.

    An input that is a vector takes images of as many elements as well, as they lie (see passes.flatten_input).
    """
    feeds = feeds_of(graph, x)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in graph.results}
    for i in range(0, len(next(iter(feeds.values()))), batch):
        held = {name: value[i : i + batch] for name, value in feeds.items()}
        held |= {name: value for name, value in evaluate(graph, held) if name in graph.outputs}
        for result, name in zip(graph.results, graph.outputs, strict=True):
            parts[result].append(held[name])
    return {name: np.concatenate(values) for name, values in parts.items()}


def feeds_of(graph: Graph, x: Feeds) -> dict[str, np.ndarray]:
    """Return input → data in the shapes of the graph; ValueError for what does not fit."""
    given = x if isinstance(x, Mapping) else {value.name: x for value in graph.inputs[:1]}
    if set(given) != {value.name for value in graph.inputs} or len({len(v) for v in given.values()}) != 1:
        raise ValueError(
            f"the inputs are {', '.join(given)}, the graph takes {', '.join(v.name for v in graph.inputs)}"
        )
    feeds = {}
    for source in graph.inputs:
        value = given[source.name]
        if value.shape[1:] != source.type.shape:
            if len(source.type.shape) != 1 or value[:1].size != source.type.size * len(value[:1]):
                raise ValueError(f"the input is {value.shape[1:]}, the graph takes {source.type.shape}")
            value = value.reshape(len(value), -1)
        feeds[source.name] = value
    return feeds


def run(graph: Graph, x: Feeds, batch: int = 256) -> np.ndarray:
    """Return the only output; see `answers`."""
    (result,) = answers(graph, x, batch).values()
    return result
