"""The cocotb testbench of an accelerator with registers: cocotbext-axi's masters, our own driver between them."""

from __future__ import annotations

import importlib.util
import json
import os
import random
from itertools import repeat
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp, AxiStreamBus, AxiStreamSink, AxiStreamSource

JOB = json.loads(os.environ.get("LRTC_AXI_JOB", "{}"))  # folder, what the registers hold, images and answers


def driver():
    """Return the module of the emitted Python driver."""
    spec = importlib.util.spec_from_file_location("lrtc_axi", Path(JOB["folder"]) / "host" / "lrtc_axi.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Bench:
    """Masters on all ports, and the driver's functions as they stand at a bus."""

    def __init__(self, dut) -> None:
        self.dut = dut
        self.bus = AxiLiteMaster(AxiLiteBus.from_prefix(dut, "s_axil"), dut.clk_i, dut.rst_ni, False)
        self.source = AxiStreamSource(AxiStreamBus.from_prefix(dut, "s_axis"), dut.clk_i, dut.rst_ni, False)
        self.sink = AxiStreamSink(AxiStreamBus.from_prefix(dut, "m_axis"), dut.clk_i, dut.rst_ni, False)
        for part in (self.bus.write_if, self.bus.read_if, self.source, self.sink):
            part.log.setLevel("WARNING")
        self.refused = 0

    async def start(self) -> None:
        cocotb.start_soon(Clock(self.dut.clk_i, 2, "ns").start())
        self.dut.rst_ni.value = 0
        await ClockCycles(self.dut.clk_i, 4)
        self.dut.rst_ni.value = 1
        await ClockCycles(self.dut.clk_i, 4)

    async def get(self, offset: int) -> int:
        answer = await self.bus.read(offset, 4)
        self.refused += answer.resp != AxiResp.OKAY
        return int.from_bytes(answer.data, "little")

    async def put(self, offset: int, word: int, octets: int = 4) -> None:
        answer = await self.bus.write(offset, (word & 0xFFFFFFFF).to_bytes(4, "little")[:octets])
        self.refused += answer.resp != AxiResp.OKAY

    async def answers(self, images: list, wait: bool = True) -> np.ndarray:
        """Send images; return the answers [N, beats]."""
        for image in images:
            await self.source.send(bytes(image))
        return np.array([np.frombuffer(bytes((await self.sink.recv()).tdata), "<i4") for _ in images])

    def stall(self, share: float, seed: int = 1) -> None:
        for k, part in enumerate((self.source, self.sink)):
            rng = random.Random(seed + k)
            part.set_pause_generator(rng.random() < share for _ in repeat(None))

    def flow(self) -> None:
        for part in (self.source, self.sink):
            part.clear_pause_generator()
            part.pause = False


@cocotb.test(skip="registers" not in JOB)
async def registers(dut):
    bench, host = Bench(dut), driver()
    await bench.start()
    images, want = JOB["images"], np.array(JOB["want"])

    @bridge
    def meet():
        read, write = resume(bench.get), resume(bench.put)
        return host.Accelerator(read, write)

    net = await meet()
    assert await bench.get(host.NETWORK) == JOB["registers"]["network"]
    assert await bench.get(host.LAYOUT) == JOB["registers"]["layout"]
    assert await bridge(lambda: net.version)() == tuple(JOB["registers"]["version"])
    states = {"running"} | ({"reloadable"} if JOB["registers"]["layout"] else set())
    assert await bridge(net.status)() == states
    assert bench.refused == 0

    bench.stall(0.4)
    assert (await bench.answers(images) == want).all()
    bench.flow()
    assert [await bench.get(at) for at in (host.IMAGES, host.FRAMES)] == [len(images)] * 2
    assert await bridge(net.status)() == states
    before = await bench.get(host.CYCLES)
    await ClockCycles(dut.clk_i, 100)
    assert 100 <= await bench.get(host.CYCLES) - before < 140

    # what is not there, is not to be written, or comes in parts
    for offset in (0x2C, 0x3C):
        assert await bench.get(offset) == 0
    assert bench.refused == 2
    for offset in (host.VERSION, host.LAYOUT, host.NETWORK, host.STATUS, host.IMAGES, host.FRAMES, 0x2C):
        await bench.put(offset, 0xFFFFFFFF)
    await bench.put(host.CONTROL, 1, octets=2)
    assert bench.refused == 10
    assert await bench.get(host.CONTROL) == 0
    assert await bridge(lambda: net.frames)() == len(images)

    # an answer waits
    bench.sink.pause = True
    await bench.source.send(bytes(images[0]))
    await ClockCycles(dut.clk_i, 400)
    assert await bridge(net.status)() == states | {"busy", "answer waits"}

    # held amid an image: nothing moves, nothing is counted, and the next image is whole
    await bench.source.send(bytes(images[1][: len(images[1]) // 2]))
    await ClockCycles(dut.clk_i, 100)
    await bridge(net.hold)()
    assert await bridge(net.status)() == states - {"running"}
    await bench.source.send(bytes(images[0]))
    bench.sink.pause = False
    await ClockCycles(dut.clk_i, 100)
    assert (int(dut.s_axis_tready.value), int(dut.m_axis_tvalid.value)) == (0, 0)
    assert [await bench.get(at) for at in (host.IMAGES, host.FRAMES, host.CYCLES)] == [0, 0, 0]
    await bridge(net.run)()
    await bench.source.send(bytes(images[1]))
    answers = [np.frombuffer(bytes((await bench.sink.recv()).tdata), "<i4") for _ in range(2)]
    assert (np.array(answers) == want[:2]).all()
    assert bench.refused == 10


@cocotb.test(skip="loads" not in JOB)
async def loads(dut):
    bench, host = Bench(dut), driver()
    await bench.start()
    images = JOB["images"]
    read, write = resume(bench.get), resume(bench.put)
    net = await bridge(lambda: host.Accelerator(read, write))()

    async def refused(words: list[int], says: str) -> None:
        def attempt() -> str:
            try:
                net.load(words)
            except host.Refused as error:
                return str(error)
            return "loaded"

        assert says in await bridge(attempt)()

    assert (await bench.answers(images) == np.array(JOB["want"])).all()  # as it was compiled

    first, *others = JOB["loads"]
    await bridge(lambda: net.load(first["words"]))()
    assert bench.refused == 0
    assert await bench.get(host.NETWORK) == first["words"][2]
    bench.stall(0.3)
    assert (await bench.answers(images) == np.array(first["want"])).all()
    bench.flow()

    # what is refused changes nothing
    await refused([0, *first["words"][1:]], "no list of words")
    await refused(first["words"][:-1], "cut short")
    await refused([first["words"][0], first["words"][1] ^ 1, *first["words"][2:]], "another layout")
    address = first["words"][4]
    await bench.put(address, 0xFFFFFFFF)  # while it runs
    await bench.put(host.NETWORK, 1)
    assert bench.refused == 2
    assert await bench.get(address) == 0  # memories are not read
    assert bench.refused == 3
    assert (await bench.answers(images) == np.array(first["want"])).all()

    # a word that is lost on the way is found out, and the network stays in reset
    lost = net.write
    net.write = lambda offset, word: None if offset == address else lost(offset, word)
    await refused(first["words"], "arrived")
    assert "running" not in await bridge(net.status)()
    net.write = lost
    for one in others:
        await bridge(lambda one=one: net.load(one["words"]))()
        assert (await bench.answers(images) == np.array(one["want"])).all()
    assert bench.refused == 3
