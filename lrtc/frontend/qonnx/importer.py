"""import_qonnx: walks the nodes in order, keeps what is known of every value, and gathers every fault."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from lrtc.errors import Fault, LrtcError, count, shown
from lrtc.frontend.qonnx.ending import finish
from lrtc.frontend.qonnx.folding import FOLDS, fold
from lrtc.frontend.qonnx.lowering import Lowering
from lrtc.frontend.qonnx.source import Declared, Source, read_onnx
from lrtc.frontend.qonnx.table import HANDLERS, PASS_THROUGH, supported
from lrtc.frontend.qonnx.value import Constant, Refused, Site, Step, Value, number
from lrtc.ir import Elem, Graph, GraphBuilder, TypeRule, tensor, verify
from lrtc.ir.graph import unique_name

MAX_INPUT = 1 << 24  # elements
MAX_ENDS = 64  # inputs, and outputs
HINT = "values between quantisers (Quant, BipolarQuant, MultiThreshold, Sign) must be integers times a scale"


@dataclass(frozen=True)
class Imported:
    """The graph, and notes for people about what was decided on the way."""

    graph: Graph
    notes: tuple[str, ...]


def import_qonnx(path: str | os.PathLike, name: str | None = None, *, input_scale: float | None = None) -> Imported:
    """Return the IR of a QONNX or ONNX file, values in HWC.

    Inputs are bytes. Byte k stands for the real input float32(k) / float32(255), which is what image / 255 gives in
    float32; for k itself where the file declares the input uint8 or annotates it UINT1 … UINT8; with `input_scale` for
    k / n where that is 1/n of an integer n, else for float32(k · input_scale). Real data between two bytes goes to the
    nearest, as for every model.
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
    for declared in source.inputs:
        values[declared.name] = _input(to, declared, input_scale, len(source.inputs) == 1)
    if len(batches := {v.shape[0] for d in source.inputs if (v := values[d.name])}) > 1:
        names = ", ".join(shown(d.name, 30) for d in source.inputs[:8])
        to.faults.append(
            Fault(f"inputs {names}", f"have batches of {', '.join(map(str, sorted(batches)))}; one for all")
        )
    for site in source.nodes:
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


def _input(to: Lowering, declared: Declared, scale: float | None, alone: bool) -> Value | None:
    """Return an input of the graph, bytes, and the steps that make reals of them; None after a fault."""
    what = f"input {shown(declared.name)!r}"
    batch, *rest = declared.dims or (1,)
    dims = "×".join(str(d) if d else "?" for d in declared.dims) or "no shape"
    if len(declared.dims) not in (2, 4) or min(rest) < 1:
        text = f"is {dims}; [batch, features] and [batch, channels, rows, columns] of known sizes are supported"
        to.faults.append(Fault(what, text))
        return None
    if prod(rest) > MAX_INPUT or batch < 0 or batch > MAX_INPUT:
        to.faults.append(Fault(what, f"is {dims}; at most {MAX_INPUT} elements are supported"))
        return None
    annotated = re.fullmatch(r"UINT([1-8])", declared.datatype)
    if declared.elem not in (1, 2):
        to.faults.append(Fault(what, f"has elements of ONNX type {declared.elem}; float32 and uint8 are supported"))
        return None
    if scale is not None and not (np.isfinite(scale) and 1e-30 < scale < 1e30):
        to.faults.append(Fault(what, f"the scale {scale} is no positive number"))
        return None
    if scale is None:
        scale = 1.0 if annotated or declared.elem == 2 else 1 / 255
    steps = number(round(1 / scale)), "div"
    if scale > 1 or 1 / round(1 / scale) != scale:
        steps = number(scale), "mul"
    elem = Elem("u", int(annotated[1])) if annotated else Elem("u", 8)
    axes = "NC" if len(rest) == 1 else "NCHW"
    ir = tuple(rest) if len(rest) == 1 else (rest[1], rest[2], rest[0])
    name = to.builder.input("x" if alone else declared.name, tensor(ir, elem), float(scale))
    called = "the input" if alone else f"the input {name}"
    meaning = "k" if scale == 1 else f"k/{round(1 / scale)}" if steps[1] == "div" else f"k·{scale:g}"
    to.notes.append(f"{called} is bytes: byte k stands for {meaning} in float32; real data goes to the nearest byte")
    return Value(name, (batch or 1, *rest), axes).then(Step(steps[1], steps[0]))


def _node(to: Lowering, site: Site, values: dict[str, Constant | Value | None]) -> None:
    """Lower one node; its results are None after a fault, and so are those that only it would lead to."""
    to.site = site
    operands = [values.get(name) for name in site.ins]
    for name in site.outs:
        values[name] = None
    key = supported(site)
    if key is None:
        to.fault(f"{_called(site)} is not supported; known: {', '.join(sorted({*HANDLERS, *FOLDS}))}")
        if site.op in PASS_THROUGH and operands and isinstance(operands[0], Value):
            values[site.outs[0]] = operands[0]
        return
    if any(name and operand is None for name, operand in zip(site.ins, operands, strict=True)):
        return  # behind a node that was refused
    try:
        results = None
        if all(operand is None or isinstance(operand, Constant) for operand in operands):
            results = fold(site, operands)
        if results is None and key in HANDLERS:
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


def identifier(text: str) -> str:
    """Return an identifier that resembles the text: the graph's name."""
    base = re.sub(r"[^A-Za-z0-9_]+", "_", text)[:48].strip("_") or "model"
    return f"m{base}" if base[0].isdigit() else base
