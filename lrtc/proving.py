"""All proofs about a network and a target, and the certificate that carries them."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from lrtc import __version__
from lrtc.asked import options_of, plain_options
from lrtc.driver import Model, Result, compile
from lrtc.errors import Fault, LrtcError, count, shown
from lrtc.ir import Graph, to_text
from lrtc.ir.ops import Const
from lrtc.proof import prove_equal, prove_memory, prove_ranges
from lrtc.proof.memory import Access, Region

CERTIFICATE = "certificate.json"
FORMAT = 1
NUMBERS = re.compile(r"^[-+\dxa-fA-FuUL\", {};]*\n", re.MULTILINE)  # lines of nothing else
METHOD = {
    "function": "every channel-wise function is evaluated by the reference interpreter on every integer that its "
    "argument reaches, real numbers as float32; all else is compared by structure (lrtc.proof.cells)",
    "ranges": "least and greatest value of every sum, from the weights (lrtc.proof.cells)",
    "memory": "the steps are run on the owner of every byte of the arena (lrtc.proof.memory)",
    "streams": "the schedule of the first images is computed beat by beat; no beat depends on data, so that a schedule "
    "that ends proves that the stages never wait for each other (lrtc.plan.timing)",
}


@dataclass(frozen=True)
class Proof:
    """One statement. holds: None where it could not be decided; text: what was shown, or what stands in the way."""

    what: str
    target: str
    holds: bool | None
    text: str


def prove(model: Model, result: Result, step: Callable[[str], None] = lambda text: None) -> Iterator[Proof]:
    """Yield what can be proven of a compiled network. step: told what is being worked on."""
    step(f"{result.target}: the function")
    same = prove_equal(model.graph, result.graph)
    text = (
        f"the compiled graph gives the same {count(same.outputs, 'output')} as the one that was read, for every input: "
        f"{count(same.functions, 'function')} on {same.points:,} integers"
    )
    yield Proof("function", result.target, same.equal, text if same.equal else same.why)
    step(f"{result.target}: ranges")
    ranges = prove_ranges(result.graph)
    text = (
        f"{count(ranges.values, 'integer value')} within their types; all between {ranges.least:,} and {ranges.most:,}"
    )
    yield Proof("ranges", result.target, ranges.held, text if ranges.held else ranges.why)
    if result.target == "c":
        step("c: memory")
        yield _memory(result)
    elif result.target == "verilog":
        step("verilog: streams")
        yield _streams(result)


def _memory(result: Result) -> Proof:
    from lrtc.backends.c.storage import size_bytes

    plan, graph = result.plan, result.graph
    slots = {slot.buffer.name: slot.offset for slot in plan.arena.slots}
    made = {step.y for step in plan.steps}

    def root(value: str) -> str:
        while value not in made and value in graph.producers and graph.producers[value].ins:
            value = graph.producers[value].ins[0]
        return value

    def region(value: str) -> Region | None:
        buffer = plan.buffers.get(value, value)
        return Region(value, slots[buffer], size_bytes(graph.types[value])) if buffer in slots else None

    steps = []
    for i, s in enumerate(plan.steps):
        reads = tuple(r for x in s.xs if (r := region(root(x))) is not None)
        scratch = Region("", slots[plan.scratch(i)], s.scratch) if s.scratch else None
        over = frozenset(root(x) for x in s.elementwise)
        steps.append(Access(s.y, reads, region(s.y) if s.output is None else None, scratch, over))
    shown_ = prove_memory(steps, plan.arena.size, plan.arena.align)
    least = "which is the least possible" if plan.arena.is_least else f"at least {plan.arena.peak:,} are needed"
    text = (
        f"{count(shown_.reads, 'read')} of {count(shown_.steps, 'step')} find the value that they want, in "
        f"{plan.arena.size:,} bytes; {least} in this order"
    )
    return Proof("memory", "c", shown_.held, text if shown_.held else shown_.why)


def _streams(result: Result) -> Proof:
    from lrtc.plan.queues import IMAGES, timed
    from lrtc.plan.stream import stream_layers
    from lrtc.plan.timing import Stuck

    plan = result.plan
    layers = stream_layers(result.graph, result.options.get("input_lanes") or 1, bool(result.options.get("reloadable")))
    queues = [fold.queues for fold in plan.layers]
    try:
        again = timed(layers, plan, queues, result.options.get("output") == "class")
    except Stuck:
        return Proof("streams", "verilog", False, "the stages wait for each other: a queue is too short")
    same = (again.interval, again.latency) == (plan.interval, plan.latency)
    number = sum(depth > 0 for own in queues for depth in own)
    text = (
        f"{IMAGES} images end with {count(number, 'queue')} of the planned depths, an image every {plan.interval:,} "
        f"cycles, latency {plan.latency:,}: no deadlock whatever stalls outside; a full queue takes nothing"
    )
    return Proof("streams", "verilog", same, text if same else "the schedule is not the planned one")


def digest_of(graph: Graph) -> str:
    """Return the SHA-256 of a graph's text and constants."""
    h = hashlib.sha256(to_text(graph).encode())
    for node in graph.nodes:
        if isinstance(node.op, Const):
            h.update(np.ascontiguousarray(node.op.value).tobytes())
    return h.hexdigest()


