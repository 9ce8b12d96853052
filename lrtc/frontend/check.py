"""Whether a description is one that lrtc can have written: every fault of its form, then of its values."""

from __future__ import annotations

from collections.abc import Iterator

from lrtc.errors import Fault, shown
from lrtc.frontend.description import INPUT, Description, Layer, fault_of
from lrtc.frontend.fields import plain
from lrtc.frontend.layers import RULES, no_rule

MAX_LAYERS = 1000
MAX_NAME = 200
MAX_ENDS = 64  # inputs, and outputs


def form_faults(description: Description) -> list[Fault]:
    """Return what is wrong with names, kinds, attributes, links, and the dtypes and shapes of tensors."""
    faults: list[Fault] = []
    if fault := _name_fault(description.name):
        faults.append(Fault("the model's name", fault))
    if not description.layers:
        faults.append(Fault("", "there is no layer in it"))
    if ends := list(_end_faults(description)):
        return [*faults, *ends]
    if len(description.layers) > MAX_LAYERS:
        return [*faults, Fault("", f"{len(description.layers)} layers; at most {MAX_LAYERS} are supported")]
    faults += _links(description)
    wanted: set[str] = set()
    for layer in description.layers:
        found = [fault_of(layer, what) for what in _layer_faults(layer)]
        if not found:
            specs = RULES[layer.kind].specs(layer.attrs)
            wanted.update(f"{layer.origin}.{name}" for name in specs)
            found = [fault_of(layer, what) for what in _tensor_faults(description, layer, specs)]
        faults += found
    if not faults:
        faults += [
            Fault(shown(key), "a tensor that no layer takes") for key in description.tensors if key not in wanted
        ]
        faults += _shared(description)
    return list(dict.fromkeys(faults))


def value_faults(description: Description) -> list[Fault]:
    """Return what is wrong with the values of tensors: not finite, or outside what the layer can hold."""
    faults = []
    for layer in description.layers:
        for name, spec in RULES[layer.kind].specs(layer.attrs).items():
            for what in spec.value_faults(description.tensors[f"{layer.origin}.{name}"]):
                faults.append(fault_of(layer, f"{name}: {what}"))
    return list(dict.fromkeys(faults))


def _name_fault(name: object) -> str:
    if type(name) is not str:
        return f"{shown(name)}; it must be text"
    if not 1 <= len(name) <= MAX_NAME:
        return f"{len(name)} characters long; a name has 1 to {MAX_NAME}"
    return ""


def _links(description: Description) -> Iterator[Fault]:
    """Yield faults of names and of the graph: every layer after what it takes, every value used."""
    known, used = set(description.inputs), set()
    for layer in description.layers:
        for text in (layer.name, layer.origin):
            if fault := _name_fault(text):
                yield Fault("a layer's name", fault)
                return
        if layer.name in known:
            yield fault_of(layer, f"the name {shown(layer.name)!r} is used twice")
        if fault := _arity_fault(layer):
            yield fault_of(layer, fault)
        for name in layer.inputs:
            if name not in known:
                yield fault_of(layer, f"takes the value of {shown(name)!r}, which is not before it")
        known.add(layer.name)
        used.update(layer.inputs)
    for name in dict.fromkeys(description.outputs):
        if name not in known - set(description.inputs):
            yield Fault("output", f"{shown(name)!r} is not a layer")
    for layer in description.layers:
        if layer.name not in used and layer.name not in description.outputs:
            yield fault_of(layer, "its value is never used")
    for name in description.inputs:
        if description.inputs != (INPUT,) and name not in used:
            yield Fault(f"input {shown(name)}", "no layer takes it")


def _end_faults(description: Description) -> Iterator[Fault]:
    """Yield what is wrong with the form of inputs and outputs: names, and how many there are."""
    output = description.output
    if type(output) not in (str, tuple, list, dict):
        yield Fault("output", f"is of type {type(output).__name__}, not str")
        return
    for where, names in (("inputs", description.inputs), ("output", description.outputs)):
        if not 1 <= len(names) <= MAX_ENDS:
            yield Fault(where, f"there are {len(names)}; 1 to {MAX_ENDS} are supported")
        named = (*names, *(description.named if where == "output" else ()))
        for fault in dict.fromkeys(filter(None, map(_name_fault, named))):
            yield Fault(where, f"a name is {fault}")
    if len(set(description.inputs)) != len(description.inputs):
        yield Fault("inputs", "a name is there twice")


def _arity_fault(layer: Layer) -> str:
    least, most = RULES[layer.kind].inputs if layer.kind in RULES else (1, 8)
    if least <= len(layer.inputs) <= most:
        return ""
    words = "a layer takes one" if most == 1 else f"this one takes {least}" + (f" to {most}" if most > least else "")
    return f"takes {len(layer.inputs)} values; {words}"


def _layer_faults(layer: Layer) -> Iterator[str]:
    rule = RULES.get(layer.kind)
    if rule is None:
        yield no_rule(layer.kind)
        return
    found = [f"{name} is missing" for name in rule.fields if name not in layer.attrs and name not in rule.defaults]
    for name, what in rule.faults(layer.attrs):
        found.append(f"{name}={_value_text(layer.attrs[name])} is not supported; {name} {what}")
    for name in layer.attrs:
        if name not in rule.fields:
            found.append(f"has {shown(name)!r}, which this layer does not know")
    yield from found or rule.together(layer.attrs)


def _value_text(value: object) -> str:
    return shown(repr(value), 40) if plain(value) else shown(f"({type(value).__name__})")


def _tensor_faults(description: Description, layer: Layer, specs: dict) -> Iterator[str]:
    for name, spec in specs.items():
        tensor = description.tensors.get(f"{layer.origin}.{name}")
        if tensor is None:
            yield f"its tensor {name!r} is missing"
        else:
            for what in spec.form_faults(tensor):
                yield f"{name} {what}"


def _shared(description: Description) -> Iterator[Fault]:
    """Yield a fault for every module used twice with different kinds or attributes: they would share tensors."""
    first: dict[str, Layer] = {}
    for layer in description.layers:
        other = first.setdefault(layer.origin, layer)
        if (other.kind, dict(other.attrs)) != (layer.kind, dict(layer.attrs)):
            yield fault_of(layer, f"{shown(layer.origin)!r} is used twice, as different layers")
