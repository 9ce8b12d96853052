"""A network as plain data: what `describe` makes of a module, what model.pt holds, what `lower` and `rebuild` read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from lrtc.errors import Fault, shown

INPUT = "input"  # the name of the network's only input among the names that nodes refer to
Returns = str | tuple[str, ...] | list[str] | dict[str, str]


@dataclass(frozen=True)
class Layer:
    """One layer at one place of the network.

    name: unique in the description. kind: a key of `layers.RULES`. inputs: names of layers, or INPUT.
    attrs: plain values only. origin: the dotted path in the user's module; a module used twice has it twice.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    attrs: Mapping[str, Any]
    origin: str

    def __str__(self) -> str:
        return label(self.origin, self.kind, self.attrs)


@dataclass(frozen=True)
class Description:
    """name, layers in topological order, its output, tensors by `origin.parameter`, names of the inputs.

    output: the name of the layer whose value forward returns, or a tuple, list or dict of such names. inputs: what
    forward takes, in its order; a single one is called INPUT.
    """

    name: str
    layers: tuple[Layer, ...]
    output: Returns
    tensors: Mapping[str, Any]
    inputs: tuple[str, ...] = (INPUT,)

    @property
    def outputs(self) -> tuple[str, ...]:
        """Return the names of the layers whose values leave the network."""
        if isinstance(self.output, str):
            return (self.output,)
        return tuple(self.output.values() if isinstance(self.output, dict) else self.output)

    @property
    def named(self) -> tuple[str, ...]:
        """Return the names that forward gives its outputs, if it does."""
        return tuple(self.output) if isinstance(self.output, dict) else ()

    def tensors_of(self, layer: Layer, names: Iterable[str]) -> dict[str, Any]:
        """Return parameter → tensor of one layer."""
        return {name: self.tensors[f"{layer.origin}.{name}"] for name in names}


SIZES = (("in_channels", "out_channels"), ("in_features", "out_features"), ("num_features",), ("num_classes",))


def label(origin: str, kind: str, attrs: Mapping[str, Any]) -> str:
    """Return `features.3 (Conv2d 64→64)`, the place that messages name."""
    sizes = next((s for s in SIZES if all(type(attrs.get(name)) is int for name in s)), ())
    text = "→".join(str(attrs[name]) for name in sizes)
    return f"{shown(origin)} ({shown(kind)}{' ' if text else ''}{text})"


def fault_of(layer: Layer, what: str) -> Fault:
    """Return a Fault at the layer."""
    return Fault(str(layer), what)
