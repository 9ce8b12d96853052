"""When every beat of a network of streaming stages moves: the exact cycles between images, and the latency.

Each stage of the RTL library is a few rules between the cycles at which its beats move (`lrtc.plan.stages`); no rule
depends on data, so the earliest solution is what the hardware does. Cycles count from the first byte. The tests hold
this file equal to simulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from lrtc.plan import stages
from lrtc.plan.stages import Link, Process, Stage
from lrtc.plan.stream import Window

Beats = int | Sequence[int]  # of the only source or sink, or of each


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
    sources: list[int] = field(default_factory=lambda: [0])
    sinks: list[int] = field(default_factory=list)  # where answers leave; `at` if there is none

    def source(self) -> None:
        """Go on from another input's bytes."""
        self.at = self.links
        self.sources.append(self.at)
        self.links += 1

    def sink(self) -> None:
        """Let an output leave here."""
        self.sinks.append(self.at)

    def _add(self, stage: Stage, ins: tuple[int, ...] | None = None, outputs: int = 1) -> tuple[int, ...]:
        """Add a stage behind the links `ins` (by default `at`); return the links of its outputs, `at` is the first."""
        outs = tuple(range(self.links, self.links + outputs))
        self.stages.append((stage, ((self.at,) if ins is None else ins) + outs))
        self.links, self.at = self.links + outputs, outs[0]
        return outs

    def fork(self, readers: int, beats: int) -> tuple[int, ...]:
        """Add a fork; return the links of its readers."""
        return self._add(stages.fork(readers, beats), None, readers)

    def join(self, links: tuple[int, ...], beats: int) -> None:
        """Add a stage that takes a beat from each of these links at once."""
        self._add(stages.join(len(links), beats), links)

    def registers(self, count: int, beats: int) -> None:
        """Add `count` register stages that `beats` beats an image go through."""
        for _ in range(count):
            self._add(stages.register(beats))

    def skid(self, beats: int) -> None:
        self._add(stages.skid(beats))

    def fifo(self, depth: int, beats: int) -> None:
        self._add(stages.fifo(depth, beats))

    def rearrange(self, words: int, blocks: int) -> None:
        """Add a stage that gives `blocks` blocks an image, each of `words` beats, in another order."""
        self._add(stages.rearrange(words, blocks))

    def upsize(self, ratio: int, beats: int) -> None:
        """Add a stage that makes `beats` beats an image, each of `ratio`."""
        self._add(stages.upsize(ratio, beats))

    def downsize(self, ratio: int, beats: int) -> None:
        """Add a stage that takes `beats` beats an image and makes `ratio` of each."""
        self._add(stages.downsize(ratio, beats))

    def line_buffer(self, window: Window) -> None:
        if window.padding[0] >= window.span[0] or window.padding[2] >= window.span[1]:
            self.skid(window.image[0] * window.image[1])
        self._add(stages.line_buffer(window))

    def crop(self, margins: tuple[int, int, int, int], image: tuple[int, int]) -> None:
        """Add a stage that drops the margins (top, bottom, left, right) of an image (rows, columns)."""
        self._add(stages.crop(margins, image))

    def rank(self, count: int) -> None:
        """Add a stage that takes `count` beats an image and makes one."""
        self._add(stages.rank(count))

    def mvu(self, windows: int, folds: int, steps: int, kept: bool = False) -> None:
        """Add an mvu. kept: its windows come in `steps` beats to a memory."""
        self._add(stages.mvu(windows, folds, steps, kept))

    def folded_mvu(self, windows: int, folds: int, steps: int, registers: int) -> None:
        """Add an mvu, `registers` register stages, a skid buffer, and an upsize that makes a pixel of the folds."""
        if folds >= registers + 6:
            self._add(stages.folded_mvu(windows, folds, steps, registers))
            return
        self.mvu(windows, folds, steps)
        self.registers(registers, windows * folds)
        self.skid(windows * folds)
        self.upsize(folds, windows)

    def run(self, inputs: Beats, outputs: Beats, images: int) -> tuple[list[int], int]:
        """Return (the cycle of each image's last output beat, cycles from the first byte in to the first beat out).

        inputs, outputs: beats an image, of each source and sink. Neither side ever stalls. The first byte may come
        late: padding is scanned before it. Stuck if not all comes.
        """
        links = self.solve(inputs, outputs, images)
        moved = [links[k].moved for k in self.sinks or [self.at]]
        ends = (own[n - 1 :: n] for own, n in zip(moved, _each(outputs), strict=True))
        first = min(links[k].moved[0] for k in self.sources)
        return [max(cycles) for cycles in zip(*ends, strict=True)], min(own[0] for own in moved) - first

    def solve(self, inputs: Beats, outputs: Beats, images: int, pace: int = 0) -> list[Link]:
        """Return the links after `images` images; see `run`. pace: cycles from image to image at the sources."""
        offers = [[image * pace for image in range(images) for _ in range(n)] for n in _each(inputs)]
        return self._play(offers, [[0] * (n * images) for n in _each(outputs)], images)

    def play(self, offers: Sequence[int], accepts: Sequence[int], images: int) -> list[Link]:
        """Return the links after `images` images whose bytes and answers are offered and accepted at given cycles."""
        return self._play([offers], [accepts], images)

    def _play(self, offers: Sequence[Sequence[int]], accepts: Sequence[Sequence[int]], images: int) -> list[Link]:
        woken: list[Process] = []
        links = [Link(woken) for _ in range(self.links)]
        for source, cycles in zip(self.sources, offers, strict=True):
            for cycle in cycles:
                links[source].offer(cycle)
        for sink, cycles in zip(self.sinks or [self.at], accepts, strict=True):
            for cycle in cycles:
                links[sink].accept(cycle)
        woken += [stage(*(links[k] for k in near), images) for stage, near in self.stages]
        running = len(woken)
        while woken:
            process = woken.pop()
            link = next(process, None)
            if link is None:
                running -= 1
            else:
                link.waiting.append(process)
        if running:
            raise Stuck
        return links


def _each(beats: Beats) -> Sequence[int]:
    return (beats,) if isinstance(beats, int) else beats
