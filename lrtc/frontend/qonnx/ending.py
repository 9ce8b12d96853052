"""The end of a network: scores become integers in the same order, answers and softmax are dropped."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lrtc.frontend.qonnx.folding import axes_of
from lrtc.frontend.qonnx.lowering import Lowering, number_of
from lrtc.frontend.qonnx.value import Refused, Site, Value, evaluate
from lrtc.ir.ops import Affine

SCORE_BITS = 28  # of a score after per-class scales
TRIED = 1 << 20  # reachable sums on which the order of one common scale is checked
AFTER = ("Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze")


def softmax(to: Lowering, site: Site, operands: list) -> Value:
    """Return the scores: softmax keeps their order."""
    x = operands[0]
    _class_axis(site, x, -1)
    to.note("dropped: the scores before it have the same order")
    return replace(x, answer=site.op)


def topk(to: Lowering, site: Site, operands: list) -> tuple[Value, Value]:
    """Return (the scores, an answer)."""
    x = operands[0]
    k = number_of(operands[1], "its k") if len(operands) > 1 else site.attrs.get("k", 1)
    _class_axis(site, x, -1)
    if not site.attrs.get("largest", 1):
        raise Refused("takes the least scores; largest=1 is supported")
    to.note(f"dropped: the {int(k)} greatest scores say the same, the lowest class first among equals")
    return replace(x, answer="TopK"), replace(x, answer="TopK")


def argmax(to: Lowering, site: Site, operands: list) -> Value:
    """Return an answer."""
    _class_axis(site, operands[0], 0)
    if site.attrs.get("select_last_index", 0):
        raise Refused("takes the last of equal scores; the first is supported (select_last_index=0)")
    to.note("dropped: the class is the greatest score, the lowest class among equals")
    return replace(operands[0], answer="ArgMax")


def _class_axis(site: Site, x: Value, default: int) -> None:
    (axis,) = axes_of(site, np.array([site.attrs.get("axis", default)]), len(x.shape))
    if x.axes[axis] != "C":
        raise Refused(f"works along axis {axis} of a value with the axes {x.axes}; that must be the classes")


def finish(to: Lowering, output: object) -> str:
    """Return the IR value of integer scores [C] whose order is that of the model's real scores."""
    if not isinstance(output, Value):
        raise Refused("does not depend on the input, or is a result that is not supported")
    x = to.vector(output)
    type_ = to.fact(x).type
    if len(type_.shape) == 3:
        if type_.shape[:2] != (1, 1):
            raise Refused(f"ends in an image {type_.shape[0]}×{type_.shape[1]}; a network ends in a vector of scores")
        x = to.vector(replace(x, flat="CHW"))
    if not to.is_integer(x):
        raise Refused("ends in real numbers that are no multiple of integers; end in a dot product, or a quantiser")
    to.range(x)
    scale, offset = (np.broadcast_to(v, type_.shape[-1]).astype(np.float64) for v in x.affine())
    if not scale.any():
        raise Refused("ends in scores that are all multiplied by 0")
    common = (scale == scale[0]).all() and (offset == offset[0]).all()
    if len(scale) == 1 and (scale[0] < 0 or offset[0] != 0):
        common = False  # one score: its sign is the answer
    if common and scale[0] > 0:
        if x.steps:
            _note_common(to, x)
        if to.fact(x).type.elem.is_discrete:
            return _affine(to, x, np.ones_like(scale), np.zeros_like(scale))
        return x.name
    return _scaled(to, x, scale, offset)


def _note_common(to: Lowering, x: Value) -> None:
    fact = to.fact(x)
    least, most = int(fact.low.min()), int(fact.high.max())
    text = "the scale and offset that all classes share are dropped: scores are integers in the same order"
    if most - least < TRIED:
        sums = np.arange(least, most + 1)[:, None]
        real = evaluate(x.steps, np.broadcast_to(sums, (len(sums), len(fact.low))))
        if (np.diff(real[:, 0]) > 0).all():
            text += f" (checked on all {len(sums)} reachable sums)"
        else:
            text += "; float32 makes some of them equal, which here stay apart"
    to.notes.append(text)


def _scaled(to: Lowering, x: Value, scale: np.ndarray, offset: np.ndarray) -> str:
    """Return x·multiplier + offset in integers, exact if possible, else as fine as the bits allow, which is noted."""
    fact = to.fact(x)
    reach = np.maximum(np.abs(fact.low), np.abs(fact.high)).astype(np.float64)
    unit = np.abs(scale[scale != 0]).min()
    whole = scale / unit, offset / unit
    if all((v == np.rint(v)).all() for v in whole) and (np.abs(whole[0]) * reach + np.abs(whole[1])).max() < 1 << 30:
        to.notes.append("per-class scales and offsets are integers times a common step: the scores' order is exact")
        return _affine(to, x, *whole)
    largest = float((np.abs(scale) * reach + np.abs(offset)).max())
    factor = 2.0 ** (SCORE_BITS - np.ceil(np.log2(largest)) - 1)
    multiplier, constant = np.rint(scale * factor), np.rint(offset * factor)
    error = np.abs(multiplier / factor - scale) * reach + np.abs(constant / factor - offset)
    if (error == 0).all():
        to.notes.append("per-class scales and offsets became integers exactly")
    else:
        to.notes.append(
            f"per-class scales and offsets became {SCORE_BITS}-bit integers: scores closer than "
            f"{2 * float(error.max()):.2g} (of a range of ±{largest:.3g}) may change places"
        )
    return _affine(to, x, multiplier, constant)


def _affine(to: Lowering, x: Value, multiplier: np.ndarray, offset: np.ndarray) -> str:
    rows = np.stack([multiplier, offset]).astype(np.int32)
    return to.add(Affine(), x.name, to.const("scores", rows), suffix="_scores")
