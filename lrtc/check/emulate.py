"""Generated C on an emulated core: logits of every image, instructions counted exactly, sizes, stack."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrtc.check.cores import core_named
from lrtc.check.firmware import EMULATED, Firmware, Sizes, build_firmware
from lrtc.check.machine import MAILBOX, Machine
from lrtc.check.toolchain import run_tool, which
from lrtc.ir import Ports


@dataclass(frozen=True)
class Emulated:
    """What an emulated core answered.

    logits int32 [N,classes]; instructions: executed for each image [N]; profile: those of the last image by layer (its
    function with the kernels it calls); sizes of the program; stack: its greatest depth in bytes.
    """

    logits: np.ndarray
    instructions: np.ndarray
    profile: dict[str, int]
    sizes: Sizes
    stack: int


def run_emulated(files: dict[str, str], name: str, x: np.ndarray, core: str, classes: int | Ports) -> Emulated:
    """Return the logits of every image of x, uint8 [N,…] in the IR's axis order, and what they cost on `core`.

    files: what the C backend emitted for `name`. classes: of one output; with Ports, inputs and outputs lie in a row
    (`ir.ports`). LrtcError on a fault, naming the function it happened in.
    """
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        entries = [f"{name}_run", f"{name}_classify"]
        roots = [entry for entry in entries if entry in files[f"{name}.h"]]
        firmware = build_firmware(files, core, Path(folder), sources=[f"{name}.c"], roots=roots)
    machine = Machine(firmware)
    x = np.ascontiguousarray(x, dtype=np.uint8)
    taken = x[0].size if len(x) else 0
    sizes = classes if isinstance(classes, Ports) else Ports((taken,), (classes,))
    given, answers = sum(sizes.given), MAILBOX + (taken + 3) // 4 * 4
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
    return Emulated(logits, instructions, profile, firmware.sizes, machine.stack_used())


def run_self_test(files: dict[str, str], name: str, core: str) -> int:
    """Return the exit status of the emitted self-test on an emulated core: 0 when every vector agrees."""
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        firmware = _self_test(files, name, core, Path(folder), EMULATED)
    status = Machine(firmware).status
    return -1 if status is None else status


def run_self_test_qemu(files: dict[str, str], name: str, core: str) -> int | None:
    """Return the exit status of the self-test on QEMU's board with this core, or None where there is no such QEMU."""
    board = core_named(core).board
    tool = which(board.program) if board else None
    if board is None or tool is None:
        return None
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        _self_test(files, name, core, Path(folder), board.memory)
        argv = [tool.path, *board.arguments, "-kernel", f"{board.memory}.elf"]
        return run_tool(argv, Path(folder), f"self-test on QEMU's {core}", seconds=120).status


def _self_test(files: dict[str, str], name: str, core: str, folder: Path, memory: str) -> Firmware:
    sources = [f"{name}.c", f"{name}_test.c"]
    return build_firmware(
        files, core, folder, sources=sources, defines=["LRTC_SELFTEST_MAIN"], memory=memory
    )  # fmt: skip
