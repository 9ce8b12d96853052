"""When beats move in each stage of the RTL library: its process, a few rules between the cycles of its beats.

A rule says "not before": in(i) >= out(i-1) reads "beat i is not taken before beat i-1 has left". No rule depends on
data. The processes of a network run in `lrtc.plan.timing`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache

from lrtc.plan.stream import Window


class Link:
    """Beats between two stages: when each is offered, when it could be taken, and so when it moves.

    A process that waits for something to happen here is put into `woken` when it does.
    """

    def __init__(self, woken: list[Process]) -> None:
        self.valid: list[int] = []
        self.ready: list[int] = []
        self.moved: list[int] = []
        self.waiting: list[Process] = []
        self.woken = woken

    def offer(self, cycle: int) -> None:
        """The producer has the next beat from this cycle on."""
        self.valid.append(cycle)
        moved = self.moved
        k = len(moved)
        if k < len(self.ready):
            ready = self.ready[k]
            cycle = ready if ready > cycle else cycle
            moved.append(moved[-1] + 1 if moved and moved[-1] >= cycle else cycle)
        if self.waiting:
            self._wake()

    def accept(self, cycle: int) -> None:
        """The consumer takes the next beat from this cycle on."""
        self.ready.append(cycle)
        moved = self.moved
        k = len(moved)
        if k < len(self.valid):
            valid = self.valid[k]
            cycle = valid if valid > cycle else cycle
            moved.append(moved[-1] + 1 if moved and moved[-1] >= cycle else cycle)
        if self.waiting:
            self._wake()

    def _wake(self) -> None:
        self.woken += self.waiting
        self.waiting.clear()


Process = Iterator[Link]  # gives the link at which it waits


Stage = Callable[..., Process]  # (inputs …, outputs …, images) → a process


def register(beats: int) -> Stage:
    """in(i) >= out(i-1); out(i) >= in(i) + 1."""

    def process(a: Link, b: Link, images: int) -> Process:
        a.accept(0)
        for i in range(beats * images):
            while len(a.moved) <= i:
                yield a
            b.offer(a.moved[i] + 1)
            while len(b.moved) <= i:
                yield b
            a.accept(b.moved[i])

    return process


def fork(readers: int, beats: int) -> Stage:
    """in(i) >= every out(i-1); each out(i) >= in(i) + 1."""

    def process(a: Link, *rest: Link | int) -> Process:
        outs, images = rest[:readers], rest[readers]
        a.accept(0)
        for i in range(beats * images):
            while len(a.moved) <= i:
                yield a
            for b in outs:
                b.offer(a.moved[i] + 1)
            for b in outs:
                while len(b.moved) <= i:
                    yield b
            a.accept(max(b.moved[i] for b in outs))

    return process


def join(streams: int, beats: int) -> Stage:
    """All in(i) in one cycle, >= out(i-1); out(i) >= in(i) + 1."""

    def process(*near: Link | int) -> Process:
        ins, (b, images) = near[:streams], near[streams:]
        for i in range(beats * images):
            for a in ins:
                while len(a.valid) <= i:
                    yield a
            while len(b.moved) < i:
                yield b
            cycle = max(*(a.valid[i] for a in ins), b.moved[i - 1] if i else 0)
            for a in ins:
                a.accept(cycle)
            b.offer(cycle + 1)

    return process


def skid(beats: int) -> Stage:
    """in(i) >= out(i-2) + 1; out(i) >= in(i) + 1."""

    def process(a: Link, b: Link, images: int) -> Process:
        a.accept(0)
        a.accept(0)
        for i in range(beats * images):
            while len(a.moved) <= i:
                yield a
            b.offer(a.moved[i] + 1)
            while len(b.moved) <= i:
                yield b
            a.accept(b.moved[i] + 1)

    return process


def fifo(depth: int, beats: int) -> Stage:
    """A beat goes from the memory to the output register: pop(i) >= in(i) + 1, out(i-1); in(i) >= pop(i-depth) + 1."""

    def process(a: Link, b: Link, images: int) -> Process:
        for _ in range(depth):
            a.accept(0)
        for i in range(beats * images):
            while len(a.moved) <= i:
                yield a
            while len(b.moved) < i:
                yield b
            pop = max(a.moved[i] + 1, b.moved[i - 1] if i else 0)
            b.offer(pop + 1)
            a.accept(pop + 1)

    return process


def rearrange(words: int, blocks: int) -> Stage:
    """pop(i) >= the last in of its block + 1, out(i-1); out(i) >= pop(i) + 1.

    Two blocks have room: in >= the last pop of the block before the one before + 1.
    """

    def process(a: Link, b: Link, images: int) -> Process:
        for _ in range(2 * words):
            a.accept(0)
        pop = 0
        for block in range(1, blocks * images + 1):
            while len(a.moved) < block * words:
                yield a
            for i in range((block - 1) * words, block * words):
                while len(b.moved) < i:
                    yield b
                pop = max(a.moved[block * words - 1] + 1, b.moved[i - 1] if i else 0)
                b.offer(pop + 1)
            for _ in range(words):
                a.accept(pop + 1)

    return process


def upsize(ratio: int, beats: int) -> Stage:
    """The first of a group: in >= out of the group before. The group: out >= its last in + 1."""

    def process(a: Link, b: Link, images: int) -> Process:
        for i in range(beats * images):
            while len(b.moved) < i:
                yield b
            for _ in range(ratio):
                a.accept(b.moved[i - 1] if i else 0)
            while len(a.moved) < (i + 1) * ratio:
                yield a
            b.offer(a.moved[(i + 1) * ratio - 1] + 1)

    return process


def rank(count: int) -> Stage:
    """The last of `count`: in >= out of the image before; out >= its in + 1. The others never wait."""

    def process(a: Link, b: Link, images: int) -> Process:
        for i in range(images):
            for _ in range(count - 1):
                a.accept(0)
            while len(b.moved) < i:
                yield b
            a.accept(b.moved[i - 1] if i else 0)
            while len(a.moved) < (i + 1) * count:
                yield a
            b.offer(a.moved[(i + 1) * count - 1] + 1)

    return process


def crop(margins: tuple[int, int, int, int], image: tuple[int, int]) -> Stage:
    """A pixel that is kept: in >= out of the kept one before; out >= in + 1. The others never wait."""
    (top, bottom, left, right), (rows, columns) = margins, image
    keeps = [top <= y < rows - bottom and left <= x < columns - right for y in range(rows) for x in range(columns)]

    def process(a: Link, b: Link, images: int) -> Process:
        kept = 0
        for i, keep in enumerate(keeps * images):
            if not keep:
                a.accept(0)
                continue
            while len(b.moved) < kept:
                yield b
            a.accept(b.moved[kept - 1] if kept else 0)
            while len(a.moved) <= i:
                yield a
            b.offer(a.moved[i] + 1)
            kept += 1

    return process


def downsize(ratio: int, beats: int) -> Stage:
    """in(i) >= the last out of i-1; its beats: out >= in(i) + 1."""

    def process(a: Link, b: Link, images: int) -> Process:
        for i in range(beats * images):
            while len(b.moved) < i * ratio:
                yield b
            a.accept(b.moved[i * ratio - 1] if i else 0)
            while len(a.moved) <= i:
                yield a
            for _ in range(ratio):
                b.offer(a.moved[i] + 1)

    return process


@cache
def emitting(window: Window) -> tuple[tuple[bool, bool], ...]:
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
    return tuple(found)


@cache
def window_gaps(window: Window) -> tuple[int, ...]:
    """Return how many positions are scanned from each window to the next, the next image's first included."""
    found = emitting(window)
    at = [k for k, (_, done) in enumerate(found) if done]
    return tuple(after - before for before, after in zip(at, [*at[1:], at[0] + len(found)], strict=True))


