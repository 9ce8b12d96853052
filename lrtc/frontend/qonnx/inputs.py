"""Inputs of ONNX graphs: bytes, and the real numbers that they stand for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

import numpy as np

from lrtc.errors import Fault, shown
from lrtc.frontend.qonnx.lowering import Lowering, steps
from lrtc.frontend.qonnx.quantisers import MAX_BITS, parameters
from lrtc.frontend.qonnx.signals import SIGNAL
from lrtc.frontend.qonnx.source import Declared, Source
from lrtc.frontend.qonnx.value import Constant, Refused, Site, Value
from lrtc.ir import Elem, tensor

MAX_INPUT = 1 << 24  # elements
QUANTISERS = ("Quant", "IntQuant")
DECIDE = (*QUANTISERS, "BipolarQuant", "MultiThreshold")
MOVES = ("Cast", "Dropout", "Flatten", "Identity", "Reshape", "Squeeze", "Transpose", "Unsqueeze")
ANNOTATED = {"BIPOLAR": (2.0, 0.5, 1), "TERNARY": (1.0, 1.0, 2)}  # scale, zero point, greatest byte


@dataclass(frozen=True)
class Meaning:
    """Byte k, 0 to `high`, stands for (k − zero)·scale. why: where that comes from, for people."""

    scale: float
    zero: float = 0.0
    high: int = 255
    why: str = ""

    @property
    def text(self) -> str:
        code = f"(k − {self.zero:g})" if self.zero else "k"
        if self.scale == 1:
            return code
        return f"{code}/{round(1 / self.scale)}" if self._inverse else f"{code}·{self.scale:g}"

    @property
    def _inverse(self) -> bool:
        """Whether the scale is 1/n of an integer: a division then gives what image / n gives in float32."""
        return self.scale <= 1 and 1 / round(1 / self.scale) == self.scale

    def steps(self) -> tuple:
        """Return the float32 operations from the byte to the real number."""
        by = ("div", round(1 / self.scale)) if self._inverse else ("mul", self.scale)
        return steps(("add", -self.zero), by)


def declared_input(
    to: Lowering, source: Source, declared: Declared, constants: Mapping[str, object], given: Meaning | None
) -> Value | None:
    """Return an input of the graph, bytes, and the steps that make reals of them; None after a fault."""
    what = f"input {shown(declared.name)!r}"
    faults = [Fault(what, text) for text in _faults(declared, given)]
    to.faults += faults
    if faults:
        return None
    batch, *rest = declared.dims
    meaning = given or meaning_of(source, declared, constants)
    axes = {1: "NC", 2: SIGNAL, 3: "NCHW"}[len(rest)]
    ir = {1: (), 2: (1, *rest[1:]), 3: (*rest[1:],)}[len(rest)] + (rest[0],)
    alone = len(source.inputs) == 1
    elem = Elem("u", meaning.high.bit_length())
    name = to.builder.input("x" if alone else declared.name, tensor(ir, elem), meaning.scale, meaning.zero)
    called = "the input" if alone else f"the input {name}"
    rounding = "real data goes to the nearest byte"
    to.notes.append(f"{called} is bytes: byte k stands for {meaning.text} in float32{meaning.why}; {rounding}")
    return Value(name, (batch or 1, *rest), axes).then(*meaning.steps())


def meaning_of(source: Source, declared: Declared, constants: Mapping[str, object]) -> Meaning:
    """Return what the bytes of an input stand for. constants: name → Constant, of what is known of the model.

    - declared uint8, or annotated UINT1 … UINT8: byte k for k; INT2 … INT8, BIPOLAR, TERNARY: for the integers that
      these hold, the least one at byte 0;
    - read only by one quantiser (`Quant`) of at most 8 bits that reaches below 0 or beyond 1: for the reals that it
      tells apart, so that real data goes to the very integers that the model would have made of it;
    - else for float32(k) / float32(255), which is what image / 255 gives in float32.
    """
    if meaning := _said(declared):
        return meaning
    return _own(_first_reader(source, declared.name), constants) or Meaning(1 / 255)


def _said(declared: Declared) -> Meaning | None:
    """Return what the file says of an input's integers, or None: it is real."""
    if declared.datatype in ANNOTATED:
        return Meaning(*ANNOTATED[declared.datatype], f" ({declared.datatype})")
    if match := re.fullmatch(r"(U?)INT([1-8])", declared.datatype):
        bits = int(match[2])
        return Meaning(1.0, 0 if match[1] else 1 << (bits - 1), (1 << bits) - 1)
    return Meaning(1.0) if declared.elem == 2 else None


def is_stated(source: Source, declared: Declared) -> bool:
    """Return whether an input is of integers, or read by a quantiser only."""
    reader = _first_reader(source, declared.name)
    return _said(declared) is not None or (reader is not None and reader.op in DECIDE)


def _first_reader(source: Source, name: str) -> Site | None:
    """Return the one node that reads a value, the first that does more than move it; None if there are several."""
    while True:
        readers = [site for site in source.nodes if name in site.ins]
        if len(readers) != 1 or readers[0].ins[0] != name:
            return None
        if readers[0].op not in MOVES or not readers[0].outs:
            return readers[0]
        name = readers[0].outs[0]


def _own(site: Site | None, constants: Mapping[str, object]) -> Meaning | None:
    """Return the bytes that a quantiser of the model tells apart; None where k/255 serves it, or it is none."""
    if site is None or site.op not in QUANTISERS:
        return None
    operands = [constants.get(name) for name in site.ins[1:]]
    if len(operands) != 3 or any(not isinstance(o, Constant) or o.value.size != 1 for o in operands):
        return None
    scale, zero, bits = (np.ravel(o.value).astype(np.float32) for o in operands)
    try:
        low, high, rounding = parameters(site, scale, zero, bits, MAX_BITS)
    except Refused:
        return None  # the node itself says so
    if zero[0] != 0 or low > high or rounding != "even":
        return None
    if low == 0 and float(high * scale[0]) < 1 + float(scale[0]):
        return None
    return Meaning(float(scale[0]), -low, high - low, f" ({site.where} tells these apart)")


def _faults(declared: Declared, given: Meaning | None) -> list[str]:
    dims = "×".join(str(d) if d else "?" for d in declared.dims) or "no shape"
    batch, *rest = declared.dims or (1,)
    if not 2 <= len(declared.dims) <= 4 or min(rest) < 1:
        known = "[batch, features], [batch, channels, length] and [batch, channels, rows, columns]"
        return [f"is {dims}; {known} of known sizes are supported"]
    if prod(rest) > MAX_INPUT or not 0 <= batch <= MAX_INPUT:
        return [f"is {dims}; at most {MAX_INPUT} elements are supported"]
    if declared.elem not in (1, 2):
        return [f"has elements of ONNX type {declared.elem}; float32 and uint8 are supported"]
    if given is not None and not (np.isfinite(given.scale) and 1e-30 < given.scale < 1e30):
        return [f"the scale {given.scale} is no positive number"]
    if given is not None and not (0 <= given.zero <= 255 and float(given.zero).is_integer()):
        return [f"the zero point {given.zero} is no whole number from 0 to 255"]
    return []
