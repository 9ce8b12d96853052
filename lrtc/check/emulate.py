"""Generated C on an emulated core: logits of every image, instructions counted exactly, sizes, stack."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrtc.check.batch import run_on_board
from lrtc.check.cores import core_named
from lrtc.check.cycles import TIMINGS
from lrtc.check.firmware import EMULATED, OPTIMISE, PROGRAM, Firmware, Sizes, build_firmware
from lrtc.check.machine import MAILBOX, Machine
from lrtc.check.native import can_run, run_native
from lrtc.check.toolchain import has_compiler, run_tool, which
from lrtc.ir import Ports


@dataclass(frozen=True)
class Emulated:
    """What an emulated core answered.

    logits int32 [N,classes]; cost: of each image [N], counted exactly, in `unit`: instructions, or cycles on AVR; of
    the first image only where a host counts step by step; profile: the instructions of the last image by layer (its
    function with the kernels it calls), where Unicorn or a host counts, or the network was compiled with `profile`;
    sizes of the program; stack: its greatest depth in bytes; cycles: like profile, estimated where the core has a
    timing table, counted on AVR; firmware: the program.
    """

    logits: np.ndarray
    cost: np.ndarray
    unit: str
    profile: dict[str, int]
    sizes: Sizes
    stack: int
    cycles: dict[str, int]
    firmware: Firmware


def run_emulated(
    files: dict[str, str], name: str, x: np.ndarray, core: str, classes: int | Ports,
    flags: Sequence[str] = OPTIMISE,
) -> Emulated:  # fmt: skip
    """Return the logits of every image of x, uint8 [N,…] in the IR's axis order, and what they cost on `core`.

    files: what the C backend emitted for `name`. classes: of one output; with Ports, inputs and outputs lie in a row
    (`ir.ports`). LrtcError on a fault, naming the function it happened in.
    """
    known = core_named(core)
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        firmware = build_network(files, name, core, Path(folder), flags)
    x = np.ascontiguousarray(x, dtype=np.uint8)
    taken = x[0].size if len(x) else 0
    ports = classes if isinstance(classes, Ports) else Ports((taken,), (classes,))
    if known.unicorn:
        return _on_unicorn(firmware, name, x, ports)
    if known.family == "host":
        with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
            ran = run_native(files, name, x, known, ports, tuple(flags), Path(folder))
        return Emulated(ran.logits, ran.cost, "instructions", ran.profile, firmware.sizes, ran.stack, {}, firmware)
    done = run_on_board(files, name, x, known, ports, flags)
    cycles = known.emulator.unit == "cycles"
    return Emulated(
        done.logits, done.cost, known.emulator.unit, {} if cycles else done.layers, firmware.sizes, done.stack,
        done.layers if cycles else {}, firmware,
    )  # fmt: skip


def runs_here(core: str) -> bool:
    """Return whether this machine has a compiler and an emulator for `core`."""
    known = core_named(core)
    if known.family == "host":
        return has_compiler(known) and can_run(known)
    return has_compiler(known) and bool(known.unicorn or (known.emulator and which(known.emulator.program)))


def build_network(
    files: dict[str, str], name: str, core: str, folder: Path, flags: Sequence[str] = OPTIMISE
) -> Firmware:
    """Return the program of the network alone, without a main that calls it."""
    entries = [f"{name}_run", f"{name}_classify"]
    roots = [entry for entry in entries if entry in files[f"{name}.h"]]
    return build_firmware(files, core, folder, sources=[f"{name}.c"], roots=roots, flags=flags)


def _on_unicorn(firmware: Firmware, name: str, x: np.ndarray, sizes: Ports) -> Emulated:
    machine = Machine(firmware)
    given, answers = sum(sizes.given), MAILBOX + (sum(sizes.taken) + 3) // 4 * 4
    pointers = [MAILBOX + sum(sizes.taken[:k]) for k in range(len(sizes.taken))]
    pointers += [answers + 4 * sum(sizes.given[:k]) for k in range(len(sizes.given))]
    logits = np.empty((len(x), given), dtype=np.int32)
    instructions = np.empty(len(x), dtype=np.int64)
    machine.watch(n for _, _, n in firmware.functions if n.startswith(f"{name}_"))
    machine.paint_stack()
    machine.write(answers, bytes(4 * given))
    for i, image in enumerate(x):
        machine.write(MAILBOX, image.tobytes())
        machine.call(f"{name}_run", *pointers)
        logits[i] = np.frombuffer(machine.read(answers, 4 * given), dtype="<i4")
        instructions[i] = machine.executed()
    profile = machine.profile() if len(x) else {}
    timing = TIMINGS.get(core_named(firmware.core).timing)
    cycles = machine.cycles(timing) if timing and len(x) else {}
    return Emulated(
        logits, instructions, "instructions", profile, firmware.sizes, machine.stack_used(), cycles, firmware
    )


def run_self_test(files: dict[str, str], name: str, core: str) -> int:
    """Return the exit status of the emitted self-test on an emulated core: 0 when every vector agrees."""
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        firmware = _self_test(files, name, core, Path(folder), EMULATED)
    status = Machine(firmware).status
    return -1 if status is None else status


def run_self_test_qemu(files: dict[str, str], name: str, core: str) -> int | None:
    """Return the exit status of the self-test on QEMU's board with this core, or None where there is no such QEMU."""
    emulator = core_named(core).emulator
    tool = which(emulator.program) if emulator else None
    if emulator is None or tool is None or not emulator.memory:
        return None
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        _self_test(files, name, core, Path(folder), emulator.memory)
        argv = [tool.path, *emulator.arguments, "-kernel", PROGRAM]
        return run_tool(argv, Path(folder), f"self-test on QEMU's {core}", seconds=120).status


def _self_test(files: dict[str, str], name: str, core: str, folder: Path, memory: str) -> Firmware:
    sources = [f"{name}.c", f"{name}_test.c"]
    return build_firmware(
        files, core, folder, sources=sources, defines=["LRTC_SELFTEST_MAIN"], memory=memory
    )  # fmt: skip