@cache
def gap_counts(window: Window) -> tuple[tuple[int, int], ...]:
    """Return (gap, how often it occurs) of `window_gaps`."""
    return tuple(Counter(window_gaps(window)).items())


def line_buffer(window: Window) -> Stage:
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
                        yield a
                    step = max(step, a.valid[pixels])
                if real:
                    a.accept(step)
                    while len(a.moved) <= pixels:
                        yield a
                    step = a.moved[pixels]
                    pixels += 1
                if done:
                    b.offer(step + 1)
                    while len(b.moved) <= windows:
                        yield b
                    step = max(step, b.moved[windows] - 1)
                    windows += 1

    return process


def mvu(windows: int, folds: int, steps: int, kept: bool = False) -> Stage:
    """Three stages that move together: issue, products, accumulators; they stand still while a result waits.

    For result n: `last`: its last step is issued; `sums`: its products reach the accumulator; `leaves` it for the
    output register, no earlier than result n-1 has left that. kept: a window comes in `steps` beats to a memory of two;
    it is read from the cycle after its last beat on, and in >= the last step of the one before the one before + 1.
    """
    beats, room = (steps, 2) if kept else (1, 1)

    def process(a: Link, b: Link, images: int) -> Process:
        last, sums, leaves, n = -1, -1, -1, 0
        for _ in range(room * beats):
            a.accept(0)
        for k in range(beats, (windows * images + 1) * beats, beats):
            while len(a.moved) < k:
                yield a
            for fold in range(folds):
                start = max(last + 1, a.moved[k - 1] + 1 if fold == 0 else 0)
                if start > sums:  # else the first step goes along with the result before, and the others follow it
                    last = max(start, leaves) + steps - 1
                elif steps == 1:
                    last = max(start, sums)
                else:
                    last = max(start + 1, sums + 1, leaves) + steps - 2
                sums = max(last + 1, leaves)
                for _ in range(beats if fold == folds - 1 else 0):
                    a.accept(last + room - 1)
                while len(b.moved) < n:
                    yield b
                leaves = max(sums + 1, b.moved[n - 1] if n else 0)
                b.offer(leaves + 1)
                n += 1

    return process


