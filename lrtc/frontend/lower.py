"""From a description to the IR: runs the table's lowering functions and gathers every fault."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from lrtc.errors import LrtcError, count
from lrtc.frontend.description import INPUT, Description, Layer, fault_of
from lrtc.frontend.layers import RULES
from lrtc.frontend.lowering import Lowering, Misfit, size_text
from lrtc.frontend.rebuild import discretized
from lrtc.ir import B1, U8, Elem, Graph, GraphBuilder, TypeRule, tensor, verify

HINT = "`lrtc show MODEL` prints the layers of a model that can be compiled"
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
    for layer in fixed.layers:
        rule = RULES[layer.kind]
        begins = INPUT in layer.inputs
        if begins != (layer.kind == "InputQuantize"):
            to.faults.append(fault_of(layer, FIRST if begins else "must be the first layer"))
            if begins:
                break
            values[layer.name] = values[layer.inputs[0]]
            continue
        if begins and to.builder.inputs:
            to.faults.append(fault_of(layer, "is a second input; a network has one InputQuantize, used once"))
            break
        if ends := [name for name in layer.inputs if name in classes]:
            to.faults.append(fault_of(layer, f"takes the class indices of {ends[0]}; argmax and topk end a network"))
            break
        if layer.kind == "TopClasses":
            classes.add(layer.name)
        held = fixed.tensors_of(layer, rule.specs(layer.attrs))
        arrays = {name: t.detach().numpy() for name, t in held.items()}
        before = "" if begins else tuple(values[name] for name in layer.inputs)
        if not begins and rule.inputs == (1, 1):
            before = before[0]
        result = _lower_layer(to, before, layer, arrays)
        if result is None:
            break
        values[layer.name] = result
    else:
        _check_output(to, fixed, values)
    if to.faults:
        places = len({fault.where for fault in to.faults})
        raise LrtcError(f"{count(places, 'layer')} cannot be compiled", to.faults, HINT)
    return Lowered(verify(to.builder.finish([values[fixed.output]])), notes, fixed)


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
            if not x:
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
    last = next(layer for layer in description.layers if layer.name == description.output)
    type_ = to.fact(values[description.output]).type
    if type_.elem.is_float:
        text = "ends in real numbers; a network ends in integers: lrtc.nn.LRTScale after LRTLinear, or QuantLinear"
        to.faults.append(fault_of(last, text))
    elif len(type_.shape) != 1:
        text = f"ends in an image {size_text(type_.shape)}; a network ends in a vector of scores"
        to.faults.append(fault_of(last, text))


def identifier(text: str) -> str:
    """Return an identifier that resembles the text: the graph's name."""
    base = re.sub(r"[^A-Za-z0-9_]+", "_", text)[:48].strip("_") or "model"
    return f"m{base}" if base[0].isdigit() else base
