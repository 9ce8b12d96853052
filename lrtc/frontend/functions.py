"""Functions and methods that mean a layer: the names of their arguments, and the module that they stand for."""

from __future__ import annotations

import operator
from collections.abc import Callable
from inspect import Parameter, Signature
from typing import Any

import torch
import torch.nn.functional as F
from torch import fx, nn

from lrtc.frontend.slices import narrowed
from lrtc.nn import (
    Add,
    ChannelChunk,
    ChannelSlice,
    Concat,
    ExactMean,
    Maximum,
    Minimum,
    Permute,
    TopClasses,
    Transpose,
)


def _signature(*names: str, **defaults: Any) -> Signature:
    required = [Parameter(n, Parameter.POSITIONAL_OR_KEYWORD) for n in names]
    optional = [Parameter(n, Parameter.POSITIONAL_OR_KEYWORD, default=v) for n, v in defaults.items()]
    return Signature(required + optional)


VARIADIC = Parameter.VAR_POSITIONAL
FLATTEN = _signature("input", start_dim=0, end_dim=-1)
POOL = _signature("input", "kernel_size", stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False)
TORCH_POOL = _signature("input", "kernel_size", stride=None, padding=0, dilation=1, ceil_mode=False)
AVG1D = _signature("input", "kernel_size", stride=None, padding=0, ceil_mode=False, count_include_pad=True)
AVG2D = _signature(
    "input", "kernel_size", stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
)
DROP = _signature("input", p=0.5, training=True, inplace=False)
RELU = _signature("input", inplace=False)
HARDTANH = _signature("input", min_val=-1.0, max_val=1.0, inplace=False)
CLAMP = _signature("input", min=None, max=None)
MEAN = _signature("input", dim=None, keepdim=False, dtype=None)
ARGMAX = _signature("input", dim=None, keepdim=False)
TOPK = _signature("input", "k", dim=-1, largest=True, sorted=True)
PAD = _signature("input", "pad", mode="constant", value=None)
TRANSPOSE = _signature("input", "dim0", "dim1")
SIZE = _signature("input", "output_size")


def _dropout(p: float, training: bool, inplace: bool) -> nn.Module:
    if training:
        raise ValueError("training=True is not supported; pass training=self.training")
    return nn.Identity()


def _clamp(min: float | None, max: float | None) -> nn.Module:
    if min == 0 and max is None:
        return nn.ReLU()
    if min is None or max is None:
        raise ValueError(f"clamp({min}, {max}) is not supported; give both limits, or 0 and none (ReLU)")
    return nn.Hardtanh(min, max)


def _relu(inplace: bool) -> nn.Module:
    return nn.ReLU()


def _mean(dim: int | tuple | None, keepdim: bool, dtype: object) -> nn.Module:
    axes = set(dim) if isinstance(dim, (tuple, list)) else {dim}
    if dtype is not None or axes not in ({2, 3}, {-1, -2}, {2}, {-1}):
        raise ValueError(f"dim={dim!r} is not supported; average over (2, 3), or over 2 of a signal N×C×L")
    return ExactMean(len(axes), bool(keepdim))


def _last(dim: int | None) -> None:
    if dim not in (1, -1):
        raise ValueError(f"dim={dim!r} is not supported; the classes are dim=1 of N×C scores")


def _argmax(dim: int | None, keepdim: bool) -> nn.Module:
    _last(dim)
    return TopClasses(1)


def _topk(k: int, dim: int, largest: bool, sorted: bool) -> Callable[[object], nn.Module]:
    _last(dim)
    if not largest:
        raise ValueError("largest=False is not supported; largest must be True")

    def part(index: object) -> nn.Module:
        if index not in (1, "indices"):
            raise ValueError("the values of topk are not supported; take its indices, topk(…).indices")
        return TopClasses(k)

    return part


def _pad(pad: tuple, mode: str, value: float | None) -> nn.Module:
    if mode != "constant":
        raise ValueError(f"mode={mode!r} is not supported; mode must be 'constant'")
    if len(pad) not in (2, 4):
        raise ValueError(f"pad={tuple(pad)} is not supported; give (left, right) or (left, right, top, bottom)")
    return (nn.ConstantPad1d if len(pad) == 2 else nn.ConstantPad2d)(tuple(pad), 0 if value is None else value)


def _transpose(dim0: int, dim1: int) -> nn.Module:
    return Transpose(dim0, dim1)


def _permute(dims: tuple) -> nn.Module:
    return Permute(dims[0] if len(dims) == 1 and isinstance(dims[0], (tuple, list)) else dims)


def _channels(dim: int) -> None:
    if dim != 1:
        raise ValueError(f"dim={dim} is not supported; only channels, dim=1, are taken apart")


def _chunk(chunks: int, dim: int) -> Callable[[object], nn.Module]:
    _channels(dim)
    return lambda index: ChannelChunk(chunks, index)


def _split(split_size: int | list, dim: int) -> Callable[[object], nn.Module]:
    _channels(dim)

    def part(index: int) -> nn.Module:
        if isinstance(split_size, int):
            return ChannelSlice(index * split_size, (index + 1) * split_size)
        return ChannelSlice(sum(split_size[:index]), sum(split_size[: index + 1]))

    return part


