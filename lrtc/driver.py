"""compile(model, target): frontend → pipeline → plan → emit. The only file that knows every part."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lrtc import interp
from lrtc.backends.base import Backend
from lrtc.errors import Fault, LrtcError, count, nearest, shown
from lrtc.ir import Graph, Ports, feed_rows, in_rows, ports_of, verify
from lrtc.ir.ops import TopK
from lrtc.passes import PIPELINES, Pass, run_pipeline

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from lrtc.chain import Verdict
    from lrtc.check.library import Library
    from lrtc.frontend.description import Description
    from lrtc.report.costs import CostReport

TARGETS = ("c", "verilog", "hls")
GROUP = "lrtc.targets"  # of entry points: other packages' targets, name → a Backend
VERIFY = False  # whether `compile` verifies when it is not told; the tests set it
PROBES = 8  # random images on which `verify` compares the graph before and after every pass
SELF_TEST_VECTORS = 4
NAME = re.compile(r"[a-z][a-z0-9_]{0,47}\Z", re.IGNORECASE)
RESERVED = frozenset(
    """auto break case char const continue default do double else enum extern float for goto if inline int long
    register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while
    always and assign automatic begin bit byte class end endmodule event final function generate genvar initial inout
    input integer interface join logic longint macromodule module nand negedge nor not or output package parameter
    posedge program property real reg repeat rtl shortint specify string supply0 supply1 table task time tri type uwire
    wait wand wire wor xnor xor main stdint immintrin arm_neon""".split()  # noqa: SIM905 - a table of 80 quoted words is no easier to read
)


@dataclass(frozen=True)
class Model:
    """A network that was read: the graph as lowered, its description if it came from torch, and notes for people."""

    name: str
    graph: Graph
    description: Description | None = None
    notes: tuple[str, ...] = ()

    def quantized(self, x: interp.Feeds) -> interp.Feeds:
        """Return uint8 data in the IR's axis order for data [N,…] as torch takes it (DESIGN D1), or each input's."""
        from lrtc.frontend.data import to_input

        if isinstance(x, Mapping):
            return {value.name: to_input(x[value.name], value) for value in self.graph.inputs}
        return to_input(x, self.graph.inputs[0])

    def module(self) -> nn.Module:
        """Return the network as a torch module in eval mode."""
        from lrtc.frontend.rebuild import rebuild

        if self.description is None:
            raise LrtcError("a bare graph has no torch module")
        return rebuild(self.description)


@dataclass(frozen=True)
class Result:
    """A compiled network. files: path → text. graph: what was emitted. plan: the backend's. notes: for people.

    options: the backend's. source: the model that it was made of.
    """

    name: str
    target: str
    files: Mapping[str, str]
    graph: Graph
    plan: object
    notes: tuple[str, ...] = ()
    options: Mapping[str, object] = field(default_factory=dict)
    source: Model | None = field(default=None, repr=False, compare=False)
    built: list[Library] = field(default_factory=list, repr=False, compare=False)  # its C in this process, once used

    def run(self, x: interp.Feeds) -> NDArray[np.int32]:
        """Return the first output, int32 [N, values], of samples x [N,…] as torch takes them, or input → samples.

        x: uint8 or float32. The C is compiled once for this machine and called for the whole batch without the GIL;
        ToolMissing without a C compiler, LrtcError if x does not fit. Threads may share a result; with `context=True`
        they run side by side.
        """
        return next(iter(self.run_all(x).values()))

    def run_all(self, x: interp.Feeds) -> dict[str, NDArray[np.int32]]:
        """Return every output by its name, int32 [N, values]; see `run`."""
        from lrtc.api import answers

        return answers(self, x)

    def verify(
        self, x: interp.Feeds | None = None, y: NDArray[np.int64] | None = None, *,
        engines: Sequence[str] | None = None, slow_images: int = 20,
    ) -> list[Verdict]:  # fmt: skip
        """Return a verdict of each engine, all equal to the interpreter in every integer; else Mismatch names them.

        x: samples (random ones by default), y: labels for the accuracy. engines: those of `lrtc verify`; by default the
        interpreter and what was compiled. slow_images: at most so many for cores, RTL and HLS.
        """
        from lrtc.api import verified

        return verified(self, x, y, engines, slow_images)

    def report(self, core: str = "cortex-m4", x: interp.Feeds | None = None) -> CostReport:
        """Return what an image costs on an emulated core, by layer (C only); ToolMissing without what emulates it."""
        from lrtc.api import reported

        return reported(self, core, x)

    def write(self, folder: str | Path) -> Path:
        """Write the files into a folder, all or none; return it. LrtcError if others' files are there."""
        from lrtc.api import written

        return written(self, folder)

    @property
    def model(self) -> Model:
        """Return the network that was compiled."""
        if self.source is None:
            raise LrtcError("this result was made without its model")
        return self.source

    @property
    def classes(self) -> int:
        """Return the number of logits, of the first output."""
        return self.graph.types[self.graph.outputs[0]].size

    @property
    def ports(self) -> Ports:
        """Return the sizes of inputs and outputs."""
        return ports_of(self.graph)


