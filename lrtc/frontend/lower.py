"""From a description to the IR: runs the table's lowering functions and gathers every fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lrtc.errors import LrtcError, count, shown
from lrtc.frontend.description import Description, Layer, fault_of
from lrtc.frontend.layers import RULES
from lrtc.frontend.lowering import Lowering, Misfit, size_text
from lrtc.frontend.names import identifier
from lrtc.frontend.rebuild import discretized
from lrtc.ir import B1, U8, Elem, Graph, GraphBuilder, Input, TypeRule, tensor, verify
from lrtc.ir.graph import unique_name

HINT = "`lrtc show MODEL` prints the layers of a model that can be compiled"
EACH = "each input goes through one lrtc.nn.InputQuantize, used once"
FIRST = "is the first layer; a network begins with lrtc.nn.InputQuantize(shape=…, scale=…)"


@dataclass(frozen=True)
class Lowered:
    """The graph, notes for people about what was decided on the way, and the description without distributions."""

    graph: Graph
    notes: tuple[str, ...]
    description: Description


def lower(description: Description) -> Lowered:
    """Return the graph of a description, values in HWC; distributions become their most probable values.

    LrtcError names every layer that does not fit the value before it: checking goes on with a value that would fit.
    """
    fixed, notes = discretized(description)
    to = Lowering(GraphBuilder(identifier(description.name)))
    values: dict[str, str] = {}
    classes: set[str] = set()  # layers whose values are indices
    several, quantised = len(fixed.inputs) > 1, set()
    for layer in _inputs_first(fixed):
        rule = RULES[layer.kind]
        begins = not set(fixed.inputs).isdisjoint(layer.inputs)
        if begins != (layer.kind == "InputQuantize"):
            first = f"takes the input {shown(layer.inputs[0])}; {EACH}" if several else FIRST
            to.faults.append(fault_of(layer, first if begins else "must be the first layer"))
            if begins:
                break
            values[layer.name] = values[layer.inputs[0]]
            continue
        if begins and layer.inputs[0] in quantised:
            to.faults.append(fault_of(layer, f"quantises the {shown(layer.inputs[0])} once more; {EACH}"))
            break
        quantised.update(layer.inputs if begins else ())
        if ends := [name for name in layer.inputs if name in classes]:
            to.faults.append(fault_of(layer, f"takes the class indices of {ends[0]}; argmax and topk end a network"))
            break
        if layer.kind == "TopClasses":
            classes.add(layer.name)
        held = fixed.tensors_of(layer, rule.specs(layer.attrs))
        arrays = {name: t.detach().numpy() for name, t in held.items()}
        before: str | tuple[str, ...] = tuple(values.get(name, name) for name in layer.inputs)
        if rule.inputs == (1, 1):
            before = before[0] if several or not begins else "x"
        result = _lower_layer(to, before, layer, arrays)
        if result is None:
            break
        values[layer.name] = result
    else:
        _check_output(to, fixed, values)
    if to.faults:
        places = len({fault.where for fault in to.faults})
        raise LrtcError(f"{count(places, 'layer')} cannot be compiled", to.faults, HINT)
    named: list[str] = []
    for name in fixed.named:
        named.append(unique_name(name, named))
    return Lowered(verify(to.builder.finish([values[name] for name in fixed.outputs], tuple(named))), notes, fixed)


def entries(description: Description) -> tuple[Input, ...]:
    """Return what data for a network must fit: its inputs, as `lower` makes them. LrtcError for one without a step."""
    to = Lowering(GraphBuilder("entries"))
    found = [layer for layer in _inputs_first(description) if layer.kind == "InputQuantize"]
    if [name for layer in found for name in layer.inputs] != list(description.inputs):
        raise LrtcError("1 layer cannot be compiled", [fault_of(description.layers[0], FIRST)], HINT)
    for layer in found:
        RULES[layer.kind].lower(to, layer.inputs[0] if len(description.inputs) > 1 else "x", layer, {})
    return tuple(to.builder.inputs)


def _inputs_first(description: Description) -> Sequence[Layer]:
    """Return the layers in order, those that take an input before all others and in the order of the inputs."""
    if len(description.inputs) == 1:
        return description.layers
    at = {name: k for k, name in enumerate(description.inputs)}
    return sorted(description.layers, key=lambda v: at.get(v.inputs[0], len(at)) if v.inputs else len(at))


def _lower_layer(to: Lowering, x: str | tuple[str, ...], layer: Layer, arrays: dict[str, np.ndarray]) -> str | None:
    """Return the value after the layer, of a stand-in for x if x does not fit; None if nothing fits."""
    rule = RULES[layer.kind]
    reported = False
    for _ in range(4):
        try:
            return rule.lower(to, x, layer, arrays)
        except TypeRule as error:
            if not reported:
                to.faults.append(fault_of(layer, str(error)))
                reported = True
            if layer.kind == "InputQuantize":
                return None
            if isinstance(x, tuple):
                return _stand_in(to, U8, to.shape(x[0]), x[0] in to.signals)
            type_ = to.fact(x).type
            if isinstance(error, Misfit) and error.shape is None:
                return x
            if isinstance(error, Misfit):
                x = _stand_in(to, type_.elem, error.shape, error.signal)
            elif type_.elem.is_float:
                x = _stand_in(to, B1, type_.shape, x in to.signals)
            else:
                return None
    return None


def _stand_in(to: Lowering, elem: Elem, shape: tuple[int, ...], signal: bool) -> str:
    """Return a value to go on checking with after a fault."""
    x = to.builder.input("stand_in", tensor(shape, elem))
    to.reach[x] = 1.0
    if signal and len(shape) == 3:
        to.signals.add(x)
    return x


def _check_output(to: Lowering, description: Description, values: dict[str, str]) -> None:
    for last in (layer for layer in description.layers if layer.name in description.outputs):
        type_ = to.fact(values[last.name]).type
        if type_.elem.is_float:
            text = "ends in real numbers; a network ends in integers: lrtc.nn.LRTScale after LRTLinear, or QuantLinear"
            to.faults.append(fault_of(last, text))
        elif len(type_.shape) != 1:
            text = f"ends in an image {size_text(type_.shape)}; a network ends in a vector of scores"
            to.faults.append(fault_of(last, text))
