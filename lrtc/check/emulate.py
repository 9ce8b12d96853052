"""Generated C on an emulated Cortex-M: logits of every image, instructions counted exactly, sizes, stack.

Unicorn executes; a hook on every basic block counts it, capstone says once how many instructions a block has. That
is exact (equal to QEMU's instruction count) and costs little. It is not cycles: no pipeline is modelled.
"""

from __future__ import annotations

import bisect
import tempfile
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrtc.check.firmware import Firmware, Sizes, build_firmware, check_core, missing, segments
from lrtc.check.toolchain import qemu_arm, run_tool
from lrtc.errors import LrtcError

PAGE = 0x1000
TRAP = 0x00F0_0000  # a return address inside flash's map, above every program
MAILBOX = 0x2100_0000  # RAM of the caller, apart from the program's
STACK_BYTES = 0x8000
PAINT = 0xA5
LIMIT = 2_000_000_000
QEMU_MACHINE = {"cortex-m0": ("microbit", "microbit"), "cortex-m4": ("mps2-an386", "mps2-an386")}


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


class Core:
    """An emulated core with a program in it, started up and ready to be called."""

    def __init__(self, firmware: Firmware, limit: int = LIMIT) -> None:
        try:
            import capstone
            import unicorn
            from unicorn import arm_const
        except ImportError as error:
            raise missing(error.name or "unicorn") from None
        check_core(firmware.core)
        self.firmware, self.limit, self._const, self._unicorn = firmware, limit, arm_const, unicorn
        model = getattr(arm_const, "UC_CPU_ARM_" + firmware.core.upper().replace("-", "_"))
        # Not UC_MODE_MCLASS: it would replace the chosen core by a Cortex-M33.
        self._uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB, model)
        self._disassembler = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
        self._pages: set[int] = set()
        self._blocks: Counter[tuple[int, int, int]] = Counter()
        self._entries: set[int] = set()
        self._entered = 0
        self._lengths: dict[tuple[int, int], int] = {}
        self._starts = [address for address, _, _ in firmware.functions]
        self._fault: str | None = None
        self._status: int | None = None
        self.output = ""
        self._load()
        self._uc.hook_add(unicorn.UC_HOOK_BLOCK, self._on_block)
        self._uc.hook_add(unicorn.UC_HOOK_INTR, self._on_exception)
        self._start_up()

    def _map(self, address: int, size: int) -> None:
        for page in range(address & ~(PAGE - 1), address + size, PAGE):
            if page not in self._pages:
                self._uc.mem_map(page, PAGE)
                self._pages.add(page)

    def _load(self) -> None:
        for load, run, size, contents in segments(self.firmware):
            self._map(load, max(1, len(contents)))
            self._map(run, size)
            if contents:
                self._uc.mem_write(load, contents)
        self._map(TRAP, PAGE)
        vectors = self.firmware.symbols["lrtc_vectors"]
        self._top, self._reset = (
            int.from_bytes(self._uc.mem_read(vectors + i, 4), "little") for i in (0, 4)
        )  # fmt: skip
        self._map(self._top - STACK_BYTES, STACK_BYTES)

    def _start_up(self) -> None:
        """Run from reset until the program leaves: .data and .bss are then as after a start."""
        self._uc.reg_write(self._const.UC_ARM_REG_SP, self._top)
        self._execute(self._reset, "the start-up")
        if self._status is None:
            raise LrtcError(f"{self.firmware.core}: the start-up did not end")

    @property
    def status(self) -> int | None:
        """Return what main returned."""
        return self._status

    def _on_block(self, uc: object, address: int, size: int, _: object) -> None:
        if address in self._entries:
            self._entered = address
        self._blocks[self._entered, address, size] += 1
        self._left -= size
        if self._left < 0:
            self._fault = f"no end after about {self.limit} instructions, stopped at {self._where(address)}"
            self._uc.emu_stop()

    def _on_exception(self, uc: object, number: int, _: object) -> None:
        c = self._const
        pc = self._uc.reg_read(c.UC_ARM_REG_PC)
        if int.from_bytes(self._uc.mem_read(pc, 2), "little") != 0xBEAB:
            self._fault = f"exception {number} at {self._where(pc)}"
            self._uc.emu_stop()
            return
        operation, argument = (self._uc.reg_read(r) for r in (c.UC_ARM_REG_R0, c.UC_ARM_REG_R1))
        if operation == 0x20:
            self._status = int.from_bytes(self._uc.mem_read(argument + 4, 4), "little", signed=True)
            self._uc.emu_stop()
            return
        if operation == 4:
            while (character := bytes(self._uc.mem_read(argument, 1))) != b"\0":
                self.output += character.decode("latin-1")
                argument += 1
        self._uc.reg_write(c.UC_ARM_REG_PC, (pc + 2) | 1)

    def _where(self, address: int) -> str:
        return f"{address:#x} ({self._function(address)})"

    def _function(self, address: int) -> str:
        i = bisect.bisect_right(self._starts, address) - 1
        return self.firmware.functions[i][2] if i >= 0 else "?"

    def _execute(self, address: int, what: str) -> None:
        core = self.firmware.core
        self._fault = None
        self._left = 2 * self.limit
        try:
            self._uc.emu_start(address | 1, TRAP)
        except self._unicorn.UcError as error:
            pc = self._uc.reg_read(self._const.UC_ARM_REG_PC)
            raise LrtcError(f"{core}: {what}: {error} at {self._where(pc)}") from None
        if self._fault:
            raise LrtcError(f"{core}: {what}: {self._fault}")

    def call(self, function: str, *arguments: int) -> int:
        """Call a function as C does, with up to four integers or addresses; return r0. The counters start at 0."""
        c = self._const
        if function not in self.firmware.symbols:
            raise LrtcError(f"{self.firmware.core}: the program has no function {function}")
        self._blocks.clear()
        self._entered = self.firmware.symbols[function] & ~1
        for register, value in zip(
            (c.UC_ARM_REG_R0, c.UC_ARM_REG_R1, c.UC_ARM_REG_R2, c.UC_ARM_REG_R3), arguments, strict=False
        ):
            self._uc.reg_write(register, value & 0xFFFF_FFFF)
        self._uc.reg_write(c.UC_ARM_REG_SP, self._top)
        self._uc.reg_write(c.UC_ARM_REG_LR, TRAP | 1)
        self._execute(self.firmware.symbols[function], function)
        return self._uc.reg_read(c.UC_ARM_REG_R0)

    def _length(self, address: int, size: int) -> int:
        """Return how many instructions a block has."""
        if (address, size) not in self._lengths:
            sizes = [n for _, n, _, _ in self._disassembler.disasm_lite(self.read(address, size), address)]
            if sum(sizes) != size:
                raise LrtcError(f"{self.firmware.core}: no instruction at {self._where(address + sum(sizes))}")
            self._lengths[address, size] = len(sizes)
        return self._lengths[address, size]

    def watch(self, functions: Iterable[str]) -> None:
        """From now on count by these functions: what one executes and calls is its own, until the next is entered."""
        wanted = {name.split(".")[0] for name in functions}  # gcc clones get suffixes
        self._entries = {address for address, _, name in self.firmware.functions if name.split(".")[0] in wanted}

    def executed(self) -> int:
        """Return the instructions executed since the last call began."""
        return sum(n * self._length(address, size) for (_, address, size), n in self._blocks.items())

    def profile(self, inclusive: bool = True) -> dict[str, int]:
        """Return the instructions since the last call began, by watched function entered last, or by own function."""
        found: Counter[str] = Counter()
        for (entered, address, size), times in self._blocks.items():
            name = self._function(entered if inclusive else address)
            found[name.split(".")[0]] += times * self._length(address, size)
        return dict(found)

    def write(self, address: int, contents: bytes) -> None:
        """Put bytes into the core's memory (mapped when it is not yet)."""
        self._map(address, max(1, len(contents)))
        self._uc.mem_write(address, contents)

    def read(self, address: int, size: int) -> bytes:
        """Return bytes of the core's memory."""
        return bytes(self._uc.mem_read(address, size))

    def paint_stack(self) -> None:
        """Fill the stack with a pattern."""
        self._uc.mem_write(self._top - STACK_BYTES, bytes([PAINT]) * STACK_BYTES)

    def stack_used(self) -> int:
        """Return how deep the stack has been since it was painted, in bytes."""
        stack = np.frombuffer(self.read(self._top - STACK_BYTES, STACK_BYTES), dtype=np.uint8)
        touched = np.flatnonzero(stack != PAINT)
        if len(touched) and touched[0] == 0:
            raise LrtcError(f"{self.firmware.core}: the stack is deeper than {STACK_BYTES} bytes")
        return int(STACK_BYTES - touched[0]) if len(touched) else 0