def open_model(source: str | Path | Graph | nn.Module, name: str | None = None) -> Model:
    """Return the Model for a model.pt, an .onnx file, a torch module, or a Graph.

    name: of the compiled network, LrtcError if it is no plain identifier; by default the file's stem made one.
    """
    if isinstance(source, Graph):
        return Model(legal_name(name or source.name), verify(source))
    if isinstance(source, (str, Path)) and Path(source).suffix.lower() == ".onnx":
        from lrtc.frontend.qonnx import import_qonnx

        name, named = _name_of(name, Path(source))
        imported = import_qonnx(source, name)
        return Model(name, verify(replace(imported.graph, name=name)), None, (*named, *imported.notes))
    from lrtc.frontend.describe import describe
    from lrtc.frontend.lower import lower
    from lrtc.frontend.modelfile import read

    if isinstance(source, (str, Path)):
        name, named = _name_of(name, Path(source))
        description = read(source)
    else:
        name, named = legal_name(name or "model"), ()
        description = describe(source, name)
    lowered = lower(description)
    return Model(name, verify(replace(lowered.graph, name=name)), lowered.description, (*named, *lowered.notes))


def _name_of(name: str | None, path: Path) -> tuple[str, tuple[str, ...]]:
    """Return the name of a file's network, and a note where it is not the file's stem."""
    from lrtc.frontend.names import identifier

    if name is not None:
        return legal_name(name), ()
    found = identifier(path.stem)
    if found.lower() in RESERVED:
        found = f"{found}_net"
    if found == path.stem:
        return found, ()
    return legal_name(found), (f"functions, modules and files are named {found}, after {shown(path.name)}",)


def ends_in_indices(graph: Graph) -> bool:
    """Return whether the graph's first output is classes (`topk`), not logits."""
    node = graph.producers.get(graph.outputs[0])
    return node is not None and isinstance(node.op, TopK)


def class_count(graph: Graph) -> int:
    """Return how many classes the graph's first output tells apart."""
    result = graph.outputs[0]
    return graph.types[graph.producers[result].ins[0] if ends_in_indices(graph) else result].size


def legal_name(name: str) -> str:
    """Return the name if it can name functions, modules and files; LrtcError otherwise."""
    if not NAME.match(name) or name.lower() in RESERVED:
        why = "is a word of a target" if name.lower() in RESERVED else "is not a plain identifier"
        raise LrtcError(
            f"the model's name {name[:60]!r} {why}; letters, digits and _ are supported, a letter first, at most 48",
            hint="give another with --name",
        )
    return name


def targets() -> tuple[str, ...]:
    """Return the names of all targets: our own, then those of installed packages."""
    return (*TARGETS, *_others())


