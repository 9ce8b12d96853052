"""Rules of the layers that are dot products: discrete convolutions and linear layers, and the heads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from lrtc.frontend import fields as f
from lrtc.frontend import lower_dots as lowering
from lrtc.frontend.fields import Field, TensorSpec, float_spec, weight_spec
from lrtc.frontend.lowering import EXACT
from lrtc.frontend.rule import Attrs, LayerRule, without
from lrtc.nn import LRTConv1d, LRTConv2d, LRTLinear, LRTScale, QuantConv1d, QuantConv2d, QuantLinear
from lrtc.nn.alphabet import SETS, values_of

CONV_FIELDS = {
    "in_channels": f.channels,
    "out_channels": f.channels,
    "kernel_size": f.pair(1),
    "stride": f.pair(1),
    "padding": f.sides,
}
CONV1D_FIELDS = {
    "in_channels": f.channels,
    "out_channels": f.channels,
    "kernel_size": f.whole(1, f.MAX_WINDOW),
    "stride": f.whole(1, f.MAX_WINDOW),
    "padding": f.whole(0, f.MAX_WINDOW),
}
GROUPED_FIELDS = {"groups": f.channels, "dilation": f.pair(1)}
GROUPED_1D_FIELDS = {"groups": f.channels, "dilation": f.whole(1, f.MAX_WINDOW)}
GROUPED, GROUPED_1D = {"groups": 1, "dilation": (1, 1)}, {"groups": 1, "dilation": 1}
LINEAR_FIELDS = {"in_features": f.features, "out_features": f.features}
LRT_FIELDS = {"bias": f.flag, "weights": f.weight_set, "discrete": f.flag}


def _conv_shape(attrs: Attrs) -> tuple[int, ...]:
    kernel = attrs["kernel_size"]
    inside = attrs["in_channels"] // attrs.get("groups", 1)
    return (attrs["out_channels"], inside, *(kernel if isinstance(kernel, tuple) else (kernel,)))


def _whole_groups(attrs: Attrs) -> Iterator[str]:
    groups, channels = attrs.get("groups", 1), (attrs["in_channels"], attrs["out_channels"])
    if any(n % groups for n in channels):
        yield f"groups={groups} is not supported; groups must divide {channels[0]} and {channels[1]} channels"


def _linear_shape(attrs: Attrs) -> tuple[int, ...]:
    return (attrs["out_features"], attrs["in_features"])


def _lrt_attrs(names: Mapping[str, Field]) -> Callable[[nn.Module], dict[str, Any]]:
    def attrs(module: nn.Module) -> dict[str, Any]:
        own = {"bias": module.bias is not None, "weights": module.weights, "discrete": bool(module.is_discrete)}
        return {name: getattr(module, name) for name in names} | own

    return attrs


def _lrt_specs(shape_of: Callable[[Attrs], tuple[int, ...]]) -> Callable[[Attrs], dict[str, TensorSpec]]:
    def specs(attrs: Attrs) -> dict[str, TensorSpec]:
        shape = shape_of(attrs)
        if attrs["discrete"]:
            found = {"discrete_weight": weight_spec(shape, attrs["weights"])}
        elif attrs["weights"] not in SETS:
            found = {"theta": float_spec((len(values_of(attrs["weights"])), *shape))}
        else:
            found = {"beta": float_spec(shape)}
            if attrs["weights"] == "ternary":
                found["alpha"] = float_spec(shape)
        if attrs["bias"]:
            found["bias"] = float_spec(shape[:1])
        return found

    return specs


def _build_lrt(cls: type[nn.Module]) -> Callable[[Attrs], nn.Module]:
    def build(attrs: Attrs) -> nn.Module:
        module = cls(**without(attrs, "discrete"))
        module.is_discrete.fill_(attrs["discrete"])
        return module

    return build


# --- plain torch layers whose weights happen to be discrete ---


def _plain_refusals(module: nn.Conv1d | nn.Conv2d | nn.Linear) -> Iterator[str]:
    name = type(module).__name__
    if getattr(module, "padding_mode", "zeros") != "zeros":
        yield f"padding_mode={module.padding_mode!r} is not supported; padding_mode must be 'zeros'"
    if isinstance(getattr(module, "padding", 0), str):
        yield f"padding={module.padding!r} is not supported; give it as numbers"
    weight = module.weight.detach()
    if not bool(((weight == 0) | (weight.abs() == 1)).all()):
        yield f"full-precision weights are not supported; use lrtc.nn.LRT{name}, or weights in {{-1, 0, +1}}"
    if module.bias is not None:
        yield f"a bias inside a plain {name} is not supported; use lrtc.nn.LRT{name}(bias=True), or bias=False"


def _plain_weight(module: nn.Module, specs: Mapping[str, TensorSpec]) -> dict[str, Tensor]:
    return {"discrete_weight": module.weight.to(torch.int8)}


def _plain_specs(shape_of: Callable[[Attrs], tuple[int, ...]]) -> Callable[[Attrs], dict[str, TensorSpec]]:
    return lambda attrs: {"discrete_weight": weight_spec(shape_of(attrs), "ternary")}


def _build_plain(cls: type[nn.Module]) -> Callable[[Attrs], nn.Module]:
    return lambda attrs: _build_lrt(cls)({**attrs, "bias": False, "weights": "ternary", "discrete": True})


# --- heads ---


def _head_attrs(*names: str) -> Callable[[nn.Module], dict[str, Any]]:
    return lambda module: {name: getattr(module, name) for name in names} | {"discrete": bool(module.is_discrete)}


def _scale_specs(attrs: Attrs) -> dict[str, TensorSpec]:
    shape, top = (attrs["num_classes"],), 1 << (attrs["bits"] - 1)
    if not attrs["discrete"]:
        return {"scale": float_spec(shape), "bias": float_spec(shape)}
    return {"multiplier": TensorSpec(torch.int32, shape, 1 - top, top - 1), "offset": _offset_spec(shape)}


def _quant_specs(shape_of: Callable[[Attrs], tuple[int, ...]]) -> Callable[[Attrs], dict[str, TensorSpec]]:
    def specs(attrs: Attrs) -> dict[str, TensorSpec]:
        shape, bits = shape_of(attrs), attrs["bits"]
        if not attrs["discrete"]:
            return {"weight": float_spec(shape), "bias": float_spec(shape[:1])}
        top = 1 << (bits - 1)
        signed = TensorSpec(torch.int8, shape, 1 - top, top - 1)
        held = signed if attrs.get("signed", True) else TensorSpec(torch.uint8, shape, 0, 2 * top - 1)
        return {"discrete_weight": held, "offset": _offset_spec(shape[:1])}

    return specs


def _offset_spec(shape: tuple[int, ...]) -> TensorSpec:
    return TensorSpec(torch.int32, shape, -EXACT, EXACT)


def _build_head(cls: type[nn.Module]) -> Callable[[Attrs], nn.Module]:
    def build(attrs: Attrs) -> nn.Module:
        module = cls(**without(attrs, "discrete"))
        module.is_discrete.fill_(attrs["discrete"])
        return module

    return build


def _quant(cls: type[nn.Module], fields: Mapping[str, Field], shape_of: Callable, lower: Callable, **more) -> LayerRule:
    every = {**fields, "bits": f.whole(2, 8), "discrete": f.flag, "signed": f.flag}
    attrs, defaults = _head_attrs(*fields, "bits", "signed"), {"signed": True, **more.pop("defaults", {})}
    return LayerRule(cls, every, attrs, _build_head(cls), lower, _quant_specs(shape_of), defaults=defaults, **more)


def _lrt(cls: type[nn.Module], fields: Mapping[str, Field], shape_of: Callable, lower: Callable, **more) -> LayerRule:
    every = {**fields, **LRT_FIELDS}
    return LayerRule(cls, every, _lrt_attrs(fields), _build_lrt(cls), lower, _lrt_specs(shape_of), **more)


def _plain(
    cls: type[nn.Module], ours: type[nn.Module], fields: Mapping, shape_of: Callable, lower: Callable, **more
) -> LayerRule:
    return LayerRule(
        cls,
        fields,
        _plain_attrs(fields),
        _build_plain(ours),
        lower,
        _plain_specs(shape_of),
        _plain_weight,
        _plain_refusals,
        **more,
    )


def _plain_attrs(fields: Mapping[str, Field]) -> Callable[[nn.Module], dict[str, Any]]:
    one = fields is ONE  # nn.Conv1d holds its geometry as tuples of one

    def attrs(module: nn.Module) -> dict[str, Any]:
        found = {name: getattr(module, name) for name in fields}
        return {k: v[0] if one and isinstance(v, tuple) else v for k, v in found.items()}

    return attrs


TWO, ONE = {**CONV_FIELDS, **GROUPED_FIELDS}, {**CONV1D_FIELDS, **GROUPED_1D_FIELDS}
GROUPS = {"defaults": GROUPED, "together": _whole_groups}
GROUPS_1D = {"defaults": GROUPED_1D, "together": _whole_groups}

TABLE = (
    _lrt(LRTConv2d, TWO, _conv_shape, lowering.conv2d, **GROUPS),
    _lrt(LRTConv1d, ONE, _conv_shape, lowering.conv1d, **GROUPS_1D),
    _lrt(LRTLinear, LINEAR_FIELDS, _linear_shape, lowering.linear),
    LayerRule(
        LRTScale,
        {"num_classes": f.features, "bits": f.whole(2, 16), "discrete": f.flag},
        _head_attrs("num_classes", "bits"),
        _build_head(LRTScale),
        lowering.lrt_scale,
        _scale_specs,
    ),
    _quant(QuantLinear, LINEAR_FIELDS, _linear_shape, lowering.quant_linear),
    _quant(QuantConv2d, TWO, _conv_shape, lowering.quant_conv2d, **GROUPS),
    _quant(QuantConv1d, ONE, _conv_shape, lowering.quant_conv1d, **GROUPS_1D),
    _plain(nn.Conv2d, LRTConv2d, TWO, _conv_shape, lowering.conv2d, **GROUPS),
    _plain(nn.Conv1d, LRTConv1d, ONE, _conv_shape, lowering.conv1d, **GROUPS_1D),
    _plain(nn.Linear, LRTLinear, LINEAR_FIELDS, _linear_shape, lowering.linear),
)