def run_emulated(files: dict[str, str], name: str, x: np.ndarray, core: str, classes: int) -> Emulated:
    """Return the logits of every image of x, uint8 [N,…] in the IR's axis order, and what they cost on `core`.

    files: what the C backend emitted for `name`. LrtcError on a fault, naming the function it happened in.
    """
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        entries = [f"{name}_run", f"{name}_classify"]
        roots = [entry for entry in entries if entry in files[f"{name}.h"]]
        firmware = build_firmware(files, core, Path(folder), sources=[f"{name}.c"], roots=roots)
    machine = Core(firmware)
    x = np.ascontiguousarray(x, dtype=np.uint8)
    taken = x[0].size if len(x) else 0
    answers = MAILBOX + (taken + 3) // 4 * 4
    logits = np.empty((len(x), classes), dtype=np.int32)
    instructions = np.empty(len(x), dtype=np.int64)
    machine.watch(n for _, _, n in firmware.functions if n.startswith(f"{name}_"))
    machine.paint_stack()
    machine.write(answers, bytes(4 * classes))
    for i, image in enumerate(x):
        machine.write(MAILBOX, image.tobytes())
        machine.call(f"{name}_run", MAILBOX, answers)
        logits[i] = np.frombuffer(machine.read(answers, 4 * classes), dtype="<i4")
        instructions[i] = machine.executed()
    profile = machine.profile() if len(x) else {}
    return Emulated(logits, instructions, profile, firmware.sizes, machine.stack_used())


def run_self_test(files: dict[str, str], name: str, core: str) -> int:
    """Return the exit status of the emitted self-test on an emulated core: 0 when every vector agrees."""
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        firmware = _self_test(files, name, core, Path(folder), None)
    status = Core(firmware).status
    return -1 if status is None else status


def run_self_test_qemu(files: dict[str, str], name: str, core: str) -> int | None:
    """Return the exit status of the self-test on QEMU's board with this core, or None where QEMU is not on PATH."""
    tool = qemu_arm()
    if tool is None:
        return None
    machine, memory = QEMU_MACHINE[core]
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        _self_test(files, name, core, Path(folder), memory)
        argv = [
            tool.path, "-M", machine, "-nographic", "-semihosting-config", "enable=on,target=native",
            "-kernel", f"{memory}.elf",
        ]  # fmt: skip
        return run_tool(argv, Path(folder), f"self-test on {machine}", seconds=120).status


def _self_test(files: dict[str, str], name: str, core: str, folder: Path, memory: str | None) -> Firmware:
    sources = [f"{name}.c", f"{name}_test.c"]
    return build_firmware(
        files, core, folder, sources=sources, defines=["LRTC_SELFTEST_MAIN"], memory=memory
    )  # fmt: skip
