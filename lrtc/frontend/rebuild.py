"""From a description to a torch module again: torch is then a link of the chain of trust for any model file."""

from __future__ import annotations

import re
from dataclasses import replace

import torch
from torch import Tensor, nn

from lrtc.errors import LrtcError, count
from lrtc.frontend.description import Description, Layer, fault_of
from lrtc.frontend.layers import RULES

SEGMENT = re.compile(r"[A-Za-z0-9_]{1,200}\Z")


class Rebuilt(nn.Module):
    """A network that runs the layers of a description in order; submodules have the paths they were described under."""

    def __init__(self, description: Description) -> None:
        super().__init__()
        self.described_inputs, self._output = description.inputs, description.output
        self._outputs = description.outputs
        modules: dict[str, nn.Module] = {}
        self._steps: list[tuple[str, tuple[str, ...], str]] = []
        paths: dict[str, str] = {}
        for i, layer in enumerate(description.layers):
            if layer.origin not in modules:
                modules[layer.origin] = build(description, layer)
                paths[layer.origin] = _attach(self, layer.origin, f"layer_{i}", modules[layer.origin])
            self._steps.append((layer.name, layer.inputs, paths[layer.origin]))

    def forward(self, *x: Tensor) -> Tensor | tuple[Tensor, ...] | list[Tensor] | dict[str, Tensor]:
        last = {name: i for i, (_, inputs, _) in enumerate(self._steps) for name in inputs}
        values = dict(zip(self.described_inputs, x, strict=True))
        for i, (name, inputs, path) in enumerate(self._steps):
            values[name] = self.get_submodule(path)(*(values[v] for v in inputs))
            for v in inputs:
                if last[v] == i and v not in self._outputs:
                    values.pop(v, None)
        if isinstance(self._output, dict):
            return {name: values[layer] for name, layer in self._output.items()}
        if isinstance(self._output, str):
            return values[self._output]
        return type(self._output)(values[layer] for layer in self._output)


def build(description: Description, layer: Layer) -> nn.Module:
    """Return the torch module of one layer, in eval mode, holding the description's values."""
    rule = RULES[layer.kind]
    with torch.random.fork_rng(devices=[]):
        module = rule.build(layer.attrs)
    held = description.tensors_of(layer, rule.specs(layer.attrs))
    with torch.no_grad():
        for name, tensor in held.items():
            getattr(module, name).copy_(tensor)
        if "discrete_weight" in held and hasattr(module, "init_from_float_"):
            module.init_from_float_(held["discrete_weight"].to(torch.float32))  # logits that fit, nothing random
    return module.eval()


def rebuild(description: Description) -> nn.Module:
    """Return a torch module in eval mode that computes what the description says; batchnorm by DESIGN D4."""
    return Rebuilt(description).eval()


def discretized(description: Description) -> tuple[Description, tuple[str, ...]]:
    """Return the description with every distribution fixed to its most probable values, and a note for each."""
    layers, notes, faults, done = [], [], [], set()
    tensors = dict(description.tensors)
    for layer in description.layers:
        rule = RULES[layer.kind]
        if not rule.holds_distributions or layer.attrs["discrete"]:
            layers.append(layer)
            continue
        fixed = replace(layer, attrs={**layer.attrs, "discrete": True})
        layers.append(fixed)
        if layer.origin in done:
            continue
        done.add(layer.origin)
        module = build(description, layer)
        try:
            module.discretize_()
        except ValueError as error:
            faults.append(fault_of(layer, str(error)))
            continue
        for name in rule.specs(layer.attrs):
            del tensors[f"{layer.origin}.{name}"]
        for name, tensor in rule.tensors(module, rule.specs(fixed.attrs)).items():
            tensors[f"{layer.origin}.{name}"] = tensor.detach()
        what = (
            "held distributions; took the most probable weights" if "weights" in layer.attrs else "rounded to integers"
        )
        notes.append(f"{layer}: {what}")
    if faults:
        raise LrtcError(f"{count(len(faults), 'layer')} cannot be made discrete", faults)
    return replace(description, layers=tuple(layers), tensors=tensors), tuple(notes)


def _attach(root: nn.Module, origin: str, spare: str, module: nn.Module) -> str:
    """Hang the module under its dotted path, or under `spare` if torch cannot have that path; return the path."""
    *parents, leaf = origin.split(".")
    place = root
    for segment in parents:
        if segment not in place._modules and SEGMENT.match(segment) and not hasattr(place, segment):
            place.add_module(segment, nn.Module())
        place = place._modules.get(segment)
        if type(place) is not nn.Module:
            break
    if type(place) in (nn.Module, Rebuilt) and SEGMENT.match(leaf) and not hasattr(place, leaf):
        place.add_module(leaf, module)
        return origin
    while hasattr(root, spare):
        spare += "_"
    root.add_module(spare, module)
    return spare
