"""The cocotb testbench of an emitted accelerator: images in, beats out, under stalls; it runs inside the simulator.

The clock is driven here, two steps a cycle: signals are set and sampled while it is low, so what is sampled is what the
rising edge takes. The environment names the request (`LRTC_SIM_REQUEST`, npz) and the answer (`LRTC_SIM_ANSWER`, npz).
"""

from __future__ import annotations

import json
import os
import random
from collections.abc import Iterable, Sequence

import cocotb
import numpy as np
from cocotb.triggers import Timer

from lrtc.check.stalls import STALLS

AFTERWARDS = 64  # cycles in which nothing more may come


class ProtocolFault(Exception):
    """The design broke a rule of the stream, or stopped."""


class Source:
    """An input port: sends its beats, uint8 [images, beats, octets], and holds each until it is taken."""

    def __init__(self, dut, name: str, x: np.ndarray, share: float, rng: random.Random) -> None:
        self.valid, self.ready, self.data = (signal(dut, "s_axis", name, what) for what in ("valid", "ready", "data"))
        octets = x.shape[-1]
        data = x.tobytes()
        self.beats = [int.from_bytes(data[k : k + octets], "little") for k in range(0, len(data), octets)]
        self.share, self.rng = share, rng
        self.sent, self.offering, self.first = 0, False, -1

    @property
    def done(self) -> bool:
        return self.sent == len(self.beats)

    def quiet(self) -> None:
        self.valid.value = 0
        self.data.value = 0

    def drive(self) -> None:
        """Offer the next beat, unless this cycle is sat out."""
        if not self.offering and not self.done and not (self.share and self.rng.random() < self.share):
            self.data.value = self.beats[self.sent]
            self.valid.value = 1
            self.offering = True

    def taken(self) -> bool:
        """Return whether the beat is taken in this cycle."""
        return self.offering and bool(int(self.ready.value))

    def advance(self, now: int) -> None:
        """Go on to the next beat."""
        self.first = now if self.first < 0 else self.first
        self.sent, self.offering = self.sent + 1, False
        if self.done or self.share:
            self.valid.value = 0


class Sink:
    """An output port: takes beats, and holds them against the rules of the stream."""

    def __init__(self, dut, name: str, frames: int, beats: int, share: float, rng: random.Random) -> None:
        self.name = f"m_axis_{name}" if name else "m_axis"
        self.valid, self.take, self.data, self.last = (
            signal(dut, "m_axis", name, what) for what in ("valid", "ready", "data", "last")
        )
        self.frames, self.beats, self.share, self.rng = frames, beats, share, rng
        self.outputs: list[int] = []
        self.frame_ends: list[int] = []
        self.first, self.ready = -1, False
        self.held: tuple[int, int] | None = None  # what was offered and not taken

    @property
    def done(self) -> bool:
        return len(self.outputs) == self.frames * self.beats

    def quiet(self) -> None:
        self.take.value = 0

    def drive(self) -> None:
        """Be ready, unless this cycle is sat out."""
        accept = not (self.share and self.rng.random() < self.share)
        if accept != self.ready:
            self.take.value = int(accept)
            self.ready = accept

    def sample(self, now: int) -> bool:
        """Return whether a beat was taken; ProtocolFault names the cycle and the rule that broke."""
        if not int(self.valid.value):
            if self.held is not None:
                raise ProtocolFault(f"cycle {now}: {self.name}_tvalid fell before the beat was taken")
            return False
        beat = (int(self.data.value), int(self.last.value))
        if self.held is not None and beat != self.held:
            raise ProtocolFault(f"cycle {now}: {self.name} changed from {self.held} to {beat} before it was taken")
        self.held = beat
        if not self.ready:
            return False
        if self.done:
            raise ProtocolFault(f"cycle {now}: a beat came after the last of {self.frames} images")
        self._record(*beat, now)
        self.held = None
        return True

    def _record(self, value: int, last: int, now: int) -> None:
        beat = len(self.outputs) % self.beats
        ends = beat == self.beats - 1
        if last != ends:
            raise ProtocolFault(f"cycle {now}: TLAST is {last} at beat {beat} of an image of {self.beats}")
        self.outputs.append(value)
        self.first = now if self.first < 0 else self.first
        if ends:
            self.frame_ends.append(now)


