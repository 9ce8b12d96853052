"""Streaming C++14 for Vitis HLS: the plan of the Verilog target with another body, from the library in `hw/hls`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import jinja2

import lrtc
from lrtc.backends.base import Backend, Output
from lrtc.backends.hls.options import Chip, checked
from lrtc.backends.hls.top import TopView, top_view
from lrtc.backends.hls.vectors import vectors_view
from lrtc.errors import Fault, LrtcError
from lrtc.ir import Graph, to_text
from lrtc.plan.folding import plan_stream
from lrtc.plan.stream import stream_faults, stream_layers
from lrtc.resources import share

HEADER = re.compile(r'^#include "(lrtc_\w+\.hpp)"', re.MULTILINE)
DEFINED = re.compile(r"^(?:template <.*> *)?(?:struct|\w.*[ >]) ?(\w+)(?: \{|\()", re.MULTILINE)
STAGE = re.compile(r"\blrtc::(\w+)")
SIMULATION = ("ap_int.h", "ap_axi_sdata.h", "hls_stream.h", "lrtc_bounded.h")
SCRIPTS = ("project.tcl", "csim.tcl", "csynth.tcl", "cosim.tcl", "export.tcl", "vivado.tcl")


def refuse(graph: Graph) -> list[Fault]:
    """Return every reason why this graph cannot become a streaming accelerator; empty if it can."""
    return stream_faults(graph)


def emit(graph: Graph, name: str, options: Mapping[str, object] | None = None) -> Output:
    """Return the files of the accelerator `name` and its FoldPlan.

    options: those of the Verilog target (output, target_cycles, fold, budget, input_lanes, templates); part, clock (Hz)
    and control ("none", "axilite") of the project; vectors: (bytes, answers) of the test bench.
    """
    options = dict(options or {})
    chip = checked(graph, name, options)
    if refused := refuse(graph):
        raise LrtcError(f"target hls cannot build {graph.name}", refused)
    layers = stream_layers(graph, options.get("input_lanes") or 1)
    answer = options.get("output", "logits")
    target, fold, budget = (options.get(key) for key in ("target_cycles", "fold", "budget"))
    plan = plan_stream(layers, target, fold, answer == "class", budget)
    top = top_view(name, graph, layers, plan, answer)
    return Output(_render(graph, top, chip, options), plan)


def _render(graph: Graph, top: TopView, chip: Chip, options: Mapping[str, object]) -> dict[str, str]:
    """Return {file: text}, the network first."""
    environment = _environment(options.get("templates"))
    vectors = vectors_view(graph, top, options.get("vectors"))
    calls = [process.call for process in top.processes]
    library = _library([*calls, *(line for body in top.bodies for post in body.posts for line in post.lines)])
    seen = {
        "top": top,
        "model": graph.name,
        "version": getattr(lrtc, "__version__", ""),
        "ir": to_text(graph).split("\n"),
        "headers": [header for header in library if not header.startswith("sim/")],
        "vectors": vectors,
        **chip.seen,
    }
    named = {"": ("cpp", "hpp"), "_constants": ("hpp",), "_tb": ("cpp",), "_vectors": ("hpp",)}
    made = {
        f"{top.name}{tail}.{kind}": f"model{tail}.{kind}" for tail, kinds in named.items() for kind in kinds
    }  # fmt: skip
    made[f"sim/{top.name}_bounded.cpp"] = "model_bounded.cpp"
    made |= {script: script for script in SCRIPTS} | {"README.md": "README.md"}
    return {path: environment.get_template(f"{template}.j2").render(seen) for path, template in made.items()} | library


def _environment(templates: object = None) -> jinja2.Environment:
    folders = [Path(str(templates))] if templates else []
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, share("templates") / "hls"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def _library(calls: Iterable[str]) -> dict[str, str]:
    """Return {file: text} of the headers that calls need, those they include, and what stands in for Vitis's own."""
    folder = share("hw") / "hls"
    texts = {path.name: path.read_text(encoding="utf-8") for path in sorted(folder.glob("lrtc_*.hpp"))}
    used = {stage for call in calls for stage in STAGE.findall(call)}
    needed = [name for name, text in texts.items() if used & set(DEFINED.findall(text))]
    for name in needed:  # which grows
        needed += [other for other in HEADER.findall(texts[name]) if other not in needed]
    found = {name: texts[name] for name in sorted(needed)}
    return found | {f"sim/{name}": (folder / "sim" / name).read_text(encoding="utf-8") for name in SIMULATION}


BACKEND = Backend("hls", "verilog", refuse, emit)
