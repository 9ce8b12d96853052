"""What an estimate adds up is what the backend instantiates, part by part."""

from __future__ import annotations

from collections import Counter

import pytest
from verilog.networks import special

from lrtc.backends.streaming import module_names
from lrtc.backends.verilog.dots import dot_form
from lrtc.backends.verilog.views import layer_view
from lrtc.plan.cost_fitted import estimate
from lrtc.plan.fitted import FITTED
from lrtc.plan.folding import plan_stream
from lrtc.plan.modules import layer_parts
from lrtc.plan.stream import stream_layers

WIRES = {
    "lrtc_extend",
    "lrtc_select",
    "lrtc_transpose",
    "lrtc_fill",
    "lrtc_clamp",
    "lrtc_sign",
}  # no logic, or next to none
OTHERS = {"lrtc_join", "lrtc_constants", "lrtc_frame_sum", "lrtc_rearrange", "lrtc_permute"}  # not estimated apart
WITH_ROM = {"lrtc_threshold", "lrtc_affine", "lrtc_mvu", "lrtc_dense"}  # a ROM is inside
FORM = {"AccBits", "HasPad"}  # of a dot product, which the weights decide as well
CASES = ("vector", "bits", "maps", "ties", "never", "residual", "levels", "trits", "grouped", "wide_bits", "ranked")


@pytest.mark.parametrize("name", CASES)
def test_parts_are_what_is_instantiated(name):
    graph, options = special()[name]
    layers = stream_layers(graph, options.get("input_lanes", 1))
    plan = plan_stream(layers, fold=options.get("fold"))
    modules = module_names(name, layers)
    for layer, fold in zip(layers, plan.layers, strict=True):
        parts = list(layer_parts(layer, fold.pe, fold.simd, fold.queues))
        rows = sum(part.module in WITH_ROM for part in parts)
        form = dot_form(graph, layer, fold, "auto", "auto") if layer.has_weights else None
        body = layer_view(graph, layer, fold, modules[layer.name], form).body
        made = Counter(it.module for it in body if it.module not in WIRES | OTHERS)
        assert Counter(part.module for part in parts) - Counter({"lrtc_rom": rows}) == made, layer.name
        given = {it.module: dict(it.parameters) for it in body}
        for part in parts:
            if part.module not in ("lrtc_rom", "lrtc_upsize", "lrtc_skid_buffer", "lrtc_fifo", "lrtc_downsize"):
                known = given[part.module]
                same = [key for key, _ in part.parameters if key in known and key not in FORM]
                assert all(known[key] == str(part[key]) for key in same), (layer.name, part)


@pytest.mark.parametrize("family", sorted(FITTED))
def test_more_lanes_take_more(family: str):
    (layer, *_) = stream_layers(special()["vector"][0])
    parts = list(layer_parts(layer, 1, 1))
    few, many = (estimate([_with(part, Simd=n) for part in parts], family) for n in (16, 32))
    assert few.lut < many.lut
    assert few.ff < many.ff


def _with(part, **numbers):
    changed = {key: n for key, n in numbers.items() if key in dict(part.parameters)}
    return type(part)(part.module, tuple(sorted({**dict(part.parameters), **changed}.items())))
