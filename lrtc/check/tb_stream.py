"""The cocotb testbench of an emitted accelerator: images in, beats out, under stalls; it runs inside the simulator.

The clock is driven here, two steps a cycle: signals are set and sampled while it is low, so what is sampled is what the
rising edge takes. The environment names the request (`LRTC_SIM_REQUEST`, npz) and the answer (`LRTC_SIM_ANSWER`, npz).
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass

import cocotb
import numpy as np
from cocotb.triggers import Timer

from lrtc.check.stalls import STALLS

AFTERWARDS = 64  # cycles in which nothing more may come


class ProtocolFault(Exception):
    """The design broke a rule of the stream, or stopped."""


@dataclass
class Record:
    """What one run saw: every output beat, and the cycles at which things happened."""

    outputs: list[int]
    frame_ends: list[int]
    first_in: int
    first_out: int
    cycles: int


async def cycle(dut) -> None:
    """Take the rising edge; come back when the design has settled with the clock low."""
    dut.clk_i.value = 1
    await Timer(1, "ns")
    dut.clk_i.value = 0
    await Timer(1, "ns")


async def reset(dut) -> None:
    """Hold the reset for four cycles, both sides quiet."""
    dut.rst_ni.value = 0
    dut.s_axis_tvalid.value = 0
    dut.s_axis_tdata.value = 0
    dut.m_axis_tready.value = 0
    for _ in range(4):
        await cycle(dut)
    dut.rst_ni.value = 1
    await Timer(1, "ns")


async def run(dut, data: bytes, frames: int, beats: int, stalls: str, seed: int, patience: int) -> Record:
    """Return the Record of `frames` images in `data`; ProtocolFault names the cycle and the rule that broke."""
    await reset(dut)
    rng = random.Random(seed)
    source, sink = STALLS[stalls]
    tvalid, tready, tdata = dut.s_axis_tvalid, dut.s_axis_tready, dut.s_axis_tdata
    got_valid, take, got_data, got_last = dut.m_axis_tvalid, dut.m_axis_tready, dut.m_axis_tdata, dut.m_axis_tlast
    clk, half = dut.clk_i, Timer(1, "ns")
    record = Record([], [], -1, -1, 0)
    sent, total, quiet, now = 0, len(data), 0, 0
    offering = ready = False
    held: tuple[int, int] | None = None  # what was offered and not taken
    want = frames * beats
    while len(record.outputs) < want or sent < total:  # bytes that no window needs may come after the last answer
        if not offering and sent < total and not (source and rng.random() < source):
            tdata.value = data[sent]
            tvalid.value = 1
            offering = True
        accept = not (sink and rng.random() < sink)
        if accept != ready:
            take.value = int(accept)
            ready = accept
        await half  # the clock is low and everything has settled
        quiet += 1
        moved = offering and int(tready.value)
        if int(got_valid.value):
            now_held = (int(got_data.value), int(got_last.value))
            if held is not None and now_held != held:
                raise ProtocolFault(f"cycle {now}: m_axis changed from {held} to {now_held} before it was taken")
            held = now_held
            if ready:
                if len(record.outputs) == want:
                    raise ProtocolFault(f"cycle {now}: a beat came after the last of {frames} images")
                _take(record, *now_held, beats, now)
                held, quiet = None, 0
        elif held is not None:
            raise ProtocolFault(f"cycle {now}: m_axis_tvalid fell before the beat was taken")
        clk.value = 1
        await half
        clk.value = 0
        if moved:
            record.first_in = now if record.first_in < 0 else record.first_in
            sent, quiet, offering = sent + 1, 0, False
            if sent == total or source:
                tvalid.value = 0
        if quiet > patience:
            raise ProtocolFault(
                f"cycle {now}: nothing has moved for {patience} cycles; {sent} of {total} bytes are in, "
                f"{len(record.outputs)} of {want} beats out"
            )
        now += 1
    record.cycles = now
    take.value = 1
    for _ in range(AFTERWARDS):
        await half
        if int(got_valid.value):
            raise ProtocolFault(f"a beat came after the last of {frames} images")
        await cycle(dut)
    return record


def _take(record: Record, value: int, last: int, beats: int, now: int) -> None:
    """Record an output beat; ProtocolFault when TLAST is not where the image ends."""
    beat = len(record.outputs) % beats
    ends = beat == beats - 1
    if last != ends:
        raise ProtocolFault(f"cycle {now}: TLAST is {last} at beat {beat} of an image of {beats}")
    record.outputs.append(value)
    if record.first_out < 0:
        record.first_out = now
    if ends:
        record.frame_ends.append(now)


@cocotb.test()
async def stream(dut) -> None:
    """Run every job of the request; write the answer, or the fault."""
    request = np.load(os.environ["LRTC_SIM_REQUEST"])
    answer: dict[str, np.ndarray] = {}
    dut.clk_i.value = 0
    for k, (stalls, seed, select, beats, patience) in enumerate(request["jobs"].tolist()):
        images = request[f"x{k}"]
        if int(select) >= 0:
            dut.select_i.value = int(select)
        try:
            record = await run(dut, images.tobytes(), len(images), int(beats), stalls, int(seed), int(patience))
        except ProtocolFault as fault:
            answer["fault"] = np.array(f"{stalls}, seed {seed}: {fault}")
            break
        answer[f"outputs{k}"] = np.array(record.outputs, dtype=np.uint32).astype(np.int32).reshape(len(images), -1)
        answer[f"ends{k}"] = np.array(record.frame_ends, dtype=np.int64)
        answer[f"times{k}"] = np.array([record.first_in, record.first_out, record.cycles], dtype=np.int64)
    np.savez(os.environ["LRTC_SIM_ANSWER"], **answer)
