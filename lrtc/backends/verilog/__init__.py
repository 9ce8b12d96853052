"""Streaming SystemVerilog: one module a layer, each a chain of instances of the library in `hw/rtl`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import jinja2

import lrtc
from lrtc.backends.base import Backend, Output
from lrtc.backends.streaming import answer_faults, module_names
from lrtc.backends.verilog.axi import axi_files
from lrtc.backends.verilog.dots import dot_form
from lrtc.backends.verilog.hardwired import hardwired_view, wired_module
from lrtc.backends.verilog.reload import bus_of, shape_of
from lrtc.backends.verilog.top import TopView, top_view
from lrtc.backends.verilog.views import layer_view, memories
from lrtc.errors import Fault, FaultList, LrtcError, nearest
from lrtc.ir import Graph, to_text
from lrtc.ir.printer import node_text
from lrtc.plan.budget import Budget
from lrtc.plan.fold import WIRED
from lrtc.plan.folding import plan_stream
from lrtc.plan.forms import FORMS
from lrtc.plan.hardwired import Wired
from lrtc.plan.stream import StreamLayer, absorbed_posts, stream_faults, stream_layers
from lrtc.plan.unrolled import STYLES, all_wired, reasons, style_of, wired_names, wiring_faults
from lrtc.plan.widest import widest
from lrtc.plan.wiring import LEVELS, Wiring
from lrtc.resources import share

OPTIONS = (
    "output",
    "target_cycles",
    "fold",
    "budget",
    "style",
    "stages",
    "input_lanes",
    "axi_lite",
    "reloadable",
    *FORMS,
    "templates",
    "vectors",
)
LIBRARY_MODULE = re.compile(r"^\s*(lrtc_\w+)\s*#?\s*\(", re.MULTILINE)
# Names of modules that a tool would refuse for the top; layers carry a prefix.
KEYWORDS = frozenset(
    """accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin
    bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking cmos
    config const constraint context continue cover covergroup coverpoint cross deassign default defparam design
    disable dist do edge else end endcase endchecker endclass endclocking endconfig endfunction endgenerate endgroup
    endinterface endmodule endpackage endprimitive endprogram endproperty endspecify endsequence endtable endtask
    enum event eventually expect export extends extern final first_match for force foreach forever fork forkjoin
    function generate genvar global highz0 highz1 if iff ifnone ignore_bins illegal_bins implements implies import
    incdir include initial inout input inside instance int integer interconnect interface intersect join join_any
    join_none large let liblist library local localparam logic longint macromodule matches medium modport module
    nand negedge nettype new nexttime nmos nor noshowcancelled not notif0 notif1 null or output package packed
    parameter pmos posedge primitive priority program property protected pull0 pull1 pulldown pullup
    pulsestyle_ondetect pulsestyle_onevent pure rand randc randcase randsequence rcmos real realtime ref reg
    reject_on release repeat restrict return rnmos rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime
    s_until s_until_with scalared sequence shortint shortreal showcancelled signed small soft solve specify
    specparam static string strong strong0 strong1 struct super supply0 supply1 sync_accept_on sync_reject_on table
    tagged task this throughout time timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg
    type typedef union unique unique0 unsigned until until_with untyped use uwire var vectored virtual void wait
    wait_order wand weak weak0 weak1 while wildcard wire with within wor xnor xor""".split()  # noqa: SIM905 - a table of 200 quoted words is no easier to read
)


def refuse(graph: Graph) -> list[Fault]:
    """Return every reason why this graph cannot become a streaming accelerator; empty if it can."""
    return stream_faults(graph)


def emit(graph: Graph, name: str, options: Mapping[str, object] | None = None) -> Output:
    """Return the files of the accelerator `name` and its FoldPlan.

    options: output "logits" (default) or "class"; target_cycles (an image); fold {layer: (pe, simd)}; budget: what the
    plan may take (`lrtc.plan.budget.Budget`); style "stream": weights lie in memories, but for layers whose fold is
    "wired"; "unrolled": all are wires, a register after `stages` gates; "auto" (default with target_cycles or a
    budget): what takes less, layer by layer; input_lanes: elements in a beat of the inputs (default 1); integers
    "auto" (default), "planes" or "products": how integers are multiplied; padding "auto" (default), "classes" or
    "valid": how ±1 elements in the padding count 0 (`lrtc.plan.forms`); axi_lite: a top with registers around it, its
    README and drivers; reloadable: and weights, levels and scales can be written through them (the graph is that of
    pipeline "reloadable"); templates: a folder that is searched before ours. vectors: for the C self-test, not used.
    """
    options = dict(options or {})
    _check(graph, name, options)
    named, loads = graph, bool(options.get("reloadable"))
    graph = widest(graph) if loads else graph
    layers = stream_layers(graph, options.get("input_lanes") or 1, loads)
    answer = options.get("output", "logits")
    style, target, budget = style_of(options), options.get("target_cycles"), options.get("budget")
    fold = all_wired(layers) if style == "unrolled" else options.get("fold") or {}
    if faults := wiring_faults(layers, fold):
        raise LrtcError(f"{graph.name} cannot be unrolled", faults)
    wiring = Wiring(graph, options.get("stages") or LEVELS, style == "auto")
    plan = plan_stream(layers, target, fold, answer == "class", budget, wiring)
    why = reasons(layers, plan, options, wiring, (budget or Budget()).family)
    shares = (budget.shares(plan.area),) if budget and budget.bound else ()
    plan = replace(plan, reasons=(*shares, *why))
    wired = {name: wiring.made[name] for name in wired_names(plan)}
    modules = module_names(name, layers)
    chosen = {key: str(options.get(key, known[0])) for key, known in FORMS.items()}
    built = [
        (
            layer,
            fold,
            modules[layer.name],
            dot_form(graph, layer, fold, widest=loads, **chosen) if layer.has_weights and not fold.stages else None,
        )
        for layer, fold in zip(layers, plan.layers, strict=True)
    ]
    held = [memory for parts in built for memory in memories(graph, *parts, widest=loads)]
    bus = None
    if loads:
        forms, lanes = [form for *_, form in built], options.get("input_lanes") or 1
        bus = bus_of(held, [shape_of(graph, layers, plan.layers, forms, answer), lanes])
    views = tuple(layer_view(graph, *parts, bus=bus) for parts in built)
    top = top_view(name, graph, layers, views, plan, answer)
    rendered = _render(named, top, options.get("templates"))
    for layer in layers:
        if layer.name in wired:
            rendered |= _wired_file(graph, layer, wired[layer.name], modules[layer.name], options.get("templates"))
    library = _library(rendered.values())
    roms = {memory.file: memory.image for memory in held}
    environment = _environment(options.get("templates"))
    around = axi_files(named, top, environment, bus) if options.get("axi_lite") or loads else {}
    paths = [*library, *reversed(rendered), *(path for path in around if path.endswith(".sv"))]
    lists = {"files.f": environment.get_template("files.f.j2").render(paths=paths)}
    return Output(around | rendered | lists | roms | library, plan)


def _check(graph: Graph, name: str, options: Mapping[str, object]) -> None:
    faults = FaultList()
    for key in options:
        if key not in OPTIONS:
            faults.add(str(key), f"no such option{nearest(str(key), OPTIONS)}; known: {', '.join(OPTIONS)}")
    if name in KEYWORDS or name.startswith("lrtc_") or name == "lrtc":
        faults.add(name, "this name is a word of SystemVerilog or begins as the library's modules do; choose another")
    for key, known in FORMS.items():
        form = options.get(key, known[0])
        if form not in known:
            faults.add(key, f"{form!r}{nearest(str(form), known)}; known: {', '.join(known)}")
    style = style_of(options)
    if style not in STYLES:
        faults.add("style", f"{style!r}{nearest(str(style), STYLES)}; known: {', '.join(STYLES)}")
    for key in ("target_cycles", "fold") if style == "unrolled" else ():
        if options.get(key):
            faults.add(key, "nothing is folded in style unrolled; leave this option out or use style stream")
    wired = WIRED in (options.get("fold") or {}).values()
    if (style == "unrolled" or wired) and options.get("reloadable"):
        faults.add("reloadable", "weights are wires in style unrolled, nothing can be loaded; use style stream")
    if style == "stream" and options.get("stages") and not wired:
        faults.add("stages", "only style unrolled has pipelines of gates; leave this option out")
    answer_faults(graph, options.get("output", "logits"), faults)
    faults.check("{n} in the options of target verilog")
    if refused := refuse(graph):
        raise LrtcError(f"target verilog cannot build {graph.name}", refused)


def _environment(templates: object = None) -> jinja2.Environment:
    folders = [Path(str(templates))] if templates else []
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader([*folders, share("templates") / "verilog"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )


def _render(graph: Graph, top: TopView, templates: object) -> dict[str, str]:
    """Return {file: text} of the top and then of each layer in order."""
    environment = _environment(templates)
    shared = {"model": graph.name, "version": getattr(lrtc, "__version__", "")}
    files = {
        f"{top.module}.sv": environment.get_template("top.sv.j2").render(
            top=top, ir=to_text(graph).split("\n"), **shared
        )
    }
    layer_template = environment.get_template("layer.sv.j2")
    for layer in top.layers:
        files[f"{layer.module}.sv"] = layer_template.render(layer=layer, **shared)
    return files


def _wired_file(graph: Graph, layer: StreamLayer, wired: Wired, module: str, templates: object) -> dict[str, str]:
    """Return the file of a layer's hard-wired weights."""
    nodes = (layer.node, *absorbed_posts(layer))
    note = tuple(node_text(node).replace("\t", "  ") for node in nodes)
    in_bits, taps = layer.window.fan * layer.input.elem.bits, layer.window.taps if layer.slides else 0
    view = hardwired_view(wired_module(module), note, wired, in_bits, taps)
    shared = {"model": graph.name, "version": getattr(lrtc, "__version__", "")}
    return {f"{view.module}.sv": _environment(templates).get_template("hardwired.sv.j2").render(it=view, **shared)}


def hardwired_files(name: str, wired: Wired) -> dict[str, str]:
    """Return the files of the module `name`, which is a hard-wired netlist between streams."""
    view = hardwired_view(name, (), wired, wired.inputs)
    template = _environment().get_template("hardwired.sv.j2")
    return {f"{name}.sv": template.render(it=view, model=name, version=getattr(lrtc, "__version__", ""))}


def _library(texts) -> dict[str, str]:
    """Return {rtl/lrtc_*.sv: text} of every library module that the texts need, parts of parts included."""
    folder, found = share("hw") / "rtl", {}
    waiting = sorted({name for text in texts for name in LIBRARY_MODULE.findall(text)})
    while waiting:
        name = waiting.pop(0)
        if name in found or not (folder / f"{name}.sv").is_file():
            continue
        found[name] = (folder / f"{name}.sv").read_text(encoding="utf-8")
        waiting += sorted(set(LIBRARY_MODULE.findall(found[name])) - {name})
    return {f"rtl/{name}.sv": found[name] for name in sorted(found)}


def _pipeline(options: Mapping[str, object]) -> str | None:
    return "reloadable" if options.get("reloadable") else None


BACKEND = Backend("verilog", "verilog", refuse, emit, _pipeline)
