"""The cocotb tests that every module passes: right beats in the right order under every behaviour of its neighbours.

Runs inside the simulator; the environment names the group of bench files and the module whose cases are tested.
"""

from __future__ import annotations

import importlib
import os
from itertools import pairwise
from random import Random

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, RisingEdge, Timer
from hw.case import Case

CASES: list[Case] = [
    case
    for bench in os.environ["LRTC_BENCHES"].split()
    for case in importlib.import_module(f"hw.{bench}").CASES
    if case.module == os.environ["LRTC_MODULE"]
]
MODES = ("always", "random", "patient")  # patient: moves only after it has seen the other side move
STUCK = 4000  # cycles without a beat


class Port:
    """One case under test: its signals, the beats it still gets, and those it must give."""

    def __init__(self, dut, case: Case, frames: int, rng: Random, source: str, sink: str):
        self.case, self.rng, self.source, self.sink = case, rng, source, sink
        get = lambda name: getattr(dut, f"{case.name}_{name}")  # noqa: E731
        self.in_valid, self.in_ready = get("in_valid_i"), get("in_ready_o")
        self.out_valid, self.out_ready = get("out_valid_o"), get("out_ready_i")
        self.ins = [(get(f"in_{key}_i"), bits) for key, bits in case.ins.items()]
        self.outs = [get(f"out_{key}_o") for key in case.outs]
        self.in_rate, self.out_rate = rng.choice((0.2, 0.5, 0.8)), rng.choice((0.2, 0.5, 0.8))
        self.frames = frames
        self.restart()

    def restart(self) -> None:
        """Forget everything and draw new frames."""
        self.given: list[tuple[int, ...]] = []
        self.wanted: list[tuple[int, ...]] = []
        for _ in range(self.frames):
            beats, answer = self.case.frame(self.rng)
            self.given += beats
            self.wanted += answer
        self.frame_in, self.frame_out = len(beats), len(answer)
        self.in_cycles: list[int] = []
        self.out_cycles: list[int] = []
        self.offering = self.accepting = False
        self.held: tuple[int, ...] | None = None

    def sample(self, cycle: int) -> bool:
        """Look at the clock edge; return whether a beat moved."""
        ready, valid = int(self.in_ready.value), int(self.out_valid.value)
        moved = False
        if self.offering and ready:
            self.in_cycles.append(cycle)
            self.offering = False
            moved = True
        name = self.case.name
        if valid:
            beat = tuple(int(signal.value) for signal in self.outs)
            if self.held is not None:
                assert beat == self.held, f"{name}: output changed while it waited"
            index = len(self.out_cycles)
            assert index < len(self.wanted), f"{name}: one beat too many"
            assert beat == self.wanted[index], f"{name}: beat {index}: want {self.wanted[index]}, got {beat}"
            self.held = beat
            if self.accepting:
                self.out_cycles.append(cycle)
                self.held = None
                moved = True
        else:
            assert self.held is None, f"{name}: valid fell before ready"
        self.saw_ready, self.saw_valid = bool(ready), bool(valid)
        return moved

    def drive(self) -> None:
        """Choose what the neighbours do in the next cycle."""
        index = len(self.in_cycles)
        if not self.offering:
            chance = {"always": 1.0, "random": self.in_rate, "patient": float(self.saw_ready)}[self.source]
            self.offering = index < len(self.given) and self.rng.random() < chance
            for at, (signal, bits) in enumerate(self.ins):  # garbage beside valid = 0
                signal.value = self.given[index][at] if self.offering else self.rng.getrandbits(bits)
        chance = {"always": 1.0, "random": self.out_rate, "patient": float(self.saw_valid)}[self.sink]
        self.accepting = self.rng.random() < chance
        self.in_valid.value = int(self.offering)
        self.out_ready.value = int(self.accepting)

    def disturb(self) -> None:
        """Offer and accept garbage, as the neighbours may while reset is low."""
        self.in_valid.value = self.rng.getrandbits(1)
        self.out_ready.value = self.rng.getrandbits(1)

    @property
    def done(self) -> bool:
        """Whether all beats have moved."""
        return len(self.in_cycles) == len(self.given) and len(self.out_cycles) == len(self.wanted)

    @property
    def progress(self) -> str:
        """Return how many beats moved."""
        ins, outs = f"{len(self.in_cycles)}/{len(self.given)}", f"{len(self.out_cycles)}/{len(self.wanted)}"
        return f"{self.case.name} in {ins} out {outs}"


