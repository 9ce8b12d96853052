"""C99: one .c, one .h and a self-test; channel-packed XNOR-popcount kernels, one static arena, no library."""

from __future__ import annotations

import re
from collections.abc import Mapping

import lrtc
from lrtc.backends.base import Backend, Output
from lrtc.backends.c.emit import Form, render
from lrtc.backends.c.memory import CPlan, plan_c
from lrtc.backends.c.menu import MENU, Choice
from lrtc.backends.c.package import PACKAGES, packed
from lrtc.errors import Fault, FaultList, nearest, shown
from lrtc.ir import Graph, Node
from lrtc.ir.ops import (
    Add,
    Affine,
    Channels,
    Clamp,
    Concat,
    Const,
    Conv2d,
    Crop,
    Flatten,
    Identity,
    Linear,
    Maximum,
    MaxPool2d,
    Pad,
    Rearrange,
    SumPool2d,
    Threshold,
    TopK,
)  # fmt: skip

OPS = (
    Const, Conv2d, Linear, Threshold, Affine, MaxPool2d, Add, Maximum, Clamp, SumPool2d, TopK, Flatten, Rearrange, Pad,
    Crop, Channels, Concat, Identity,
)  # fmt: skip
REAL = (
    "a real value is left here; only integers become C: end the real part with a sign, a ternarize or a quantiser, "
    "or scores with lrtc.nn.LRTScale"
)
PREFIX = re.compile(r"[a-z][a-z0-9_]{0,31}", re.IGNORECASE | re.ASCII)
LANES = (32, 64, 128, 256, 512)  # pixels in a word of pixel-sliced kernels
OPTIONS = ("vectors", "templates", "kernels", "package", "prefix", "context", "report", "profile", "lanes")


def refuse(graph: Graph) -> list[Fault]:
    """Return every reason why this graph, after the pipeline `c`, cannot become C; empty if it can."""
    faults = FaultList()
    for source in graph.inputs:
        if source.type.elem.kind != "u" or source.type.elem.bits > 8:
            faults.add(f"input {source.name}", f"{source.type.elem} is not supported; the input must be u1 to u8")
        if len(source.type.shape) not in (1, 3):
            faults.add(f"input {source.name}", f"{source.type} is not supported; the input must be [C] or [H,W,C]")
    for node in graph.nodes:
        where = f"{node.origin or node.out} ({node.op.name})"
        if not isinstance(node.op, Const):
            _check(graph, node, where, faults)
    return list(faults)


def _check(graph: Graph, node: Node, where: str, faults: FaultList) -> None:
    elem = node.type.elem
    if elem.is_float or any(graph.types[name].elem.is_float for name in node.ins):
        faults.add(where, REAL)
    elif not isinstance(node.op, OPS):
        known = ", ".join(sorted(op.name for op in OPS))
        faults.add(where, f"this operation is not supported in C here; known: {known}")
    elif elem.is_discrete and node.type.layout.word != 32:
        faults.add(where, f"{node.type} is not packed into words of 32 bits")
    elif not elem.is_discrete:
        low, high = int(graph.facts[node.out].low.min()), int(graph.facts[node.out].high.max())
        if high - low >= (1 << 31) - 1:
            faults.add(where, f"values from {low} to {high} are too far apart; 31 bits are supported")


def emit(graph: Graph, name: str, options: Mapping[str, object] | None = None) -> Output:
    """Return the files `name`.c, `name`.h and, with vectors, `name`_test.c, and the CPlan.

    options: vectors (inputs uint8 [n, …], outputs [n, …], several in a row as in `ir.ports`) for the self-test;
    templates: a folder that is searched before ours; kernels: one for every layer that may have it, or convolution or
    linear value → kernel (lrtc.backends.c.menu); lanes: one of LANES, more
    than 64 for GCC and Clang only; package: one of `package.PACKAGES`; prefix, context, report, profile: see
    `emit.Form`. LrtcError names every fault of the name and the options.
    """
    options = dict(options or {})
    faults = FaultList()
    for key in options:
        if key not in OPTIONS:
            faults.add(str(key), f"no such option{nearest(str(key), OPTIONS)}; known: {', '.join(OPTIONS)}")
    prefix = str(options.get("prefix") or "")
    if prefix and not PREFIX.fullmatch(prefix):
        faults.add("prefix", f"{shown(prefix)} begins no C name; letters, digits and _ are supported, a letter first")
    symbols = (prefix + name).lower()
    if symbols == "lrtc" or symbols.startswith("lrtc_"):
        faults.add(prefix + name, "names that begin with lrtc are those of the kernels; choose another")
    package = options.get("package") or "plain"
    if package not in PACKAGES:
        faults.add("package", f"no package {package!r}{nearest(str(package), PACKAGES)}; known: {', '.join(PACKAGES)}")
    lanes = options.get("lanes") or LANES[0]
    if lanes not in LANES:
        faults.add("lanes", f"no word of {lanes!r} lanes; known: {', '.join(map(str, LANES))}")
    plan = _plan(graph, options.get("kernels") or {}, lanes, faults)
    faults.check("the network cannot be written as C: {n}")
    form = Form(prefix, bool(options.get("context")), bool(options.get("report")), options.get("profile"))
    files = render(graph, plan, name, lrtc.__version__, options.get("vectors"), options.get("templates"), form)
    return Output(packed(files, name, lrtc.__version__, str(package), prefix), plan)


def _plan(graph: Graph, choice: Choice, lanes: int, faults: FaultList) -> CPlan:
    """Return the plan; unknown kernels and layers, and kernels that a layer cannot have, become faults."""
    wanted = {"": choice} if isinstance(choice, str) else choice
    for layer, kernel in wanted.items():
        if kernel not in MENU:
            faults.add(
                f"kernels {layer}".strip(), f"no kernel {kernel!r}{nearest(kernel, MENU)}; known: {', '.join(MENU)}"
            )
    faults.check("the network cannot be written as C: {n}")
    plan = plan_c(graph, choice, lanes)
    layers = {step.nodes[0].out: step for step in plan.steps if step.kernel}
    for layer, kernel in wanted.items() if not isinstance(choice, str) else ():
        if layer not in layers:
            known = ", ".join(layers) or "none"
            faults.add(
                f"kernels {layer}", f"no such convolution or linear layer{nearest(layer, layers)}; known: {known}"
            )
        elif layers[layer].kernel.name != kernel:
            faults.add(f"kernels {layer}", f"{kernel} is not possible: {MENU[kernel].refuse(layers[layer].matrix)}")
    return plan


BACKEND = Backend("c", "c", refuse, emit)

__all__ = ["BACKEND", "OPS", "CPlan", "emit", "plan_c", "refuse"]
