"""Rules of the layers that are functions of numbers: input, norms, activations, pools."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from lrtc.frontend import fields as f
from lrtc.frontend import lower_values as lowering
from lrtc.frontend.fields import TensorSpec, float_spec
from lrtc.frontend.lowering import EXACT
from lrtc.frontend.rule import Attrs, LayerRule, attributes, none, simple
from lrtc.nn import (
    ExactAvgPool1d,
    ExactAvgPool2d,
    ExactBatchNorm,
    ExactMean,
    InputQuantize,
    LRTBatchNorm,
    LRTGain,
    LRTMaxPool2d,
    LRTReLU,
    LRTSign,
    LRTTernarySign,
    QuantActivation,
    SumPool2d,
)


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
        attributes(*NORM_FIELDS),
        lambda attrs: ExactBatchNorm(**attrs),
        lower,
        _norm_specs,
        _norm_tensors,
        _norm_refusals,
    )


def _gain_specs(attrs: Attrs) -> dict[str, TensorSpec]:
    shape = (attrs["num_features"],)
    return {"gain": float_spec(shape), "bias": float_spec(shape)}


# --- pools ---


def _pair(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else tuple(value)


def _single(value: int | tuple[int]) -> int:
    return value if isinstance(value, int) else value[0]


def _geometry(form: Callable) -> Callable[[nn.Module], dict[str, Any]]:
    return lambda module: {name: form(getattr(module, name)) for name in ("kernel_size", "stride", "padding")}


def _max_refusals(module: nn.MaxPool1d | nn.MaxPool2d) -> Iterator[str]:
    for what, only in (("dilation", 1), ("ceil_mode", False), ("return_indices", False)):
        value = getattr(module, what)
        if value not in (only, (only,), (only, only)):
            yield f"{what}={value!r} is not supported; {what} must be {only}"


def _avg_refusals(module: nn.AvgPool1d | nn.AvgPool2d) -> Iterator[str]:
    if module.ceil_mode:
        yield "ceil_mode=True is not supported; ceil_mode must be False"
    if getattr(module, "divisor_override", None) is not None:
        yield f"divisor_override={module.divisor_override!r} is not supported; divisor_override must be None"
    padded = module.padding not in (0, (0,), (0, 0))
    if padded and not module.count_include_pad:
        yield "count_include_pad=False with padding is not supported; count_include_pad must be True, or padding 0"


def _global_refusals(module: nn.AdaptiveAvgPool1d | nn.AdaptiveAvgPool2d) -> Iterator[str]:
    size = module.output_size
    if size not in (1, (1,), (1, 1), [1], [1, 1]):
        yield f"output_size={size!r} is not supported; output_size must be 1, or use a pool with a kernel_size"


SIGN_FIELDS = {"temperature": f.real(1e-30, 1e30), "mode": f.word("gumbel", "moment"), "hard": f.flag}
LRT_NORM_FIELDS = {**NORM_FIELDS, "momentum": f.real(0.0, 1.0)}
POOL_FIELDS = {"kernel_size": f.pair(1), "stride": f.pair(1), "padding": f.pair(0)}
SIGNAL_FIELDS = {
    "kernel_size": f.whole(1, f.MAX_WINDOW),
    "stride": f.whole(1, f.MAX_WINDOW),
    "padding": f.whole(0, f.MAX_WINDOW),
}
INPUT_FIELDS = {"shape": f.input_shape, "scale": f.real(1e-30, 1e30), "zero_point": f.whole(0, 255)}
CODE_FIELDS = {"bits": f.whole(2, 8), "signed": f.flag, "scale": f.real(1e-30, 1e30)}
LIMIT_FIELDS = {"min_val": f.real(-EXACT, EXACT), "max_val": f.real(-EXACT, EXACT)}


def _ascending(attrs: Attrs) -> Iterator[str]:
    if attrs["min_val"] >= attrs["max_val"]:
        yield f"min_val={attrs['min_val']} is not supported; it must be below max_val={attrs['max_val']}"


def _pool(cls: type[nn.Module], ours: type[nn.Module], lower: Callable, refusals: Callable) -> LayerRule:
    one = "1d" in cls.__name__
    fields, form = (SIGNAL_FIELDS, _single) if one else (POOL_FIELDS, _pair)
    return LayerRule(cls, fields, _geometry(form), lambda attrs: ours(**attrs), lower, refusals=refusals)


def _global(cls: type[nn.Module], axes: int) -> LayerRule:
    def lower(to: Any, x: str, layer: Any, tensors: dict) -> str:
        return lowering.mean(to, x, replace(layer, attrs={"axes": axes}), tensors)

    return LayerRule(cls, {}, none, lambda attrs: ExactMean(axes, keepdim=True), lower, refusals=_global_refusals)


TABLE = (
    simple(InputQuantize, INPUT_FIELDS, lowering.input_quantize, defaults={"zero_point": 0}),
    simple(LRTBatchNorm, LRT_NORM_FIELDS, lowering.lrt_batchnorm, specs=_norm_specs),
    simple(ExactBatchNorm, NORM_FIELDS, lowering.exact_batchnorm, specs=_norm_specs),
    _plain_norm(nn.BatchNorm1d, lowering.batchnorm1d),
    _plain_norm(nn.BatchNorm2d, lowering.batchnorm2d),
    simple(LRTGain, {"num_features": f.features}, lowering.gain, specs=_gain_specs),
    simple(LRTSign, SIGN_FIELDS, lowering.sign),
    simple(LRTTernarySign, {"width": f.real(1e-30, 1e30), **SIGN_FIELDS}, lowering.ternary_sign),
    simple(QuantActivation, CODE_FIELDS, lowering.quant_activation),
    LayerRule(LRTReLU, {}, none, lambda attrs: LRTReLU(), lowering.relu),
    LayerRule(nn.ReLU, {}, none, lambda attrs: nn.ReLU(), lowering.relu),
    LayerRule(nn.ReLU6, {}, none, lambda attrs: nn.ReLU6(), lowering.relu6),
    simple(nn.Hardtanh, LIMIT_FIELDS, lowering.hardtanh, together=_ascending),
    _pool(nn.MaxPool2d, nn.MaxPool2d, lowering.maxpool, _max_refusals),
    _pool(nn.MaxPool1d, nn.MaxPool1d, lowering.maxpool, _max_refusals),
    _pool(nn.AvgPool2d, ExactAvgPool2d, lowering.avgpool, _avg_refusals),
    _pool(nn.AvgPool1d, ExactAvgPool1d, lowering.avgpool, _avg_refusals),
    simple(ExactAvgPool2d, POOL_FIELDS, lowering.avgpool),
    simple(ExactAvgPool1d, SIGNAL_FIELDS, lowering.avgpool),
    simple(LRTMaxPool2d, POOL_FIELDS, lowering.maxpool),
    simple(SumPool2d, POOL_FIELDS, lowering.sumpool),
    _global(nn.AdaptiveAvgPool2d, 2),
    _global(nn.AdaptiveAvgPool1d, 1),
    simple(ExactMean, {"axes": f.whole(1, 2), "keepdim": f.flag}, lowering.mean),
)
