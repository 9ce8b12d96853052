"""Which form of a dot product is smaller in hardware: planes or products, valid bits or classes of windows, signs."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from lrtc.ir import B1, T2, Elem, Graph, Node
from lrtc.ir.ops import Conv2d, Linear, Threshold

if TYPE_CHECKING:
    from lrtc.plan.stream import Window

FEW_PAIRS = 4  # of planes, up to which popcounts are smaller than products (DESIGN D49)
FORMS = {"integers": ("auto", "planes", "products"), "padding": ("auto", "classes", "valid")}  # the default first


def by_planes(element: Elem, weight: Elem, lanes: int, integers: str) -> bool:
    """Return whether `lanes` elements are multiplied by weights plane by plane: popcounts, instead of sums of products.

    integers: "planes" and "products" wherever one of the two is an integer; "auto": whichever is smaller.
    """
    if element.kind == "b" and weight.is_discrete:
        return False  # a popcount already
    if integers != "auto":
        return integers == "planes"
    pairs = element.bits * (weight.bits + (weight.kind == "u"))
    both = element.kind in "iut" and not weight.is_discrete
    return both and pairs <= FEW_PAIRS and lanes >= pairs


def takes_sign(graph: Graph, node: Node, post: Node, reloadable: bool = False) -> bool:
    """Return whether a threshold behind a dot product is the sign of an accumulator that starts from minus its level.

    Where its direction is reversed, the weights are: all must have a negative. reloadable: whatever they are.
    """
    if not isinstance(node.op, (Conv2d, Linear)) or not isinstance(post.op, Threshold):
        return False
    rows, elem = graph.const(post.ins[1]), graph.types[node.ins[1]].elem
    if post.op.out != B1 or len(rows) != 2:
        return False
    if reloadable:
        return elem.kind != "i"
    weights = graph.const(node.ins[1])
    reversed_ = weights.reshape(len(weights), -1)[rows[1] != 0]
    return elem.kind != "i" or not (reversed_ == elem.low).any()


def class_starts(window: Window) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the window rows, and columns, at which other taps come to lie in the padding than before."""
    found = []
    for axis in (0, 1):
        taps = np.arange(window.kernel[axis]) * window.dilation[axis] - window.padding[2 * axis]
        places = taps + np.arange(window.out[axis])[:, None] * window.stride[axis]
        real = (places >= 0) & (places < window.image[axis])
        found.append(tuple(int(k) + 1 for k in np.flatnonzero((real[1:] != real[:-1]).any(axis=1))))
    return found[0], found[1]


def real_taps(window: Window, row: int, column: int) -> np.ndarray:
    """Return bool [kernel rows, kernel columns]: the taps of a window that lie in the image."""
    sides = []
    for axis, at in ((0, row), (1, column)):
        taps = np.arange(window.kernel[axis]) * window.dilation[axis] - window.padding[2 * axis]
        places = taps + at * window.stride[axis]
        sides.append((places >= 0) & (places < window.image[axis]))
    return sides[0][:, None] & sides[1]


def by_classes(
    window: Window, weight: Elem, pe: int, simd: int, folds: int, acc_bits: int, padding: str
) -> bool:  # fmt: skip
    """Return whether ±1 elements in the padding count as −1, which the start values of the window's class correct.

    Else a valid bit masks the lanes of each tap. padding: "classes", "valid", or "auto": whichever is smaller.
    In LUTs of 7-series by Yosys (DESIGN D51): a LUT holds 64 start values of a bit; a mask is one a lane, 1.8 where
    non-zero weights must be counted with it, and four a tap.
    """
    if padding != "auto":
        return padding == "classes"
    places = prod(1 << len(starts).bit_length() for starts in class_starts(window)) << (folds - 1).bit_length()
    masks = pe * simd * (1.8 if weight == T2 else 1.0) + 4 * window.taps
    return pe * acc_bits * places / 64 <= masks
