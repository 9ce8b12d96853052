"""Nodes on signals N×C×W: images of one row (DESIGN D18), with the attributes of one axis made those of two."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from lrtc.frontend.qonnx.lowering import Lowering
from lrtc.frontend.qonnx.value import Constant, Site, Value

SIGNAL = "NCW"
ROW = {"kernel_shape": (1,), "strides": (1,), "dilations": (1,)}  # what the one row has


def on_signals(handler: Callable) -> Callable:
    """Return the handler of images for signals too."""

    def lower(to: Lowering, site: Site, operands: list) -> object:
        x = operands[0]
        if not isinstance(x, Value) or x.axes != SIGNAL:
            return handler(to, site, operands)
        x = replace(x, shape=(*x.shape[:2], 1, x.shape[2]), axes="NCHW")
        rest = [_constant(site, i, operand) for i, operand in enumerate(operands[1:], 1)]
        y = handler(to, replace(site, attrs=_attributes(site)), [x, *rest])
        return replace(y, shape=(*y.shape[:2], y.shape[3]), axes=SIGNAL) if y.axes == "NCHW" else y

    return lower


def _attributes(site: Site) -> dict[str, object]:
    attrs = dict(site.attrs)
    for key, row in ROW.items():
        if len(attrs.get(key, ())) == 1:
            attrs[key] = (*row, *attrs[key])
    if "pads" in attrs:
        attrs["pads"] = tuple(_pads(list(attrs["pads"])))
    if "axes" in attrs:
        attrs["axes"] = _axes(attrs["axes"])
    return attrs


def _constant(site: Site, index: int, operand: object) -> object:
    """Return an operand: weights [O,I,k] as [O,I,1,k], pads and axes as those of an image."""
    if not isinstance(operand, Constant):
        return operand
    if site.op == "Conv" and operand.value.ndim == 3:
        parts = (operand.value, operand.q, operand.scale)
        return Constant(*(None if part is None else part[:, :, None] for part in parts))
    if site.op == "Pad" and index == 1:
        return Constant(np.array(_pads(operand.value.ravel().tolist())))
    if site.op == "ReduceMean" and index == 1:
        return Constant(np.array(_axes(operand.value.ravel().tolist())))
    return operand


def _pads(pads: list) -> list:
    """Return the pads with none above and below: of a window (2 numbers) or of all axes (6)."""
    half = len(pads) // 2
    at = half - 1
    return [*pads[:at], 0, *pads[at:half], *pads[half : half + at], 0, *pads[half + at :]] if half in (1, 3) else pads


def _axes(axes: tuple | list) -> tuple:
    """Return the axis of places as rows and columns."""
    return (2, 3) if list(axes) in ([2], [-1]) else tuple(axes)
