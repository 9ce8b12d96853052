"""A compiled simulation without cocotb: thousands of images, hostile stalls, resets amid a frame, word counts.

The driver is C++ (`hw/sim/lrtc_drive.cpp`); it compares every beat with what is wanted and stops at the first that
differs. Streams inside the design are seen through a port that the simulated copy of its top has in addition.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lrtc.check.children import CAPTURED, run_child
from lrtc.check.simulate import SimResult, input_form, output_beats, packed, parts, scratch_folder
from lrtc.check.stalls import STALLS
from lrtc.check.verilator import FLAGS, TAIL, compiled, need_simulator, sources, write_files
from lrtc.errors import LrtcError, Mismatch
from lrtc.resources import share

PATIENCE = 1_000_000  # cycles without a beat until a design counts as stuck
TIMEOUT = 7200.0  # seconds
FAST = ("-DLRTC_FAST_POPCOUNT",)  # the same numbers, sooner
INSTANCE = re.compile(r"^    (\w+)(?: #\([^;]*?\))? (u_\w+) \($", re.MULTILINE)
STREAM_WIRES = re.compile(r"^    wire (\w+_valid, \w+_ready(?:, \w+_valid, \w+_ready)*);$", re.MULTILINE)
PORT_END = re.compile(r"\n\);\n")


@dataclass(frozen=True)
class Driven(SimResult):
    """Besides: frames and resets of the run. words: stream inside the design → beats an image."""

    frames: int = 0
    resets: int = 0
    words: Mapping[str, int] = field(default_factory=dict)


def drive(
    files: Mapping[str, str],
    name: str,
    x: np.ndarray | Mapping[str, np.ndarray],
    want: np.ndarray | Mapping[str, np.ndarray],
    *,
    stalls: str = "idle",
    seed: int = 0,
    least_cycles: int = 0,
    reset_every: int = 0,
    patience: int = PATIENCE,
    work_dir: Path | None = None,
) -> Driven:
    """Run an emitted design on images uint8 [N, …], or input → images, against the answers int32 [N, beats] wanted.

    stalls: see `lrtc.check.stalls`, or "hostile": habits that change, long pauses among them. least_cycles: go on with
    the same images until then. reset_every: cycles, on average, between resets at any time. Mismatch names
    the cycle and what differs, a broken rule of a stream, or a stream with other words for one image than another.
    """
    source, sink = (-1.0, -1.0) if stalls == "hostile" else STALLS[stalls]
    verilator = need_simulator(cocotb=False)
    inputs, wants, form = parts(x), parts(want), input_form(files, name)
    counts = parts(output_beats(files, name))
    text = {path: files[path] for path in sources(files)}
    streams = inner_streams(text, name)
    octets = {port: packed(v[:1], *form.get(port, (1, 8))).shape[1:] for port, v in inputs.items()}
    text[f"{name}.sv"] = _probed(text[f"{name}.sv"], streams)
    driver = (share("hw") / "sim" / "lrtc_drive.cpp").read_text(encoding="utf-8")
    text |= {"lrtc_drive.cpp": driver, "ports.h": _ports_header(octets, counts, len(streams))}
    flags = [*FLAGS, *FAST, "-CFLAGS", "-Isrc", "src/lrtc_drive.cpp"]
    folder = scratch_folder(work_dir)
    executable = compiled(verilator, text, name, flags, "-O2", folder)
    with tempfile.TemporaryDirectory(prefix="run-", dir=folder) as run_dir:
        here = Path(run_dir)
        write_files({path: t for path, t in files.items() if path.endswith(".mem")}, here)
        for k, (port, value) in enumerate(inputs.items()):
            packed(value, *form.get(port, (1, 8))).tofile(here / f"in{k}.bin")
        for k, value in enumerate(wants.values()):
            np.ascontiguousarray(value, np.int32).tofile(here / f"want{k}.bin")
        count = len(next(iter(inputs.values())))
        numbers = [count, source, sink, seed, least_cycles, reset_every, patience]
        said = _run([str(executable), *map(str, numbers)], here, verilator.env, name)
        ends = np.fromfile(here / "ends.bin", np.uint64).astype(np.int64) if (here / "ends.bin").is_file() else None
    if ends is None or "fault" in said:
        told = re.search(r"^fault (.*)$", said, re.MULTILINE)
        what = told[1] if told else said[-TAIL:]
        raise Mismatch(f"the simulated design {name} breaks its contract: {stalls}, seed {seed}: {what}")
    return _result(said, ends, streams, len(wants), np.concatenate([*wants.values()], axis=1), stalls)


def _result(said: str, ends: np.ndarray, streams: list[str], ports: int, outputs: np.ndarray, stalls: str) -> Driven:
    told = {key: int(value) for key, value in re.findall(r"^(\w+) (-?\d+)$", said, re.MULTILINE)}
    counts = {int(k): int(n) for k, n in re.findall(r"^words (\d+) (\d+)$", said, re.MULTILINE)}
    frames, words = told["segment"], {}
    for k, stream in enumerate(streams):
        words[stream], rest = divmod(counts[k], frames)
        if rest or not counts[k]:
            raise Mismatch(f"the stream {stream} carried {counts[k]} words in {frames} images")
    last = ends.reshape(ports, -1).max(axis=0) if not told["resets"] else ends[:0]
    return Driven(outputs, tuple(last.tolist()), told["latency"], told["cycles"], stalls, None, told["frames"],
                  told["resets"], words)  # fmt: skip


def _run(command: list[str], cwd: Path, env: Mapping[str, str], name: str) -> str:
    """Return what the simulation printed."""
    try:
        done = run_child(command, seconds=TIMEOUT, cwd=cwd, env=dict(env), **CAPTURED)
    except subprocess.TimeoutExpired:
        raise LrtcError(f"the simulation of {name} did not end within {TIMEOUT:g} s") from None
    return done.stdout + done.stderr


def inner_streams(text: Mapping[str, str], top: str) -> list[str]:
    """Return the hierarchical names of the streams inside a top, without the `_valid` of their signals."""
    found, bodies = [], {path.removesuffix(".sv"): t for path, t in text.items() if not path.startswith("rtl/")}
    instances = [("", top), *((f"{at}.", module) for module, at in INSTANCE.findall(bodies[top]) if module in bodies)]
    for prefix, module in instances:
        for group in STREAM_WIRES.findall(bodies[module]):
            found += [f"{prefix}{signal.removesuffix('_valid')}" for signal in group.split(", ") if "_valid" in signal]
    return found


def _probed(top: str, streams: list[str]) -> str:
    """Return the text of a top with a port more: one bit for each stream, 1 where it moves a beat."""
    if not streams:
        return top
    moves = ", ".join(f"{s}_valid && {s}_ready" for s in reversed(streams))
    bits = max(65, len(streams))  # so wide that C++ has words
    port = f",\n    output wire [{bits - 1}:0] probe_o\n);\n"
    body, end = PORT_END.sub(lambda _: port, top, count=1).rsplit("endmodule", 1)
    return f"{body}    assign probe_o = {bits}'({{{moves}}});\nendmodule{end}"


def _ports_header(octets: Mapping[str, tuple[int, int]], beats: Mapping[str, int], streams: int) -> str:
    """Return ports.h of the driver. octets: input → (beats an image, octets of each)."""
    lines = ["static void bind_ports(Vtop &t, std::vector<In> &ins, std::vector<Out> &outs) {"]
    for name, (count, size) in octets.items():
        p = f"s_axis_{name}" if name else "s_axis"
        pins = f"&t.{p}_tvalid, &t.{p}_tready, &t.{p}_tdata"
        lines.append(f'    ins.push_back({{"{p}", {pins}, {size}, {count}, {{}}, 0, false}});')
    for name, count in beats.items():
        p = f"m_axis_{name}" if name else "m_axis"
        pins = f"&t.{p}_tvalid, &t.{p}_tready, &t.{p}_tdata, &t.{p}_tlast"
        lines.append(f'    outs.push_back({{"{p}", {pins}, {count}, {{}}, 0, {{}}, false, 0, 0}});')
    words = "&t.probe_o[0]" if streams else "nullptr"
    tail = f"static const uint32_t *probe_words(Vtop &t) {{ (void)t; return {words}; }}"
    return "\n".join([*lines, "}", f"static const size_t kProbes = {streams};", tail, ""])
