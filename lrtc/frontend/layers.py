"""The table of layers: what of a torch module is described and must hold, what it is rebuilt as, how it lowers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lrtc.errors import nearest
from lrtc.frontend import fields as f
from lrtc.frontend import lowering
from lrtc.frontend.fields import Field, TensorSpec, float_spec, weight_spec
from lrtc.nn import ExactBatchNorm, InputQuantize, LRTBatchNorm, LRTConv2d, LRTLinear, LRTScale, LRTSign, QuantLinear

Attrs = Mapping[str, Any]


def _nothing(*_: object) -> tuple:
    return ()


def _same_names(module: nn.Module, specs: Mapping[str, TensorSpec]) -> dict[str, Tensor]:
    return {name: getattr(module, name) for name in specs}


@dataclass(frozen=True)
class LayerRule:
    """One kind of layer.

    fields: its attributes. specs: attributes → the tensors it holds. attrs, tensors: read from a module.
    refusals: why a module of this class cannot be described. build: attributes → a module that tensors go into.
    lower: see `lowering`. discrete: whether an attribute `discrete` says that distributions are fixed.
    """

    torch_class: type[nn.Module]
    fields: Mapping[str, Field]
    attrs: Callable[[Any], dict[str, Any]]
    build: Callable[[Attrs], nn.Module]
    lower: Callable[[lowering.Lowering, str, Any, dict[str, np.ndarray]], str]
    specs: Callable[[Attrs], dict[str, TensorSpec]] = lambda attrs: {}
    tensors: Callable[[Any, Mapping[str, TensorSpec]], dict[str, Tensor]] = _same_names
    refusals: Callable[[Any], Iterator[str] | tuple] = _nothing

    @property
    def kind(self) -> str:
        """Return the name in descriptions: the class's."""
        return self.torch_class.__name__

    @property
    def holds_distributions(self) -> bool:
        return "discrete" in self.fields


def _attributes(*names: str) -> Callable[[nn.Module], dict[str, Any]]:
    return lambda module: {name: getattr(module, name) for name in names}


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


# --- layers with discrete weights ---

CONV_FIELDS = {
    "in_channels": f.channels,
    "out_channels": f.channels,
    "kernel_size": f.pair(1),
    "stride": f.pair(1),
    "padding": f.pair(0),
}
LINEAR_FIELDS = {"in_features": f.features, "out_features": f.features}
LRT_FIELDS = {"bias": f.flag, "weights": f.word("ternary", "bipolar"), "discrete": f.flag}


def _conv_shape(attrs: Attrs) -> tuple[int, ...]:
    return (attrs["out_channels"], attrs["in_channels"], *attrs["kernel_size"])


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
        else:
            found = {"beta": float_spec(shape)}
            if attrs["weights"] == "ternary":
                found["alpha"] = float_spec(shape)
        if attrs["bias"]:
            found["bias"] = float_spec(shape[:1])
        return found

    return specs


def _without(attrs: Attrs, *names: str) -> dict[str, Any]:
    return {name: value for name, value in attrs.items() if name not in names}


def _build_lrt(cls: type[nn.Module]) -> Callable[[Attrs], nn.Module]:
    def build(attrs: Attrs) -> nn.Module:
        module = cls(**_without(attrs, "discrete"))
        module.is_discrete.fill_(attrs["discrete"])
        return module

    return build


# --- plain torch layers whose weights happen to be discrete ---


def _plain_refusals(module: nn.Conv2d | nn.Linear) -> Iterator[str]:
    name = type(module).__name__
    for what, only in (("dilation", (1, 1)), ("groups", 1), ("padding_mode", "zeros")):
        value = getattr(module, what, only)
        if value != only:
            yield f"{what}={value!r} is not supported; {what} must be {only[0] if isinstance(only, tuple) else only!r}"
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


# --- batchnorm ---


def _norm_specs(attrs: Attrs) -> dict[str, TensorSpec]:
    shape = (attrs["num_features"],)
    specs = {name: float_spec(shape) for name in ("weight", "bias", "running_mean")}
    return specs | {"running_var": float_spec(shape, low=0.0)}


NORM_FIELDS = {"num_features": f.features, "eps": f.real(0.0, 1e6)}


def _norm_refusals(module: nn.modules.batchnorm._BatchNorm) -> Iterator[str]:
    if module.running_mean is None:
        yield "track_running_stats=False is not supported; a compiled network needs fixed statistics"


