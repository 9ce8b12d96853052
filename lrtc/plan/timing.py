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

    def mvu(self, windows: int, folds: int, steps: int) -> None:
        self._add(stages.mvu(windows, folds, steps))

    def folded_mvu(self, windows: int, folds: int, steps: int, registers: int) -> None:
        """Add an mvu, `registers` register stages, and an upsize that makes a pixel of the folds."""
        if folds >= registers + 4:
            self._add(stages.folded_mvu(windows, folds, steps, registers))
            return
        self.mvu(windows, folds, steps)
        self.registers(registers, windows * folds)
        self.upsize(folds, windows)

    def run(self, inputs: int, outputs: int, images: int) -> tuple[list[int], int]:
        """Return (the cycle of each image's last output beat, cycles from the first byte in to the first beat out).

        Neither side ever stalls. The first byte may come late: padding is scanned before it. Stuck if not all comes.
        """
        links = self.solve(inputs, outputs, images)
        moved = links[self.at].moved
        return moved[outputs - 1 :: outputs], moved[0] - links[0].moved[0]

    def solve(self, inputs: int, outputs: int, images: int) -> list[Link]:
        """Return the links after `images` images; see `run`."""
        return self.play([0] * (inputs * images), [0] * (outputs * images), images)

    def play(self, offers: Sequence[int], accepts: Sequence[int], images: int) -> list[Link]:
        """Return the links after `images` images whose bytes and answers are offered and accepted at given cycles."""
        woken: list[Process] = []
        links = [Link(woken) for _ in range(self.links)]
        for cycle in offers:
            links[0].offer(cycle)
        for cycle in accepts:
            links[self.at].accept(cycle)
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