def certificate(source: Path, model: Model, result: Result, proofs: list[Proof]) -> str:
    """Return the text of a certificate: versions, hashes of model, graphs and outputs, what was proven and how."""
    return _text(
        {
            "format": FORMAT,
            "lrtc": __version__,
            "model": {"name": model.name, "sha256": hashlib.sha256(source.read_bytes()).hexdigest()},
            "target": result.target,
            "options": plain_options(result.options),
            "graph": {"read": digest_of(model.graph), "compiled": digest_of(result.graph)},
            "outputs": {path: _sha(text) for path, text in sorted(result.files.items())},
            "proofs": [{**asdict(p), "method": METHOD[p.what]} for p in proofs],
        }
    )


def _text(value: object) -> str:
    return json.dumps(value, indent=2, sort_keys=True, default=list) + "\n"


def _sha(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def recheck(path: Path, source: Path, model: Model, step: Callable[[str], None] = lambda text: None) -> list[Proof]:
    """Return the proofs of a certificate, found again; LrtcError names everything in which it does not hold.

    The model is the certified one, compiling it again gives the certified graph and files, the files beside the
    certificate are these, and every proof can be made again.
    """
    where, said = shown(str(path), 200), read_certificate(path)
    faults = []
    if said["lrtc"] != __version__:
        raise LrtcError(f"{where} is of lrtc {said['lrtc']}; this is {__version__}", hint="check it with that version")
    if said["model"]["sha256"] != hashlib.sha256(source.read_bytes()).hexdigest():
        raise LrtcError(f"{where} is of another model than {shown(str(source), 200)}")
    for name, wanted in said["outputs"].items():
        try:
            file = (path.parent / name).resolve()
            data = file.read_bytes() if file.is_relative_to(path.parent.resolve()) else None
        except (OSError, ValueError):  # ValueError: a name that no file can have
            faults.append(Fault(shown(name), "is missing"))
            continue
        if data is None:
            raise LrtcError(f"{where} names the file {shown(name)!r} outside of its folder")
        if _sha(data) != wanted:
            faults.append(Fault(shown(name), "is not the certified file"))
    step("compiling again")
    try:
        result = compile(model, said["target"], **options_of(said["options"]))
    except (AttributeError, KeyError, TypeError, ValueError) as error:  # whatever a stranger wrote there
        raise LrtcError(f"{where} has options that are none: {shown(str(error), 80)}") from None
    if digest_of(result.graph) != said["graph"]["compiled"] or digest_of(model.graph) != said["graph"]["read"]:
        faults.append(Fault("graph", "compiling again gives another one"))
    for name, text in result.files.items():
        if said["outputs"].get(name) != _sha(text) and not same_but_vectors(path.parent / name, text):
            faults.append(Fault(shown(name), "compiling again gives another file"))
    faults += [
        Fault(shown(name), "compiling again gives no such file") for name in {*said["outputs"]} - {*result.files}
    ]
    found = list(prove(model, result, step))
    claimed = {(p["what"], p["target"]): p["holds"] for p in said["proofs"]}
    for proof in found:
        if claimed.pop((proof.what, proof.target), None) is not proof.holds:
            faults.append(Fault(f"proof {proof.what}", proof.text))
    faults += [Fault(f"proof {shown(str(what))}", "is not one that can be made") for what, _ in claimed]
    if faults:
        raise LrtcError(f"{where} does not hold: {count(len(faults), 'fault')}", faults)
    return found


def same_but_vectors(path: Path, text: str) -> bool:
    """Return whether a file is this self-test but for its vectors, which may be of --data: numbers, and how many."""
    if not path.name.endswith(("_test.c", "_vectors.hpp", "_tb.cpp")):
        return False
    try:
        there = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return False
    first, second = (re.sub(r"\d+", "0", NUMBERS.sub("", body)) for body in (there, text))
    return first == second


def read_certificate(path: Path) -> Mapping:
    """Return a certificate as plain data; LrtcError if the file is none of our format."""
    where = shown(str(path), 200)
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
        sound = (
            said["format"] == FORMAT
            and all(isinstance(said[k], str) for k in ("lrtc", "target"))
            and isinstance(said["model"]["sha256"], str)
            and all(isinstance(said["graph"][k], str) for k in ("read", "compiled"))
            and all(isinstance(v, str) for v in said["outputs"].values())
            and isinstance(said["options"], dict)
            and not {"model", "target", "name", "watch", "vectors"} & set(said["options"])
            and all(isinstance(p[k], str) for p in said["proofs"] for k in ("what", "target"))
            and all("holds" in p for p in said["proofs"])
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise LrtcError(f"{where} is no certificate: {shown(str(error), 80)}") from None
    if not sound:
        raise LrtcError(f"{where} is no certificate of format {FORMAT}")
    return said
