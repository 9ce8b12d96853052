"""import_qonnx: walks the nodes in order, keeps what is known of every value, and gathers every fault."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from lrtc.errors import Fault, LrtcError, count, shown
from lrtc.frontend.names import identifier
from lrtc.frontend.qonnx.ending import finish
from lrtc.frontend.qonnx.folding import FOLDS, fold
from lrtc.frontend.qonnx.forms import check_form, check_moving
from lrtc.frontend.qonnx.inputs import Meaning, declared_input
from lrtc.frontend.qonnx.lowering import Lowering
from lrtc.frontend.qonnx.source import Source, read_onnx
from lrtc.frontend.qonnx.table import HANDLERS, LATER, PASS_THROUGH, supported
from lrtc.frontend.qonnx.value import Constant, Refused, Site, Value
from lrtc.ir import Graph, GraphBuilder, TypeRule, verify
from lrtc.ir.graph import unique_name

MAX_ENDS = 64  # inputs, and outputs
HINT = "values between quantisers (Quant, BipolarQuant, MultiThreshold, Sign) must be integers times a scale"


@dataclass(frozen=True)
class Imported:
    """The graph, and notes for people about what was decided on the way."""

    graph: Graph
    notes: tuple[str, ...]


def import_qonnx(
    path: str | os.PathLike, name: str | None = None, *, input_scale: float | None = None, input_zero: float = 0.0
) -> Imported:
    """Return the IR of a QONNX or ONNX file, values in HWC.

    Inputs are bytes; `inputs.meaning_of` says for which reals they stand, `input_scale` and `input_zero` override it:
    byte k is (k − input_zero) · input_scale.
    LrtcError names every node that cannot be compiled: a node after it is checked as far as that makes sense.
    """
    source = read_onnx(path)
    to = Lowering(GraphBuilder(identifier(name or Path(path).stem)))
    where = shown(str(path), 200)
    values: dict[str, Constant | Value | None] = {"": None}
    for key, value in source.constants.items():
        values[key] = Constant(value)
    if not 1 <= len(source.inputs) <= MAX_ENDS or len(source.outputs) > MAX_ENDS:
        ends = f"{count(len(source.inputs), 'input')} and {count(len(source.outputs), 'output')}"
        raise LrtcError(f"{where} has {ends}; 1 to {MAX_ENDS} of each are supported")
    given = None if input_scale is None else Meaning(input_scale, input_zero)
    fixed, moving = source.split()
    for site in fixed:
        _node(to, site, values)
    for declared in source.inputs:
        values[declared.name] = declared_input(to, source, declared, values, given)
    if len(batches := {v.shape[0] for d in source.inputs if (v := values[d.name])}) > 1:
        names = ", ".join(shown(d.name, 30) for d in source.inputs[:8])
        to.faults.append(
            Fault(f"inputs {names}", f"have batches of {', '.join(map(str, sorted(batches)))}; one for all")
        )
    for site in moving:
        _node(to, site, values)
    ends = {} if to.faults else _finish(to, source, values)
    if to.faults:
        places = len({fault.where for fault in to.faults})
        raise LrtcError(f"{where}: {count(places, 'node')} cannot be compiled", to.faults, HINT)
    named: list[str] = []
    for name in ends if len(ends) > 1 else ():
        named.append(unique_name(name, named))
    return Imported(verify(to.builder.finish(ends.values(), tuple(named))), tuple(to.notes))


def _finish(to: Lowering, source: Source, values: dict[str, Constant | Value | None]) -> dict[str, str]:
    """Return output → the IR value of its scores; outputs of the same scores (TopK has two) are one."""
    makers = {name: site for site in source.nodes for name in site.outs}
    first: dict[object, str] = {}
    for name in source.outputs:
        x = values.get(name)
        first.setdefault((x.name, x.steps, x.flat) if isinstance(x, Value) else name, name)
    ends: dict[str, str] = {}
    for name in first.values():
        to.site = makers.get(name) or Site("", "", f"output {shown(name)!r}", "output", (), ())
        told = len(to.notes)
        try:
            ends[name] = finish(to, values.get(name))
        except (Refused, TypeRule) as error:
            to.fault(str(error))
        if len(first) > 1:
            to.notes[told:] = [f"output {shown(name, 40)}: {note}" for note in to.notes[told:]]
    return ends


def _node(to: Lowering, site: Site, values: dict[str, Constant | Value | None]) -> None:
    """Lower one node; its results are None after a fault, and so are those that only it would lead to."""
    to.site = site
    operands = [values.get(name) for name in site.ins]
    for name in site.outs:
        values[name] = None
    key = supported(site)
    if key is None:
        instead = LATER.get(site.op) or f"known: {', '.join(sorted({*HANDLERS, *FOLDS}))}"
        to.fault(f"{_called(site)} is not supported; {instead}")
        if site.op in PASS_THROUGH and site.outs and operands and isinstance(operands[0], Value):
            values[site.outs[0]] = operands[0]
        return
    if any(name and operand is None for name, operand in zip(site.ins, operands, strict=True)):
        return  # behind a node that was refused
    try:
        results = None
        check_form(site, operands)
        if all(operand is None or isinstance(operand, Constant) for operand in operands):
            results = fold(site, operands)
        if results is None and key in HANDLERS:
            check_moving(site, operands)
            results = HANDLERS[key](to, site, operands)
        if results is None:
            raise Refused("is supported for constants only; it meets a value that depends on the input")
    except (Refused, TypeRule) as error:
        to.fault(str(error))
        return
    for name, result in zip(site.outs, results if isinstance(results, tuple) else (results,), strict=False):
        values[name] = result


def _called(site: Site) -> str:
    op = shown(site.op, 40)
    return f"{op} of the domain {shown(site.domain, 60)!r}" if site.domain else f"the operation {op}"
