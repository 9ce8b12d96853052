"""One frame through the accelerator as a picture: which stream moves, waits or rests in which cycle, by the trace."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from lrtc.errors import LrtcError
from lrtc.report.pictures import drawing, shortened

LEFT, WIDE, HIGH, GAP = 170, 900, 26, 8  # px: of names, of the time axis, of a row, between rows
FINEST = 2  # px of a column at least


@dataclass(frozen=True)
class Stream:
    """A stream between two stages of the top. states: one a cycle, "-" nothing to send, "w" waiting, "b" beat."""

    name: str
    states: str

    @property
    def beats(self) -> int:
        """Return how many beats moved."""
        return self.states.count("b")

    @property
    def text(self) -> str:
        """Return what is said of it."""
        if not self.beats:
            return f"{self.name}: no beat"
        first, last = self.states.index("b"), self.states.rindex("b")
        waits = self.states.count("w")
        return f"{self.name}: {self.beats:,} beats in cycles {first:,} to {last:,}, {waits:,} cycles of waiting"


def read_frame(lines: Iterable[str], top: str, beats: Mapping[str, int] | int) -> list[Stream]:
    """Return the streams of a module's own scope of a VCD, from the first byte it takes to the frame's last answer.

    beats: of a frame, of each output (`simulate.output_beats`). States are those just before each rising edge of the
    clock. LrtcError if the trace has no such module, or ends before the frame does.
    """
    lines = iter(lines)
    ids, clock = _streams(lines, top)
    ends = {f"m_axis_{name}" if name else "m_axis": n for name, n in
            (beats if isinstance(beats, Mapping) else {"": beats}).items()}  # fmt: skip
    rows: dict[str, list[str]] = {name: [] for name in ids}
    inputs = [name for name in ids if name.startswith("s_axis")]
    for values in _cycles(lines, clock, {i for pair in ids.values() for i in pair}):
        now = {n: "-wb"[values.get(v) == "1" and 1 + (values.get(r) == "1")] for n, (v, r) in ids.items()}
        if not rows[inputs[0]] and "b" not in (now[name] for name in inputs):
            continue  # before the first byte
        for name, state in now.items():
            rows[name].append(state)
        if all(rows[name].count("b") >= n for name, n in ends.items()):
            return [Stream(name, "".join(states)) for name, states in rows.items()]
    raise LrtcError(f"the trace of {top} ends before its first frame does")


def _streams(lines: Iterator[str], top: str) -> tuple[dict[str, tuple[str, str]], str]:
    """Return stream → identifiers of (valid, ready), in the order of the file's declarations, and the clock's."""
    scopes: list[str] = []
    wires: dict[str, str] = {}
    for line in lines:
        words = line.split()
        if words[:1] == ["$scope"]:
            scopes.append(words[2])
        elif words[:1] == ["$upscope"]:
            scopes.pop()
        elif words[:1] == ["$var"] and scopes and scopes[-1] == top and words[2] == "1":
            wires.setdefault(words[4], words[3])
        elif words[:1] == ["$enddefinitions"]:
            break
    found = {}
    for wire in wires:
        for valid, ready in (("_tvalid", "_tready"), ("_valid", "_ready")):
            base = wire.removesuffix(valid)
            if base != wire and f"{base}{ready}" in wires:
                found[base] = wires[wire], wires[f"{base}{ready}"]
    inputs = [name for name in found if name.startswith("s_axis")]
    if "clk_i" not in wires or not inputs:
        raise LrtcError(f"the trace has no module {top} with streams")
    outputs = [name for name in found if name.startswith("m_axis")]
    inner = [name for name in found if name not in inputs and name not in outputs]
    return {name: found[name] for name in (*inputs, *inner, *outputs)}, wires["clk_i"]


def _cycles(lines: Iterator[str], clock: str, wanted: set[str]) -> Iterator[Mapping[str, str]]:
    """Yield the values of wires just before each rising edge."""
    values: dict[str, str] = {}
    changes: dict[str, str] = {}
    for line in lines:
        if line[:1] == "#":
            if changes.get(clock) == "1" and values.get(clock) == "0":
                yield values
            values |= changes
            changes = {}
        elif line[:1] in "01xz" and (name := line[1:].strip()) in wanted | {clock}:
            changes[name] = line[0]


def in_order(streams: Sequence[Stream]) -> list[Stream]:
    """Return the streams by when their first beat moves, those without one last; inputs stay before, outputs behind."""
    kind = {"s": 0, "m": 2}

    def key(stream: Stream) -> tuple[int, int]:
        first = stream.states.find("b")
        place = kind[stream.name[0]] if stream.name[1:].startswith("_axis") else 1
        return place, first if first >= 0 else len(stream.states)

    return sorted(streams, key=key)


def frame_svg(streams: Sequence[Stream], title: str) -> str:
    """Return the streams over time: a column's filled part is the share of its cycles with a beat, yellow: waiting."""
    cycles = len(streams[0].states)
    each = max(1, -(-cycles * FINEST // WIDE))  # cycles in a column
    columns = -(-cycles // each)
    wide = WIDE / columns
    parts = [_row(stream, k * (HIGH + GAP), each, wide) for k, stream in enumerate(streams)]
    bottom = len(streams) * (HIGH + GAP)
    step = next(s for p in range(12) for m in (1, 2, 5) if cycles / (s := m * 10**p) <= 10)
    for cycle in range(0, cycles, step):
        x = LEFT + wide * cycle / each
        parts.append(f'<path class="axis" d="M{x:.1f} 0V{bottom}"/>')
        parts.append(f'<text class="dim" x="{x:.1f}" y="{bottom + 12}" text-anchor="middle">{cycle:,}</text>')
    return drawing(LEFT + WIDE, bottom + 18, "".join(parts), title)


def _row(stream: Stream, top: float, each: int, wide: float) -> str:
    label = (
        f'<text x="{LEFT - 10}" y="{top + HIGH / 2 + 4}" text-anchor="end">{escape(shortened(stream.name)[:22])}</text>'
    )
    base = f'<path d="M{LEFT} {top + HIGH}h{WIDE}"/>'
    chunks = [stream.states[i : i + each] for i in range(0, len(stream.states), each)]
    bars = []
    start = 0
    for k in range(1, len(chunks) + 1):
        same = k < len(chunks) and (_shares(chunks[k]) == _shares(chunks[start]))
        if same:
            continue
        beat, wait = _shares(chunks[start])
        x, span = LEFT + wide * start, wide * (k - start)
        at = top + HIGH
        for kind, share in (("beat", beat), ("wait", wait)):
            if share:
                at -= HIGH * share
                bars.append(
                    f'<rect class="{kind}" x="{x:.2f}" y="{at:.2f}" width="{span:.2f}" height="{HIGH * share:.2f}"/>'
                )
        start = k
    return f"<g><title>{escape(stream.text)}</title>{label}{''.join(bars)}{base}</g>"


def _shares(chunk: str) -> tuple[float, float]:
    return chunk.count("b") / len(chunk), chunk.count("w") / len(chunk)
