"""The cocotb testbench of a board's top behind SPI: the emitted driver at a bus of pins."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path

import cocotb
from cocotb.clock import Clock
from cocotb.task import bridge, resume
from cocotb.triggers import ClockCycles

JOB = json.loads(os.environ.get("LRTC_SPI_JOB", "{}"))
HALF = 4  # cycles of the clock for half of one of SPI's: the fastest that is allowed


@cocotb.test()
async def classes(dut):
    spec = importlib.util.spec_from_file_location("lrtc_spi", Path(JOB["folder"]) / "host" / "lrtc_spi.py")
    host = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(host)
    images, want = [bytes(image) for image in JOB["images"]], JOB["want"]
    dut.sck_i.value, dut.cs_ni.value, dut.mosi_i.value = 0, 1, 0
    cocotb.start_soon(Clock(dut.clk_i, 2, "ns").start())
    await ClockCycles(dut.clk_i, 20)

    async def transfer(sent) -> list[int]:
        came, breath = [], JOB["breath"]
        dut.cs_ni.value = 0
        await ClockCycles(dut.clk_i, 2 * HALF)
        for byte in sent:
            got = 0
            for k in range(7, -1, -1):
                dut.mosi_i.value = byte >> k & 1
                await ClockCycles(dut.clk_i, HALF)
                dut.sck_i.value = 1
                got = got << 1 | int(dut.miso_o.value)
                await ClockCycles(dut.clk_i, HALF)
                dut.sck_i.value = 0
            came.append(got)
            await ClockCycles(dut.clk_i, breath)
        await ClockCycles(dut.clk_i, HALF)
        dut.cs_ni.value = 1
        await ClockCycles(dut.clk_i, 2 * HALF)
        return came

    spi = host.Spi(resume(transfer))
    assert await transfer([0, 0]) == [0, 0]  # nothing was sent yet
    for image, class_ in zip(images, want, strict=True):
        assert await bridge(lambda image=image: spi.classify(image))() == class_
    # two images, then their answers in order; a look does not take one
    for image in images[:2]:
        await bridge(lambda image=image: spi.send(image))()
    await ClockCycles(dut.clk_i, 2000)
    for class_ in want[:2]:
        assert await transfer([0, 0]) == [0x80, class_]
        assert await transfer([2, 0]) == [0x80, class_]
        await ClockCycles(dut.clk_i, 20)
    assert await transfer([2, 0]) == [0, 0]
    # an image that is cut short is told once, and leaves nothing behind
    await transfer([1, *images[0][:-1]])
    assert (await transfer([0]))[0] & 2
    assert (await transfer([2, 0]))[0] & 2
    assert await transfer([2, 0]) == [0, 0]
    assert await bridge(lambda: spi.classify(images[1]))() == want[1]
    # bytes beyond an image are not looked at; an unknown command does nothing
    await transfer([1, *images[2], 9, 9, 9])
    await transfer([7, *images[0]])
    await ClockCycles(dut.clk_i, 2000)
    assert await transfer([2, 0]) == [0x80, want[2]]
    if JOB["breath"]:  # without it a byte comes before the network took the one before: it waits for answers
        JOB["breath"] = 0

        def flood() -> str:
            for image in images * 4:
                spi.send(image)
            try:
                return str(spi.answer())
            except host.Lost as lost:
                return str(lost)

        assert await bridge(flood)() == "an image was lost"
        JOB["breath"] = 40
        assert await bridge(lambda: spi.classify(images[0]))() == want[0]
