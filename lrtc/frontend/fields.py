"""What an attribute or a tensor of a layer may be, and the limits of all sizes: small checks that say what they want.

A field is a function value → "" if it is accepted, else the words for what is supported.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite, prod
from typing import Any

import torch

from lrtc.nn.alphabet import HIGH, LOW, MOST, SETS, canonical, values_of

Field = Callable[[object], str]

MAX_CHANNELS = 1 << 16
MAX_FEATURES = 1 << 24
MAX_SIDE = 1 << 14  # of an image
MAX_WINDOW = 1 << 10  # kernel, stride, padding
MAX_WEIGHTS = 1 << 26  # elements of one tensor
MAX_SET_TEXT = 5 * MOST


def whole(low: int, high: int) -> Field:
    """Return a field for an int in low..high."""

    def check(value: object) -> str:
        return "" if type(value) is int and low <= value <= high else f"must be a whole number in {low}..{high}"

    return check


def pair(low: int, high: int = MAX_WINDOW) -> Field:
    """Return a field for a tuple of two ints in low..high."""

    def check(value: object) -> str:
        good = type(value) is tuple and len(value) == 2 and all(type(v) is int and low <= v <= high for v in value)
        return "" if good else f"must be two whole numbers in {low}..{high}"

    return check


def whole_tuple(length: int, low: int, high: int = MAX_WINDOW) -> Field:
    """Return a field for a tuple of so many ints in low..high."""

    def check(value: object) -> str:
        good = type(value) is tuple and len(value) == length and all(type(v) is int and low <= v <= high for v in value)
        return "" if good else f"must be {length} whole numbers in {low}..{high}"

    return check


def some_of(least: int, most: int, low: int, high: int) -> Field:
    """Return a field for a tuple of `least` to `most` ints in low..high."""

    def check(value: object) -> str:
        good = type(value) is tuple and least <= len(value) <= most
        good = good and all(type(v) is int and low <= v <= high for v in value)
        return "" if good else f"must be {least} to {most} whole numbers in {low}..{high}"

    return check


def sides(value: object) -> str:
    """Accept the padding of a window: (height, width) or (top, bottom, left, right)."""
    good = type(value) is tuple and len(value) in (2, 4) and all(type(v) is int and 0 <= v <= MAX_WINDOW for v in value)
    return "" if good else f"must be two or four whole numbers in 0..{MAX_WINDOW}"


def ends(low: int) -> Field:
    """Return a field for one or two places on the axes of an image, low to MAX_SIDE."""

    def check(value: object) -> str:
        good = type(value) is tuple and len(value) in (1, 2)
        good = good and all(type(v) is int and low <= v <= MAX_SIDE for v in value)
        return "" if good else f"must be one or two whole numbers in {low}..{MAX_SIDE}"

    return check


def index(value: object) -> str:
    """Accept a place among channels, counted from either end."""
    return whole(-MAX_FEATURES, MAX_FEATURES)(value)


def real(low: float, high: float) -> Field:
    """Return a field for a float (or int) in low..high."""

    def check(value: object) -> str:
        good = type(value) in (int, float) and low <= value <= high
        return "" if good else f"must be a number in {low:g}..{high:g}"

    return check


def flag(value: object) -> str:
    """Accept True and False."""
    return "" if type(value) is bool else "must be True or False"


def word(*choices: str) -> Field:
    """Return a field for one of the words."""

    def check(value: object) -> str:
        return "" if type(value) is str and value in choices else f"must be {' or '.join(map(repr, choices))}"

    return check


def weight_set(value: object) -> str:
    """Accept "ternary", "bipolar", and the text of another set of weights, in the form that `canonical` gives."""
    try:
        good = type(value) is str and len(value) <= MAX_SET_TEXT and canonical(value) == value
    except ValueError:
        good = False
    return "" if good else f"must be 'ternary', 'bipolar', or 2 to {MOST} integers in {LOW}..{HIGH} as '-2,-1,0,1,2'"


def input_shape(value: object) -> str:
    """Accept (C, H, W), (C, L) and (F,)."""
    if type(value) is tuple and all(type(v) is int and v >= 1 for v in value):
        if len(value) == 1 and value[0] <= MAX_FEATURES:
            return ""
        if (
            len(value) in (2, 3)
            and value[0] <= MAX_CHANNELS
            and max(value[1:]) <= MAX_SIDE
            and prod(value) <= MAX_FEATURES
        ):
            return ""
    limits = f"C at most {MAX_CHANNELS}, H, W and L {MAX_SIDE}, {MAX_FEATURES} values in all"
    return f"must be (C, H, W), (C, L) or (F,), {limits}"


channels = whole(1, MAX_CHANNELS)
features = whole(1, MAX_FEATURES)


@dataclass(frozen=True)
class TensorSpec:
    """The tensor a layer needs: dtype, shape, and for its values finite floats in low.. or integers in low..high."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    low: float | None = None
    high: float | None = None
    nonzero: bool = False
    among: tuple[int, ...] = ()

    def form_faults(self, tensor: Any) -> Iterator[str]:
        """Yield what is wrong with dtype and shape; `tensor` may be a stand-in that has only these two."""
        if tensor.dtype != self.dtype:
            yield f"is {dtype_name(tensor.dtype)}; it must be {dtype_name(self.dtype)}"
        if tuple(tensor.shape) != self.shape:
            yield f"has shape {shape_text(tensor.shape)}; it must be {shape_text(self.shape)}"
        elif prod(self.shape) > MAX_WEIGHTS:
            yield f"has {prod(self.shape)} elements; at most {MAX_WEIGHTS} are supported"

    def value_faults(self, tensor: torch.Tensor) -> Iterator[str]:
        """Yield what is wrong with the values of a tensor whose form is right."""
        if tensor.is_floating_point():
            bad = int((~torch.isfinite(tensor)).sum())
            if bad:
                yield f"{bad} of {tensor.numel()} values are NaN or infinite; every value must be finite"
                return
        least, most = tensor.min().item(), tensor.max().item()
        outside = (self.low is not None and least < self.low) or (self.high is not None and most > self.high)
        if outside or (self.nonzero and bool((tensor == 0).any())):
            yield f"values lie in {least}..{most}; {self.wanted()}"
        elif self.among and not bool(torch.isin(tensor, torch.tensor(self.among, dtype=tensor.dtype)).all()):
            yield self.wanted()

    def wanted(self) -> str:
        """Return the words for the values that are supported."""
        if self.among:
            return f"they must be one of {', '.join(map(str, self.among))}"
        if self.nonzero:
            return "they must be -1 or +1"
        if (self.low, self.high) == (-1, 1):
            return "they must be -1, 0 or +1"
        return (
            f"they must lie in {self.low}..{self.high}"
            if self.high is not None
            else f"they must be at least {self.low:g}"
        )


def float_spec(shape: tuple[int, ...], low: float | None = None) -> TensorSpec:
    """Return the spec of float32 parameters."""
    return TensorSpec(torch.float32, shape, low)


def weight_spec(shape: tuple[int, ...], weights: str) -> TensorSpec:
    """Return the spec of int8 weights of a set."""
    if weights not in SETS:
        values = values_of(weights)
        return TensorSpec(torch.int8, shape, values[0], values[-1], among=values)
    return TensorSpec(torch.int8, shape, -1, 1, nonzero=weights == "bipolar")


def dtype_name(dtype: object) -> str:
    """Return `float32`."""
    return str(dtype).removeprefix("torch.")


def shape_text(shape: Any) -> str:
    """Return `64x32x3x3`, or `scalar`."""
    return "x".join(str(int(n)) for n in shape) or "scalar"


def plain(value: object) -> bool:
    """Return whether a value is data of the kind attributes are made of: finite, and at most two levels deep."""
    if type(value) in (bool, int, str):
        return True
    if type(value) is float:
        return isfinite(value)
    return type(value) is tuple and len(value) <= 8 and all(type(v) in (bool, int, float, str) for v in value)
