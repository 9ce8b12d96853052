"""Rules of the layers that move values: flatten, padding, channels, and values that meet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import nn

from lrtc.frontend import fields as f
from lrtc.frontend import lower_moves as lowering
from lrtc.frontend.rule import MANY, Attrs, LayerRule, none, simple
from lrtc.nn import (
    Add,
    ChannelChunk,
    ChannelSlice,
    Concat,
    Maximum,
    Minimum,
    Permute,
    Reshape,
    SpaceSlice,
    TopClasses,
    Transpose,
)


def _flatten_refusals(module: nn.Flatten) -> Iterator[str]:
    if (module.start_dim, module.end_dim) != (1, -1):
        yield f"start_dim={module.start_dim}, end_dim={module.end_dim} is not supported; they must be 1 and -1"


def _dropped(cls: type[nn.Module]) -> LayerRule:
    return LayerRule(cls, {}, none, lambda attrs: nn.Identity(), lowering.identity)


IDENTITIES = (
    nn.Identity,
    nn.Dropout,
    nn.Dropout1d,
    nn.Dropout2d,
    nn.Dropout3d,
    nn.AlphaDropout,
    nn.FeatureAlphaDropout,
)


def _pad_attrs(module: nn.ConstantPad2d) -> dict[str, Any]:
    return {"padding": tuple(module.padding), "value": getattr(module, "value", 0)}


def _pad(cls: type[nn.Module]) -> LayerRule:
    one = "1d" in cls.__name__
    plain = nn.ConstantPad1d if one else nn.ConstantPad2d
    return LayerRule(
        cls,
        {"padding": f.whole_tuple(2 if one else 4, -f.MAX_WINDOW), "value": f.real(-(2.0**31), 2.0**31)},
        _pad_attrs,
        lambda attrs: plain(attrs["padding"], attrs.get("value", 0)),
        lowering.pad,
        defaults={"value": 0},
    )


def _as_many(attrs: Attrs) -> Iterator[str]:
    if len({len(attrs[name]) for name in ("start", "stop", "step")}) > 1:
        yield "start, stop and step are not of the same number of axes"


SPACE_FIELDS = {"start": f.ends(-f.MAX_SIDE), "stop": f.ends(-f.MAX_SIDE), "step": f.ends(1), "last": f.flag}
PERMUTE_FIELDS = {"dims": f.some_of(3, 4, 0, 3)}
TRANSPOSE_FIELDS = {"first": f.whole(-3, 3), "second": f.whole(-3, 3)}
RESHAPE_FIELDS = {"shape": f.some_of(1, 3, -1, f.MAX_FEATURES)}
SLICE_FIELDS = {"start": f.index, "stop": f.index, "step": f.whole(1, f.MAX_FEATURES)}
CHUNK_FIELDS = {"chunks": f.whole(1, f.MAX_FEATURES), "index": f.whole(0, f.MAX_FEATURES)}

TABLE = (
    LayerRule(nn.Flatten, {}, none, lambda attrs: nn.Flatten(), lowering.flatten, refusals=_flatten_refusals),
    *map(_pad, (nn.ConstantPad1d, nn.ConstantPad2d, nn.ZeroPad1d, nn.ZeroPad2d)),
    LayerRule(Add, {}, none, lambda attrs: Add(), lowering.add, inputs=(2, 2)),
    LayerRule(Maximum, {}, none, lambda attrs: Maximum(), lowering.maximum, inputs=(2, 2)),
    LayerRule(Minimum, {}, none, lambda attrs: Minimum(), lowering.maximum, inputs=(2, 2)),
    LayerRule(Concat, {}, none, lambda attrs: Concat(), lowering.concat, inputs=MANY),
    simple(ChannelSlice, SLICE_FIELDS, lowering.channel_slice, defaults={"start": 0, "stop": None, "step": 1}),
    simple(SpaceSlice, SPACE_FIELDS, lowering.space_slice, together=_as_many),
    simple(Permute, PERMUTE_FIELDS, lowering.permute),
    simple(Transpose, TRANSPOSE_FIELDS, lowering.transpose),
    simple(Reshape, RESHAPE_FIELDS, lowering.reshape),
    simple(ChannelChunk, CHUNK_FIELDS, lowering.channel_chunk),
    simple(nn.ChannelShuffle, {"groups": f.channels}, lowering.channel_shuffle),
    simple(TopClasses, {"k": f.features}, lowering.top_classes),
    *map(_dropped, IDENTITIES),
)