def _norm_tensors(module: nn.modules.batchnorm._BatchNorm, specs: Mapping[str, TensorSpec]) -> dict[str, Tensor]:
    mean = module.running_mean
    weight = torch.ones_like(mean) if module.weight is None else module.weight
    bias = torch.zeros_like(mean) if module.bias is None else module.bias
    return {"weight": weight, "bias": bias, "running_mean": mean, "running_var": module.running_var}


def _plain_norm(cls: type[nn.Module], lower: Callable) -> LayerRule:
    return LayerRule(
        cls,
        NORM_FIELDS,
        _attributes(*NORM_FIELDS),
        lambda attrs: ExactBatchNorm(**attrs),
        lower,
        _norm_specs,
        _norm_tensors,
        _norm_refusals,
    )


# --- heads ---


def _head_attrs(*names: str) -> Callable[[nn.Module], dict[str, Any]]:
    return lambda module: {name: getattr(module, name) for name in names} | {"discrete": bool(module.is_discrete)}


def _scale_specs(attrs: Attrs) -> dict[str, TensorSpec]:
    shape, top = (attrs["num_classes"],), 1 << (attrs["bits"] - 1)
    if not attrs["discrete"]:
        return {"scale": float_spec(shape), "bias": float_spec(shape)}
    return {"multiplier": TensorSpec(torch.int32, shape, 1 - top, top - 1), "offset": _offset_spec(shape)}


def _quant_specs(attrs: Attrs) -> dict[str, TensorSpec]:
    shape, top = _linear_shape(attrs), 1 << (attrs["bits"] - 1)
    if not attrs["discrete"]:
        return {"weight": float_spec(shape), "bias": float_spec(shape[:1])}
    return {"discrete_weight": TensorSpec(torch.int8, shape, 1 - top, top - 1), "offset": _offset_spec(shape[:1])}


def _offset_spec(shape: tuple[int, ...]) -> TensorSpec:
    return TensorSpec(torch.int32, shape, -lowering.EXACT, lowering.EXACT)


# --- layers without parameters ---


def _pool_refusals(module: nn.MaxPool2d) -> Iterator[str]:
    for what, only in (("dilation", 1), ("ceil_mode", False), ("return_indices", False)):
        value = getattr(module, what)
        if value not in (only, (only, only)):
            yield f"{what}={value!r} is not supported; {what} must be {only}"


def _pool_attrs(module: nn.MaxPool2d) -> dict[str, Any]:
    return {name: _pair(getattr(module, name)) for name in ("kernel_size", "stride", "padding")}


def _flatten_refusals(module: nn.Flatten) -> Iterator[str]:
    if (module.start_dim, module.end_dim) != (1, -1):
        yield f"start_dim={module.start_dim}, end_dim={module.end_dim} is not supported; they must be 1 and -1"


def _none(module: nn.Module) -> dict[str, Any]:
    return {}


def _dropped(cls: type[nn.Module]) -> LayerRule:
    return LayerRule(cls, {}, _none, lambda attrs: nn.Identity(), lowering.identity)


IDENTITIES = (
    nn.Identity,
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)
SIGN_FIELDS = {"temperature": f.real(1e-30, 1e30), "mode": f.word("gumbel", "moment"), "hard": f.flag}
LRT_NORM_FIELDS = {**NORM_FIELDS, "momentum": f.real(0.0, 1.0)}
POOL_FIELDS = {"kernel_size": f.pair(1), "stride": f.pair(1), "padding": f.pair(0)}
INPUT_FIELDS = {"shape": f.input_shape, "scale": f.real(1e-30, 1e30)}

