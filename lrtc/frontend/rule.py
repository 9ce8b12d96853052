"""What the table of layers says about one kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from torch import Tensor, nn

from lrtc.frontend.fields import Field, TensorSpec
from lrtc.frontend.lowering import Lowering

Attrs = Mapping[str, Any]
MANY = (2, 8)  # values that a layer of several values may take


def _nothing(*_: object) -> tuple:
    return ()


def same_names(module: nn.Module, specs: Mapping[str, TensorSpec]) -> dict[str, Tensor]:
    """Return the tensors that a module holds under the names of their specs."""
    return {name: getattr(module, name) for name in specs}


def none(module: nn.Module) -> dict[str, Any]:
    """Return no attributes."""
    return {}


@dataclass(frozen=True)
class LayerRule:
    """One kind of layer.

    fields: its attributes. defaults: of attributes that are left out of a description when they have that value.
    together: what is wrong with attributes that are right one by one. specs: attributes → the tensors it holds.
    attrs, tensors: read from a module. refusals: why a module of this class cannot be described. build: attributes →
    a module that tensors go into. lower: see `lowering`. inputs: least and greatest number of values it takes.
    """

    torch_class: type[nn.Module]
    fields: Mapping[str, Field]
    attrs: Callable[[Any], dict[str, Any]]
    build: Callable[[Attrs], nn.Module]
    lower: Callable[[Lowering, Any, Any, dict[str, np.ndarray]], str]
    specs: Callable[[Attrs], dict[str, TensorSpec]] = lambda attrs: {}
    tensors: Callable[[Any, Mapping[str, TensorSpec]], dict[str, Tensor]] = same_names
    refusals: Callable[[Any], Iterator[str] | tuple] = _nothing
    defaults: Mapping[str, Any] = field(default_factory=dict)
    together: Callable[[Attrs], Iterator[str] | tuple] = _nothing
    inputs: tuple[int, int] = (1, 1)

    @property
    def kind(self) -> str:
        """Return the name in descriptions: the class's."""
        return self.torch_class.__name__

    @property
    def holds_distributions(self) -> bool:
        return "discrete" in self.fields

    def attributes(self, module: nn.Module) -> dict[str, Any]:
        """Return the attributes of a module, without those that have their default."""
        return {
            name: value
            for name, value in self.attrs(module).items()
            if name not in self.defaults or value != self.defaults[name]
        }

    def faults(self, attrs: Attrs) -> Iterator[tuple[str, str]]:
        """Yield (attribute, what is supported) for every value that a field refuses."""
        for name, check in self.fields.items():
            if name in attrs and (what := check(attrs[name])):
                yield name, what


def attributes(*names: str) -> Callable[[nn.Module], dict[str, Any]]:
    """Return a reader of attributes by their names."""
    return lambda module: {name: getattr(module, name) for name in names}


def without(attrs: Attrs, *names: str) -> dict[str, Any]:
    """Return the attributes but these."""
    return {name: value for name, value in attrs.items() if name not in names}


def simple(cls: type[nn.Module], fields: Mapping[str, Field], lower: Callable, **options: Any) -> LayerRule:
    """Return the rule of a layer whose attributes are the arguments of its class."""
    return LayerRule(cls, fields, attributes(*fields), lambda attrs: cls(**attrs), lower, **options)
