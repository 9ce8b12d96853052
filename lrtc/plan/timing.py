"""When every beat of a network of streaming stages moves: the exact cycles between images, and the latency.

Each stage of the RTL library is a few rules between the cycles at which its beats move; no rule depends on data, so the
earliest solution is what the hardware does. A rule says "not before": in(i) >= out(i-1) reads "beat i is not taken
before beat i-1 has left". Cycles count from the first byte. The tests hold this file equal to simulation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from lrtc.plan.stream import Window

Process = Iterator[None]


class Link:
    """Beats between two stages: when each is offered, when it could be taken, and so when it moves."""

    def __init__(self) -> None:
        self.valid: list[int] = []
        self.ready: list[int] = []
        self.moved: list[int] = []

    def offer(self, cycle: int) -> None:
        """The producer has the next beat from this cycle on."""
        self.valid.append(cycle)
        self._settle()

    def accept(self, cycle: int) -> None:
        """The consumer takes the next beat from this cycle on."""
        self.ready.append(cycle)
        self._settle()

    def _settle(self) -> None:
        k = len(self.moved)
        if k < len(self.valid) and k < len(self.ready):
            before = self.moved[-1] + 1 if k else 0
            self.moved.append(max(self.valid[k], self.ready[k], before))


Stage = Callable[..., Process]  # (inputs …, outputs …, images) → a process that waits by yielding


class Stuck(Exception):
    """The stages wait for each other: a queue beside a longer branch is too short."""


@dataclass
class Network:
    """Stages between numbered links, from bytes (link 0) to answers: each goes on from link `at` and leaves its output
    there; `at` may be set to go on elsewhere.
    """

    stages: list[tuple[Stage, tuple[int, ...]]] = field(default_factory=list)
    at: int = 0
    links: int = 1

    def _add(self, stage: Stage, ins: tuple[int, ...] | None = None, outputs: int = 1) -> tuple[int, ...]:
        """Add a stage behind the links `ins` (by default `at`); return the links of its outputs, `at` is the first."""
        outs = tuple(range(self.links, self.links + outputs))
        self.stages.append((stage, ((self.at,) if ins is None else ins) + outs))
        self.links, self.at = self.links + outputs, outs[0]
        return outs

    def fork(self, readers: int, beats: int) -> tuple[int, ...]:
        """Add a fork; return the links of its readers."""
        return self._add(_fork(readers, beats), None, readers)

    def join(self, links: tuple[int, ...], beats: int) -> None:
        """Add a stage that takes a beat from each of these links at once."""
        self._add(_join(len(links), beats), links)

    def registers(self, count: int, beats: int) -> None:
        """Add `count` register stages that `beats` beats an image go through."""
        for _ in range(count):
            self._add(_register(beats))

    def skid(self, beats: int) -> None:
        self._add(_skid(beats))

    def fifo(self, depth: int, beats: int) -> None:
        self._add(_fifo(depth, beats))

    def upsize(self, ratio: int, beats: int) -> None:
        """Add a stage that makes `beats` beats an image, each of `ratio`."""
        self._add(_upsize(ratio, beats))

    def downsize(self, ratio: int, beats: int) -> None:
        """Add a stage that takes `beats` beats an image and makes `ratio` of each."""
        self._add(_downsize(ratio, beats))

    def line_buffer(self, window: Window) -> None:
        if window.padding[0] >= window.span[0] or window.padding[2] >= window.span[1]:
            self.skid(window.image[0] * window.image[1])
        self._add(_line_buffer(window))

    def mvu(self, windows: int, folds: int, steps: int) -> None:
        self._add(_mvu(windows, folds, steps))

    def run(self, inputs: int, outputs: int, images: int) -> tuple[list[int], int]:
        """Return (the cycle of each image's last output beat, cycles from the first byte in to the first beat out).

        Neither side ever stalls. The first byte may come late: padding is scanned before it. Stuck if not all comes.
        """
        links = self.solve(inputs, outputs, images)
        moved = links[self.at].moved
        return moved[outputs - 1 :: outputs], moved[0] - links[0].moved[0]

    def solve(self, inputs: int, outputs: int, images: int) -> list[Link]:
        """Return the links after `images` images; see `run`."""
        links = [Link() for _ in range(self.links)]
        for _ in range(inputs * images):
            links[0].offer(0)
        for _ in range(outputs * images):
            links[self.at].accept(0)
        waiting = [stage(*(links[k] for k in near), images) for stage, near in self.stages]
        before = -1
        while waiting:
            waiting = [process for process in waiting if next(process, process) is not process]
            moves = sum(len(link.moved) for link in links)
            if moves == before and waiting:
                raise Stuck
            before = moves
        return links


def _register(beats: int) -> Stage:
    """in(i) >= out(i-1); out(i) >= in(i) + 1."""

    def process(a: Link, b: Link, images: int) -> Process:
        a.accept(0)
        for i in range(beats * images):
            while len(a.moved) <= i:
                yield
            b.offer(a.moved[i] + 1)
            while len(b.moved) <= i:
                yield
            a.accept(b.moved[i])

    return process


def _fork(readers: int, beats: int) -> Stage:
    """in(i) >= every out(i-1); each out(i) >= in(i) + 1."""

    def process(a: Link, *rest: Link | int) -> Process:
        outs, images = rest[:readers], rest[readers]
        a.accept(0)
        for i in range(beats * images):
            while len(a.moved) <= i:
                yield
            for b in outs:
                b.offer(a.moved[i] + 1)
            while any(len(b.moved) <= i for b in outs):
                yield
            a.accept(max(b.moved[i] for b in outs))

    return process


def _join(streams: int, beats: int) -> Stage:
    """All in(i) in one cycle, >= out(i-1); out(i) >= in(i) + 1."""

    def process(*near: Link | int) -> Process:
        ins, (b, images) = near[:streams], near[streams:]
        for i in range(beats * images):
            while any(len(a.valid) <= i for a in ins) or len(b.moved) < i:
                yield
            cycle = max(*(a.valid[i] for a in ins), b.moved[i - 1] if i else 0)
            for a in ins:
                a.accept(cycle)
            b.offer(cycle + 1)

    return process


def _skid(beats: int) -> Stage:
    """in(i) >= out(i-2) + 1; out(i) >= in(i) + 1."""

    def process(a: Link, b: Link, images: int) -> Process:
        a.accept(0)
        a.accept(0)
        for i in range(beats * images):
            while len(a.moved) <= i:
                yield
            b.offer(a.moved[i] + 1)
            while len(b.moved) <= i:
                yield
            a.accept(b.moved[i] + 1)

    return process


def _fifo(depth: int, beats: int) -> Stage:
    """A beat goes from the memory to the output register: pop(i) >= in(i) + 1, out(i-1); in(i) >= pop(i-depth) + 1."""

    def process(a: Link, b: Link, images: int) -> Process:
        for _ in range(depth):
            a.accept(0)
        for i in range(beats * images):
            while len(a.moved) <= i or len(b.moved) < i:
                yield
            pop = max(a.moved[i] + 1, b.moved[i - 1] if i else 0)
            b.offer(pop + 1)
            a.accept(pop + 1)

    return process


def _upsize(ratio: int, beats: int) -> Stage:
    """The first of a group: in >= out of the group before. The group: out >= its last in + 1."""

    def process(a: Link, b: Link, images: int) -> Process:
        for i in range(beats * images):
            while len(b.moved) < i:
                yield
            for _ in range(ratio):
                a.accept(b.moved[i - 1] if i else 0)
            while len(a.moved) < (i + 1) * ratio:
                yield
            b.offer(a.moved[(i + 1) * ratio - 1] + 1)

    return process


def _downsize(ratio: int, beats: int) -> Stage:
    """in(i) >= the last out of i-1; its beats: out >= in(i) + 1."""

    def process(a: Link, b: Link, images: int) -> Process:
        for i in range(beats * images):
            while len(b.moved) < i * ratio:
                yield
            a.accept(b.moved[i * ratio - 1] if i else 0)
            while len(a.moved) <= i:
                yield
            for _ in range(ratio):
                b.offer(a.moved[i] + 1)

    return process


def emitting(window: Window) -> list[tuple[bool, bool]]:
    """Return (takes a pixel, completes a window) for every position that a line buffer scans, in order."""
    rows, columns = window.scan
    (top, _, left, _), (height, width) = window.padding, window.image
    real_x = [left <= x < left + width for x in range(columns)]
    done_x = [x >= window.span[1] - 1 and (x - window.span[1] + 1) % window.stride[1] == 0 for x in range(columns)]
    found = []
    for y in range(rows):
        real = top <= y < top + height
        done = y >= window.span[0] - 1 and (y - window.span[0] + 1) % window.stride[0] == 0
        found += [(real and rx, done and dx) for rx, dx in zip(real_x, done_x, strict=True)]
    return found


def window_gaps(window: Window) -> list[int]:
    """Return how many positions are scanned from each window to the next, the next image's first included."""
    found = emitting(window)
    at = [k for k, (_, done) in enumerate(found) if done]
    return [after - before for before, after in zip(at, [*at[1:], at[0] + len(found)], strict=True)]


def _line_buffer(window: Window) -> Stage:
    """A position a cycle; none while a window waits: step >= out of the last window. out(w) >= its step + 1."""
    scan = emitting(window)
    waits = window.padding[0] >= window.span[0] or window.padding[2] >= window.span[1]

    def process(a: Link, b: Link, images: int) -> Process:
        step, pixels, windows = -1, 0, 0
        for _ in range(images):
            for first, (real, done) in zip([waits, *[False] * (len(scan) - 1)], scan, strict=True):
                step += 1
                if first:  # windows of padding only wait for the image's first pixel
                    while len(a.valid) <= pixels:
                        yield
                    step = max(step, a.valid[pixels])
                if real:
                    a.accept(step)
                    while len(a.moved) <= pixels:
                        yield
                    step = a.moved[pixels]
                    pixels += 1
                if done:
                    b.offer(step + 1)
                    while len(b.moved) <= windows:
                        yield
                    step = max(step, b.moved[windows] - 1)
                    windows += 1

    return process


def _mvu(windows: int, folds: int, steps: int) -> Stage:
    """Three stages that move together: issue, products, accumulators; they stand still while a result waits.

    For result n: `last`: its last step is issued; `sums`: its products reach the accumulator; `leaves` it for the
    output register, no earlier than result n-1 has left that.
    """

    def process(a: Link, b: Link, images: int) -> Process:
        last, sums, leaves, n = -1, -1, -1, 0
        for k in range(windows * images):
            a.accept(max(last, 0))
            while len(a.moved) <= k:
                yield
            for fold in range(folds):
                start = max(last + 1, a.moved[k] + 1 if fold == 0 else 0)
                if start > sums:  # else the first step goes along with the result before, and the others follow it
                    last = max(start, leaves) + steps - 1
                elif steps == 1:
                    last = max(start, sums)
                else:
                    last = max(start + 1, sums + 1, leaves) + steps - 2
                sums = max(last + 1, leaves)
                while len(b.moved) < n:
                    yield
                leaves = max(sums + 1, b.moved[n - 1] if n else 0)
                b.offer(leaves + 1)
                n += 1

    return process