Maker = Callable[..., nn.Module]
FUNCTIONS: dict[object, tuple[Signature, Maker]] = {
    torch.flatten: (FLATTEN, nn.Flatten),
    "flatten": (FLATTEN, nn.Flatten),
    F.max_pool2d: (POOL, nn.MaxPool2d),
    torch.max_pool2d: (TORCH_POOL, nn.MaxPool2d),
    F.max_pool1d: (POOL, nn.MaxPool1d),
    torch.max_pool1d: (TORCH_POOL, nn.MaxPool1d),
    F.avg_pool2d: (AVG2D, nn.AvgPool2d),
    F.avg_pool1d: (AVG1D, nn.AvgPool1d),
    F.adaptive_avg_pool2d: (SIZE, nn.AdaptiveAvgPool2d),
    F.adaptive_avg_pool1d: (SIZE, nn.AdaptiveAvgPool1d),
    **dict.fromkeys((torch.mean, "mean"), (MEAN, _mean)),
    **dict.fromkeys((F.relu, torch.relu, torch.relu_, "relu", "relu_"), (RELU, _relu)),
    F.relu6: (RELU, lambda inplace: nn.ReLU6()),
    F.hardtanh: (HARDTANH, lambda min_val, max_val, inplace: nn.Hardtanh(min_val, max_val)),
    **dict.fromkeys((torch.clamp, torch.clip, "clamp", "clip", "clamp_"), (CLAMP, _clamp)),
    **dict.fromkeys((torch.argmax, "argmax"), (ARGMAX, _argmax)),
    F.pad: (PAD, _pad),
    F.channel_shuffle: (_signature("input", "groups"), nn.ChannelShuffle),
    **dict.fromkeys((torch.narrow, "narrow"), (_signature("input", "dim", "start", "length"), narrowed)),
    F.dropout: (DROP, _dropout),
    "permute": (Signature((*_signature("input").parameters.values(), Parameter("dims", VARIADIC))), _permute),
    torch.permute: (_signature("input", "dims"), Permute),
    **dict.fromkeys(
        ("transpose", "swapaxes", torch.transpose),
        (TRANSPOSE, _transpose),
    ),
    "contiguous": (_signature("input"), nn.Identity),
}
PARTS: dict[object, tuple[Signature, Callable[..., Callable[[object], nn.Module]]]] = {
    **dict.fromkeys((torch.topk, "topk"), (TOPK, _topk)),
    **dict.fromkeys((torch.chunk, "chunk"), (_signature("input", "chunks", dim=0), _chunk)),
    **dict.fromkeys((torch.split, "split"), (_signature("input", "split_size", dim=0), _split)),
}
MEETINGS: dict[object, type[nn.Module]] = {  # of several values
    **dict.fromkeys((operator.add, operator.iadd, torch.add, "add", "add_"), Add),
    **dict.fromkeys((torch.maximum, torch.max, "maximum", "max"), Maximum),
    **dict.fromkeys((torch.minimum, torch.min, "minimum", "min"), Minimum),
    **dict.fromkeys((torch.cat, torch.concat, torch.concatenate), Concat),
}
AS_IT_IS = "leave it out: lrtc.nn.InputQuantize(shape, scale) takes the data as it is"
OPERATION_REMEDY = {
    "sign": "use lrtc.nn.LRTSign",
    "sgn": "use lrtc.nn.LRTSign",
    "round": "use lrtc.nn.QuantActivation",
    "sub": "values are added; fold the minus into the weights before it",
    "sum": "use lrtc.nn.SumPool2d, or a mean",
    **dict.fromkeys(("float", "to", "type", "truediv", "div"), AS_IT_IS),
}


def bound(node: fx.Node, table: dict) -> Any:
    """Return what a table makes of a call; ValueError or TypeError for arguments that are not supported."""
    signature, make = table[node.target]
    found = signature.bind(*node.args, **node.kwargs)
    found.apply_defaults()
    given = {k: v for k, v in found.arguments.items() if k != "input"}
    if any(isinstance(v, fx.Node) for v in given.values()):
        raise ValueError("an argument that is computed is not supported; it must be a number")
    return make(**given)


def operands(node: fx.Node) -> list[fx.Node]:
    """Return the values that an operation of MEETINGS takes; ValueError if it does anything more."""
    args, kwargs, made = list(node.args), dict(node.kwargs), MEETINGS[node.target]
    if made is Concat:
        values = args[0] if args else kwargs.pop("tensors")
        if not isinstance(values, (list, tuple)):
            raise ValueError("takes all parts of a chunk or split together; take them by their index")
        dim = args[1] if len(args) > 1 else kwargs.pop("dim", kwargs.pop("axis", 0))
        if dim != 1:
            raise ValueError(f"dim={dim} is not supported; values are put side by side along dim=1, the channels")
    else:
        if kwargs.pop("alpha", 1) != 1:
            raise ValueError("alpha is not supported; values are added as they are")
        values = [*args, *(kwargs.pop(name) for name in ("input", "other") if name in kwargs)]
    if made in (Maximum, Minimum) and (len(values) != 2 or not all(isinstance(v, fx.Node) for v in values)):
        raise ValueError(
            "is taken of one value; of two it is supported, torch.maximum(a, b): use lrtc.nn.LRTMaxPool2d for windows, "
            "torch.clamp for limits"
        )
    if not all(isinstance(v, fx.Node) for v in values):
        raise ValueError("adds a number; use the bias of the layer before it, or of its batchnorm")
    return list(values)