async def reset(dut, ports: list[Port], cycles: int) -> None:
    """Hold reset for some clock edges, under garbage; leave it together with the first drive."""
    dut.rst_ni.value = 0
    for _ in range(cycles):
        for port in ports:
            port.disturb()
        await RisingEdge(dut.clk_i)
    for port in ports:
        port.restart()
        port.saw_ready = port.saw_valid = False
        port.drive()
    dut.rst_ni.value = 1


async def play(dut, ports: list[Port], stop: int | None = None) -> int:
    """Run until all beats moved (and some cycles more), or for `stop` cycles; return the cycles run."""
    cycle, quiet = 0, 0
    while stop is None or cycle < stop:
        await RisingEdge(dut.clk_i)
        moved = [port.sample(cycle) for port in ports]
        cycle += 1
        quiet = 0 if any(moved) else quiet + 1
        if quiet > 40 and all(port.done for port in ports):
            break
        assert quiet < STUCK, f"stuck: {[port.progress for port in ports if not port.done]}"
        for port in ports:
            port.drive()
    return cycle


def start(dut, seed: int, source: str, sink: str, frames: int) -> list[Port]:
    """Start the clock; return a port a case."""
    dut._log.info("seed %d, source %s, sink %s, %d frames", seed, source, sink, frames)
    cocotb.start_soon(Clock(dut.clk_i, 10, "ns").start())
    return [Port(dut, case, frames, Random(f"{seed} {case.name} {source} {sink}"), source, sink) for case in CASES]


@cocotb.test()
@cocotb.parametrize(source=MODES, sink=MODES)
async def beats(dut, source, sink):
    """Several frames back to back, right under every pair of neighbours."""
    ports = start(dut, 1, source, sink, 4)
    await reset(dut, ports, 3)
    await play(dut, ports)


@cocotb.test()
async def reset_in_a_frame(dut):
    """A reset at any time, also of one clock edge, leaves nothing behind."""
    ports = start(dut, 2, "random", "random", 2)
    rng = Random(2)
    for _ in range(12):
        await reset(dut, ports, rng.choice((1, 2)))
        for port in ports:
            port.source, port.sink = rng.choice(MODES), rng.choice(MODES)
        await play(dut, ports, stop=rng.randrange(1, 90))
    await reset(dut, ports, 1)
    await play(dut, ports)


@cocotb.test()
@cocotb.parametrize(sink=("always", "patient"))
async def rate_and_latency(dut, sink):
    """Frames follow each other and beats come out as many cycles later as the README says."""
    ports = [port for port in start(dut, 3, "always", sink, 5) if sink == "always" or port.case.steady]
    await reset(dut, ports, 3)
    await play(dut, ports)
    for port in ports:
        case = port.case
        for name, cycles, beats_a_frame in (
            ("input", port.in_cycles, port.frame_in),
            ("output", port.out_cycles, port.frame_out),
        ):
            firsts = cycles[::beats_a_frame]
            gaps = [b - a for a, b in pairwise(firsts)][1:]
            assert gaps == [case.period] * 3, f"{case.name}: {name} frames every {gaps}, not {case.period} cycles"
        if case.latency is not None and sink == "always":
            beat_in, beat_out, edges = case.latency
            got = port.out_cycles[beat_out] - port.in_cycles[beat_in]
            assert got == edges, f"{case.name}: latency {got}, not {edges}"


@cocotb.test()
async def handshakes_are_independent(dut):
    """Ready does not follow valid of its own stream within a cycle, nor valid ready."""
    ports = start(dut, 4, "random", "random", 3)
    await reset(dut, ports, 3)
    for cycle in range(250):
        await FallingEdge(dut.clk_i)
        for driven, seen in (("in_valid", "in_ready"), ("out_ready", "out_valid")):
            looks = []
            for level in (0, 1):
                for port in ports:
                    getattr(port, driven).value = level
                await Timer(1, "ns")
                looks.append([int(getattr(port, seen).value) for port in ports])
            assert looks[0] == looks[1], f"{seen} follows {driven}: {[port.case.name for port in ports]} {looks}"
            for port in ports:
                port.in_valid.value, port.out_ready.value = int(port.offering), int(port.accepting)
        await RisingEdge(dut.clk_i)
        for port in ports:
            port.sample(cycle)
            port.drive()
