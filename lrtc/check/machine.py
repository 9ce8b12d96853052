"""A core of Unicorn with a program in it: functions are called, instructions counted exactly, the stack measured.

Unicorn executes; a hook on every basic block counts it, capstone says once what a block holds. That is exact (equal
to QEMU's instruction count) and costs little. It is not cycles: no pipeline is modelled.
"""

from __future__ import annotations

import bisect
from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

from lrtc.check.cores import core_named
from lrtc.check.cycles import Instruction, Timing, block_cycles
from lrtc.check.firmware import Firmware, segments
from lrtc.check.isa import isa_of
from lrtc.errors import LrtcError

PAGE = 0x1000
TRAP = 0x00F0_0000  # a return address inside flash's map, above every program
MAILBOX = 0x2100_0000  # RAM of the caller, apart from the program's
STACK_BYTES = 0x8000
PAINT = 0xA5
LIMIT = 2_000_000_000
Block = tuple[int, int, int]  # the watched function entered last, the block's address and bytes


class Machine:
    """An emulated core with a program in it, started up and ready to be called. given: what its console may read."""

    def __init__(self, firmware: Firmware, limit: int = LIMIT, given: bytes = b"") -> None:
        import unicorn

        self.firmware, self.limit, self._unicorn = firmware, limit, unicorn
        self._isa = isa_of(core_named(firmware.core))
        self._uc = self._isa.engine
        self._pages: set[int] = set()
        self._blocks: Counter[tuple[Block, bool]] = Counter()
        self._last: Block | None = None
        self._behind = 0
        self._entries: set[int] = set()
        self._entered = 0
        self._texts: dict[tuple[int, int], list[Instruction]] = {}
        self._starts = [address for address, _, _ in firmware.functions]
        self._fault: str | None = None
        self._status: int | None = None
        self.output, self._given = "", iter(given)
        self._load()
        self._uc.hook_add(unicorn.UC_HOOK_BLOCK, self._on_block)
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
        self._top = self.firmware.symbols["lrtc_stack_top"]
        self._map(self._top - STACK_BYTES, STACK_BYTES)

    def _start_up(self) -> None:
        """Run from reset until the program leaves: .data and .bss are then as after a start."""
        self._uc.reg_write(self._isa.sp, self._top)
        self._execute(self.firmware.symbols["Reset_Handler"], "the start-up")
        if self._status is None:
            raise LrtcError(f"{self.firmware.core}: the start-up did not end")

    @property
    def status(self) -> int | None:
        """Return what main returned."""
        return self._status

    def _on_block(self, uc: object, address: int, size: int, _: object) -> None:
        if address in self._entries:
            self._entered = address
        if self._last is not None:
            self._blocks[self._last, address != self._behind] += 1
        self._last, self._behind = (self._entered, address, size), address + size
        self._left -= size
        if self._left < 0:
            self._fault = f"no end after about {self.limit} instructions, stopped at {self._where(address)}"
            self._uc.emu_stop()

    def _serve(self, pc: int) -> bool:
        """Do what the trap of semihosting at `pc` asks for: leave, print, read, count. Return whether it left."""
        operation, argument = (self._uc.reg_read(register) for register in self._isa.arguments[:2])
        if operation == 0x20:
            self._status = int.from_bytes(self._uc.mem_read(argument + 4, 4), "little", signed=True)
            return True
        if operation == 4:
            while (character := bytes(self._uc.mem_read(argument, 1))) != b"\0":
                self.output += character.decode("latin-1")
                argument += 1
        if operation == 0x30:
            self._uc.mem_write(argument, self.executed().to_bytes(8, "little"))
        if operation == 7:
            self._uc.reg_write(self._isa.arguments[0], next(self._given, 0xFFFF_FFFF))
        return False

    def _where(self, address: int) -> str:
        return f"{address:#x} ({self._function(address)})"

    def _function(self, address: int) -> str:
        i = bisect.bisect_right(self._starts, address) - 1
        return self.firmware.functions[i][2] if i >= 0 else "?"

    def _execute(self, address: int, what: str) -> None:
        """Run from `address` until it returns or leaves; LrtcError when it does neither."""
        isa, trap = self._isa, len(self._isa.trap)
        self._fault, self._left = None, 2 * self.limit
        while True:
            try:
                self._uc.emu_start(address | isa.thumb, TRAP)
                break
            except self._unicorn.UcError as error:
                pc = self._uc.reg_read(isa.pc)
                if self._maps(pc, trap) and self.read(pc, trap) == isa.trap:
                    if self._serve(pc):
                        return
                    address = pc + trap
                else:
                    raise LrtcError(f"{self.firmware.core}: {what}: {error} at {self._where(pc)}") from None
        if self._fault:
            raise LrtcError(f"{self.firmware.core}: {what}: {self._fault}")

    def _maps(self, address: int, size: int) -> bool:
        return all(at & ~(PAGE - 1) in self._pages for at in (address, address + size - 1))

    def call(self, function: str, *arguments: int) -> int:
        """Return what a function returns, called as C does with integers or addresses; counts from 0."""
        isa = self._isa
        if function not in self.firmware.symbols:
            raise LrtcError(f"{self.firmware.core}: the program has no function {function}")
        self._blocks.clear()
        self._last = None
        self._entered = self.firmware.symbols[function] & ~1
        for register, value in zip(isa.arguments, arguments, strict=False):
            self._uc.reg_write(register, value & 0xFFFF_FFFF)
        stacked = b"".join((n & 0xFFFF_FFFF).to_bytes(4, "little") for n in arguments[len(isa.arguments) :])
        top = self._top - -(-len(stacked) // 16) * 16  # aligned as both families want the stack at a call
        self._uc.mem_write(top, stacked)
        self._uc.reg_write(isa.sp, top)
        self._uc.reg_write(isa.link, TRAP | isa.thumb)
        self._execute(self.firmware.symbols[function], function)
        if self._last is not None:
            self._blocks[self._last, True] += 1
        return self._uc.reg_read(isa.arguments[0])

    def _text(self, address: int, size: int) -> list[Instruction]:
        """Return the instructions of a block."""
        if (address, size) not in self._texts:
            found = list(self._isa.disassembler.disasm_lite(self.read(address, size), address))
            if sum(n for _, n, _, _ in found) != size:
                stopped = address + sum(n for _, n, _, _ in found)
                raise LrtcError(f"{self.firmware.core}: no instruction at {self._where(stopped)}")
            self._texts[address, size] = [(mnemonic, operands) for _, _, mnemonic, operands in found]
        return self._texts[address, size]

    def watch(self, functions: Iterable[str]) -> None:
        """From now on count by these functions: what one executes and calls is its own, until the next is entered."""
        wanted = {name.split(".")[0] for name in functions}  # gcc clones get suffixes
        self._entries = {address for address, _, name in self.firmware.functions if name.split(".")[0] in wanted}

    def executed(self) -> int:
        """Return the instructions executed since the last call began."""
        return sum(self.profile().values())

    def profile(self, inclusive: bool = True) -> dict[str, int]:
        """Return the instructions since the last call began, by watched function entered last, or by own function."""
        return self._tally(lambda text, taken: len(text), inclusive)

    def cycles(self, timing: Timing) -> dict[str, int]:
        """Return the estimated cycles since the last call began, by watched function entered last."""
        return self._tally(lambda text, taken: block_cycles(timing, text, taken), True)

    def _tally(self, measure: Callable[[list[Instruction], bool], int], inclusive: bool) -> dict[str, int]:
        found: Counter[str] = Counter()
        for ((entered, address, size), taken), times in self._blocks.items():
            name = self._function(entered if inclusive else address)
            found[name.split(".")[0]] += times * measure(self._text(address, size), taken)
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