TABLE = (
    LayerRule(
        InputQuantize, INPUT_FIELDS, _attributes(*INPUT_FIELDS), lambda a: InputQuantize(**a), lowering.input_quantize
    ),
    LayerRule(
        LRTConv2d,
        {**CONV_FIELDS, **LRT_FIELDS},
        _lrt_attrs(CONV_FIELDS),
        _build_lrt(LRTConv2d),
        lowering.conv2d,
        _lrt_specs(_conv_shape),
    ),
    LayerRule(
        LRTLinear,
        {**LINEAR_FIELDS, **LRT_FIELDS},
        _lrt_attrs(LINEAR_FIELDS),
        _build_lrt(LRTLinear),
        lowering.linear,
        _lrt_specs(_linear_shape),
    ),
    LayerRule(
        LRTBatchNorm,
        LRT_NORM_FIELDS,
        _attributes(*LRT_NORM_FIELDS),
        lambda attrs: LRTBatchNorm(**attrs),
        lowering.lrt_batchnorm,
        _norm_specs,
    ),
    LayerRule(
        ExactBatchNorm,
        NORM_FIELDS,
        _attributes(*NORM_FIELDS),
        lambda attrs: ExactBatchNorm(**attrs),
        lowering.exact_batchnorm,
        _norm_specs,
    ),
    _plain_norm(nn.BatchNorm1d, lowering.batchnorm1d),
    _plain_norm(nn.BatchNorm2d, lowering.batchnorm2d),
    LayerRule(LRTSign, SIGN_FIELDS, _attributes(*SIGN_FIELDS), lambda attrs: LRTSign(**attrs), lowering.sign),
    LayerRule(
        nn.MaxPool2d,
        POOL_FIELDS,
        _pool_attrs,
        lambda attrs: nn.MaxPool2d(**attrs),
        lowering.maxpool,
        refusals=_pool_refusals,
    ),
    LayerRule(nn.Flatten, {}, _none, lambda attrs: nn.Flatten(), lowering.flatten, refusals=_flatten_refusals),
    LayerRule(
        LRTScale,
        {"num_classes": f.features, "bits": f.whole(2, 16), "discrete": f.flag},
        _head_attrs("num_classes", "bits"),
        lambda attrs: _build_head(LRTScale, attrs),
        lowering.lrt_scale,
        _scale_specs,
    ),
    LayerRule(
        QuantLinear,
        {**LINEAR_FIELDS, "bits": f.whole(2, 8), "discrete": f.flag},
        _head_attrs(*LINEAR_FIELDS, "bits"),
        lambda attrs: _build_head(QuantLinear, attrs),
        lowering.quant_linear,
        _quant_specs,
    ),
    LayerRule(
        nn.Conv2d,
        CONV_FIELDS,
        _attributes(*CONV_FIELDS),
        _build_plain(LRTConv2d),
        lowering.conv2d,
        _plain_specs(_conv_shape),
        _plain_weight,
        _plain_refusals,
    ),
    LayerRule(
        nn.Linear,
        LINEAR_FIELDS,
        _attributes(*LINEAR_FIELDS),
        _build_plain(LRTLinear),
        lowering.linear,
        _plain_specs(_linear_shape),
        _plain_weight,
        _plain_refusals,
    ),
    *map(_dropped, IDENTITIES),
)


def _build_head(cls: type[nn.Module], attrs: Attrs) -> nn.Module:
    module = cls(**_without(attrs, "discrete"))
    module.is_discrete.fill_(attrs["discrete"])
    return module


RULES: dict[str, LayerRule] = {rule.kind: rule for rule in TABLE}
BY_CLASS: dict[type[nn.Module], LayerRule] = {rule.torch_class: rule for rule in TABLE}

REMEDIES = {
    "use lrtc.nn.LRTSign": (
        "ReLU", "ReLU6", "GELU", "SiLU", "Mish", "ELU", "CELU", "SELU", "LeakyReLU", "PReLU", "RReLU", "Hardtanh",
        "Hardsigmoid", "Hardswish", "Sigmoid", "Tanh", "Softsign", "Softplus",
    ),
    "leave it out: the class is the largest score": ("Softmax", "LogSoftmax", "Softmax2d"),
    "use torch.nn.MaxPool2d or a strided lrtc.nn.LRTConv2d": (
        "AvgPool2d", "AdaptiveAvgPool2d", "AdaptiveMaxPool2d", "LPPool2d",
    ),
    "use lrtc.nn.LRTBatchNorm": (
        "LayerNorm", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "SyncBatchNorm", "RMSNorm",
    ),
    "use lrtc.nn.LRTConv2d": ("Conv1d", "Conv3d", "ConvTranspose2d"),
}  # fmt: skip
REMEDY = {kind: remedy for remedy, kinds in REMEDIES.items() for kind in kinds}


def known() -> str:
    """Return the kinds that have a rule, for messages."""
    return ", ".join(sorted(RULES, key=str.lower))


def no_rule(kind: str) -> str:
    """Return the words for a kind that the table lacks, with what to do."""
    if kind in REMEDY:
        return f"no rule for this layer; {REMEDY[kind]}"
    return f"no rule for this layer{nearest(kind, RULES)}; known: {known()}"
