"""What view, reshape and transpose mean in a traced forward: a flatten, a reshape, the parts of a channel shuffle."""

from __future__ import annotations

import operator
from dataclasses import dataclass

import torch
from torch import fx, nn

from lrtc.nn import Reshape

RESHAPES = ("view", "reshape", torch.reshape)
TURNS = ("transpose", torch.transpose)


@dataclass(frozen=True)
class _Groups:
    """Channels taken apart into groups: the value, its number of axes, how many groups, and whether they are turned."""

    source: fx.Node
    axes: int
    groups: int
    turned: bool = False


class Shapes:
    """Follows sizes and the steps of a channel shuffle, x.view(N, g, C/g, …).transpose(1, 2).view(N, C, …)."""

    def __init__(self) -> None:
        self.sizes: dict[fx.Node, tuple[fx.Node | None, int | None]] = {}  # → the value it is of, the axis
        self.steps: dict[fx.Node, _Groups] = {}

    def is_size(self, node: fx.Node) -> bool:
        """Return whether a node is x.shape, x.size(…), an element of one, or arithmetic on such; remember it."""
        found: tuple[fx.Node | None, int | None] | None = None
        first = first_value(node)
        if node.target is getattr and node.args[1:] == ("shape",):
            found = (first, None)
        elif node.op == "call_method" and node.target == "size":
            found = (first, node.args[1] if len(node.args) > 1 else node.kwargs.get("dim"))
        elif node.target is operator.getitem and first in self.sizes:
            found = (self.sizes[first][0], node.args[1])
        elif node.op == "call_function" and node.all_input_nodes:
            arithmetic = getattr(node.target, "__module__", "") == "_operator"
            found = (None, None) if arithmetic and all(n in self.sizes for n in node.all_input_nodes) else None
        if found is not None:
            self.sizes[node] = found
        return found is not None

    def _axis(self, value: object, axes: int, source: fx.Node | None = None) -> int | None:
        """Return which axis a size is of (of `source`, if given), or None."""
        if not isinstance(value, fx.Node) or value not in self.sizes:
            return None
        of, axis = self.sizes[value]
        if type(axis) is not int or (source is not None and of is not source):
            return None
        return axis % axes if -axes <= axis < axes else None

    def step(self, node: fx.Node) -> bool:
        """Return whether a node is a step of a shuffle that is not yet its end; remember it."""
        source = first_value(node)
        before = self.steps.get(source)
        if node.target in RESHAPES and before is None:
            sizes = _sizes(node)
            axes = len(sizes) - 1
            grouped = axes in (3, 4) and type(sizes[1]) is int and self._axis(sizes[0], axes, source) == 0
            if grouped and all(self._axis(n, axes, source) == i for i, n in enumerate(sizes[3:], 2)):
                self.steps[node] = _Groups(source, axes, sizes[1])
        elif before is not None and node.target in TURNS and set(node.args[1:]) == {1, 2} and not before.turned:
            self.steps[node] = _Groups(before.source, before.axes, before.groups, turned=True)
        elif before is not None and node.target == "contiguous":
            self.steps[node] = before
        return node in self.steps

    def layer(self, node: fx.Node) -> tuple[fx.Node, nn.Module]:
        """Return the value that a reshape works on, and the layer that it is; ValueError if it is none."""
        sizes, source = _sizes(node), first_value(node)
        before = self.steps.get(source)
        if before is not None and before.turned:
            axes, of = before.axes, before.source
            whole = len(sizes) == axes and self._axis(sizes[0], axes, of) == 0
            if whole and all(self._axis(n, axes, of) == i for i, n in enumerate(sizes[2:], 2)):
                return of, nn.ChannelShuffle(before.groups)
        if before is None and len(sizes) == 2 and self._axis(sizes[0], 8) == 0 and sizes[1] == -1:
            return source, nn.Flatten()
        fixed = all(type(n) is int for n in sizes[1:]) and 2 <= len(sizes) <= 4
        all_of_one = self._axis(sizes[0], 8) == 0 or (sizes[0] == -1 and -1 not in sizes[1:])
        if before is None and fixed and all_of_one:
            return source, Reshape(sizes[1:])
        text = ", ".join("…" if isinstance(s, fx.Node) else str(s) for s in sizes)
        raise ValueError(
            f"reshape to ({text}) is not supported; use torch.flatten(x, 1)"
            + (" or torch.nn.ChannelShuffle" if len(sizes) > 2 or before is not None else "")
        )


def _sizes(node: fx.Node) -> tuple:
    sizes = node.args[1:] or (node.kwargs.get("shape"),)
    return tuple(sizes[0]) if len(sizes) == 1 and isinstance(sizes[0], (tuple, list)) else tuple(sizes)


def first_value(node: fx.Node) -> fx.Node | None:
    """Return the first argument of a call, if it is a value."""
    first = node.args[0] if node.args else node.kwargs.get("input")
    return first if isinstance(first, fx.Node) else None