def _others() -> dict[str, EntryPoint]:
    """Return target → the entry point of the package that has it; none can take a name of ours."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in TARGETS}


def backend_for(target: str) -> Backend:
    """Return the backend of a target; LrtcError names the known ones. Of another package, only this one is imported."""
    if target not in TARGETS:
        others = _others()
        if target in others:
            return _loaded(others[target])
        known = (*TARGETS, *others)
        raise LrtcError(f"no target {shown(target)!r}{nearest(target, known)}; supported: {', '.join(known)}")
    if target == "c":
        from lrtc.backends.c import BACKEND
    elif target == "hls":
        from lrtc.backends.hls import BACKEND
    else:
        from lrtc.backends.verilog import BACKEND
    return BACKEND


def _loaded(point: EntryPoint) -> Backend:
    where = f"target {shown(point.name)} of {shown(point.value)}"
    try:
        backend = point.load()
    except (ImportError, AttributeError) as error:
        raise LrtcError(
            f"{where} cannot be loaded: {shown(str(error), 200)}", hint="install its package again"
        ) from error
    if not isinstance(backend, Backend) or backend.name != point.name or backend.pipeline not in PIPELINES:
        raise LrtcError(f"{where} is no lrtc.backends.base.Backend of that name, with a pipeline of lrtc.passes")
    return backend


def compile(
    model: str | Path | Graph | nn.Module | Model,
    target: str = "c",
    *,
    name: str | None = None,
    verify: bool | None = None,
    watch: Callable[[Pass, Graph], None] | None = None,
    vectors: interp.Feeds | None = None,
    **options: object,
) -> Result:
    """Compile a network; return its files, without writing any.

    verify: compare outputs on random images before and after every pass (default: VERIFY). vectors: uint8 images
    [N,…] in the IR's order, or input → images, for the self-test (random by default). options: the backend's.
    LrtcError lists all faults.
    """
    backend = backend_for(target)
    opened = model if isinstance(model, Model) else open_model(model, name)
    probe = random_feeds(opened.graph, PROBES) if (VERIFY if verify is None else verify) else None
    graph = run_pipeline(opened.graph, backend.pipeline_for(options), watch, probe)
    faults = [*_output_faults(graph), *backend.refuse(graph)]
    if faults:
        raise LrtcError(
            f"{count(len(faults), 'layer')} cannot be compiled to {target}",
            faults,
            "`lrtc show MODEL` prints what was understood",
        )
    feeds = interp.feeds_of(graph, random_feeds(graph, SELF_TEST_VECTORS) if vectors is None else vectors)
    tested = feed_rows(graph, feeds), in_rows(interp.answers(graph, feeds).values())
    output = backend.emit(graph, opened.name, {"vectors": tested, **options})
    return Result(opened.name, target, output.files, graph, output.plan, opened.notes, options, opened)


def _output_faults(graph: Graph) -> list[Fault]:
    """Return which of the graph's outputs are real numbers."""
    what = "is real; end the network with lrtc.nn.LRTScale or lrtc.nn.QuantLinear (integer logits)"
    named = zip(graph.results, graph.outputs, strict=True)
    return [
        Fault("network", f"the output {'' if graph.is_plain else f'{result} '}{what}")
        for result, value in named
        if graph.types[value].elem.is_float
    ]


def random_feeds(graph: Graph, n: int, seed: int = 0) -> dict[str, np.ndarray]:
    """Return input → uint8 [n, *shape] that its element holds, repeatable; first all 0, then all its greatest."""
    rng, feeds = np.random.default_rng(seed), {}
    for source in graph.inputs:
        high = min(255, source.type.elem.high)
        x = rng.integers(0, high + 1, (n, *source.type.shape)).astype(np.uint8)
        x[:1], x[1:2] = 0, high
        feeds[source.name] = x
    return feeds