def folded_mvu(windows: int, folds: int, steps: int, registers: int) -> Stage:
    """`mvu`, `registers` times `register`, `skid` and `upsize`(folds) in one: the same cycles without a link a fold.

    The only beat that waits for the pixel before is the first of a window. Once a result passes all stages without
    waiting, so do the others of its window, `steps` cycles apart. folds >= registers + 6, so that the next window can
    only be taken when the pixel before has left.
    """
    stages = range(1, registers + 1)

    def process(a: Link, b: Link, images: int) -> Process:
        last, sums, leaves = -1, -1, -1
        moved = [-1] * (registers + 2)  # when the latest result left the mvu, each register, and the skid buffer
        before = -1  # when the one before left the skid buffer
        for k in range(windows * images):
            a.accept(max(last, 0))
            while len(a.moved) <= k:
                yield a
            while len(b.moved) < k:
                yield b
            free = b.moved[k - 1] if k else 0
            for fold in range(folds):
                start = max(last + 1, a.moved[k] + 1 if fold == 0 else 0)
                if start > sums:
                    last = max(start, leaves) + steps - 1
                elif steps == 1:
                    last = max(start, sums)
                else:
                    last = max(start + 1, sums + 1, leaves) + steps - 2
                sums = max(last + 1, leaves)
                leaves = max(sums + 1, moved[0] if k or fold else 0)
                cycle = leaves + 1
                for j in stages:  # each register takes a result when the next one takes the one before
                    cycle = max(cycle, moved[j - 1] + 1, moved[j])
                    moved[j - 1], cycle = cycle, cycle + 1
                moved[-2] = cycle = max(cycle, moved[-2] + 1, before + 1)  # a skid buffer holds two
                before, moved[-1] = moved[-1], max(cycle + 1, moved[-1] + 1, free)
                if moved[-1] == last + 4 + registers:  # nothing waited
                    ahead = (folds - 1 - fold) * steps
                    last, sums, leaves = last + ahead, sums + ahead, leaves + ahead
                    moved = [c + ahead for c in moved]
                    before = moved[-1] - steps if ahead else before
                    break
            b.offer(moved[-1] + 1)

    return process