def signal(dut, side: str, name: str, what: str):
    """Return a signal of a port: s_axis_tvalid, or s_axis_NAME_tvalid where there are several."""
    return getattr(dut, f"{side}_{name}_t{what}" if name else f"{side}_t{what}")


async def cycle(dut) -> None:
    """Take the rising edge; come back when the design has settled with the clock low."""
    dut.clk_i.value = 1
    await Timer(1, "ns")
    dut.clk_i.value = 0
    await Timer(1, "ns")


async def reset(dut, sources: Sequence[Source], sinks: Sequence[Sink]) -> None:
    """Hold the reset for four cycles, all ports quiet."""
    dut.rst_ni.value = 0
    for port in (*sources, *sinks):
        port.quiet()
    for _ in range(4):
        await cycle(dut)
    dut.rst_ni.value = 1
    await Timer(1, "ns")


async def run(dut, sources: Sequence[Source], sinks: Sequence[Sink], patience: int) -> int:
    """Return the cycles of a run that sends all and takes all; ProtocolFault names the cycle and the broken rule."""
    await reset(dut, sources, sinks)
    clk, half = dut.clk_i, Timer(1, "ns")
    quiet = now = 0
    ports = (*sources, *sinks)
    while not all(port.done for port in ports):  # beats that no window needs may come after the last answer
        for port in ports:
            port.drive()
        await half  # the clock is low and everything has settled
        quiet += 1
        moved = [source for source in sources if source.taken()]
        for sink in sinks:
            quiet = 0 if sink.sample(now) else quiet
        clk.value = 1
        await half
        clk.value = 0
        for source in moved:
            source.advance(now)
            quiet = 0
        if quiet > patience:
            raise ProtocolFault(
                f"cycle {now}: nothing has moved for {patience} cycles; {_sum(s.sent for s in sources)} of "
                f"{_sum(len(s.beats) for s in sources)} beats are in, {_sum(len(s.outputs) for s in sinks)} of "
                f"{_sum(s.frames * s.beats for s in sinks)} out"
            )
        now += 1
    await _nothing_more(dut, sinks)
    return now


async def _nothing_more(dut, sinks: Sequence[Sink]) -> None:
    """Be ready for a while after the last beat; ProtocolFault if one more comes."""
    for sink in sinks:
        sink.take.value = 1
    for _ in range(AFTERWARDS):
        await Timer(1, "ns")
        for sink in sinks:
            if int(sink.valid.value):
                raise ProtocolFault(f"a beat came after the last of {sink.frames} images")
        await cycle(dut)


def _sum(parts: Iterable[int]) -> str:
    return " + ".join(map(str, parts))


@cocotb.test()
async def stream(dut) -> None:
    """Run every job of the request; write the answer, or the fault."""
    request = np.load(os.environ["LRTC_SIM_REQUEST"])
    answer: dict[str, np.ndarray] = {}
    dut.clk_i.value = 0
    for k, job in enumerate(json.loads(str(request["jobs"]))):
        images = [request[f"x{k}.{name}"] for name in job["inputs"]]
        frames, (source, sink), rng = len(images[0]), STALLS[job["stalls"]], random.Random(job["seed"])
        if job["select"] is not None:
            dut.select_i.value = job["select"]
        sources = [Source(dut, name, x, source, rng) for name, x in zip(job["inputs"], images, strict=True)]
        sinks = [Sink(dut, name, frames, beats, sink, rng) for name, beats in job["outputs"].items()]
        try:
            cycles = await run(dut, sources, sinks, job["patience"])
        except ProtocolFault as fault:
            answer["fault"] = np.array(f"{job['stalls']}, seed {job['seed']}: {fault}")
            break
        rows = [np.array(s.outputs, dtype=np.uint32).astype(np.int32).reshape(frames, -1) for s in sinks]
        times = min(s.first for s in sources), min(s.first for s in sinks), cycles
        answer[f"outputs{k}"] = np.concatenate(rows, axis=1)
        answer[f"ends{k}"] = np.array([s.frame_ends for s in sinks], dtype=np.int64).max(axis=0)
        answer[f"times{k}"] = np.array(times, dtype=np.int64)
    np.savez(os.environ["LRTC_SIM_ANSWER"], **answer)
