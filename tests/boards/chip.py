"""A board's chip in Unicorn: flash holds a BIN, the UART's registers are as the board file says, the rest is memory.

It starts as the chip's boot ROM does. It proves that file, start-up and linker script agree with each other; that the
addresses are those of the silicon only silicon or its maker's emulator can prove.
"""

from __future__ import annotations

import struct

import unicorn
from unicorn import arm_const as arm
from unicorn import riscv_const as riscv

from lrtc.boards import Board
from lrtc.check.cores import core_named

PAGE = 0x1000
LIMIT = 20_000_000
BOOT2 = 0x20041F00  # where an RP2040's ROM runs the first 256 bytes
LOOKUP, PLAIN_READS = 0x100, 0x120  # functions in the ROM
DATA_BUS = 0x3C000000  # the second address of an ESP32-C3's flash


class Chip:
    """Runs from reset until the program has sent `lines` lines, or has read all that it was given."""

    def __init__(self, board: Board, image: bytes, given: bytes = b"", lines: int = 1) -> None:
        self.board, self.lines = board, lines
        self.sent, self.given, self.asked = b"", list(given), []
        core = core_named(board.core)
        if core.family == "arm":
            model = getattr(arm, f"UC_CPU_ARM_{core.unicorn}")
            self.uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB, model)
        else:
            self.uc = unicorn.Uc(unicorn.UC_ARCH_RISCV, unicorn.UC_MODE_RISCV32)
        self.pages: set[int] = set()
        self._store(board.flash.origin, image)
        if board.boot == "esp32c3":
            self._store(DATA_BUS, image)
        self.uc.hook_add(unicorn.UC_HOOK_MEM_UNMAPPED, self._touch)
        self._registers()

    def run(self) -> str:
        """Return what the program has sent."""
        start = getattr(self, "_start_" + self.board.boot.replace("-", "_"))
        self.uc.emu_start(start(), 0, count=LIMIT)
        return self.sent.decode("ascii")

    def _map(self, address: int, size: int = 1) -> None:
        for page in range(address & ~(PAGE - 1), address + size, PAGE):
            if page not in self.pages:
                self.uc.mem_map(page, PAGE)
                self.pages.add(page)

    def _store(self, address: int, contents: bytes) -> None:
        self._map(address, len(contents))
        self.uc.mem_write(address, contents)

    def _touch(self, uc, access, address, size, value, _) -> bool:
        if access == unicorn.UC_MEM_FETCH_UNMAPPED:
            return False
        self._map(address, size)
        return True

    def _put(self, address: int, value: int) -> None:
        self._map(address, 4)
        self.uc.mem_write(address, value.to_bytes(4, "little"))

    def _registers(self) -> None:
        uart = self.board.uart
        for step in (*self.board.init, *uart.init):
            if step.action == "wait":
                self._put(step.address, step.value)
        self._map(uart.send.data, 4)
        self._map(uart.receive.data, 4)
        self._status()
        hook = self.uc.hook_add
        hook(unicorn.UC_HOOK_MEM_WRITE, self._send, begin=uart.send.data, end=uart.send.data)
        hook(unicorn.UC_HOOK_MEM_READ, self._receive, begin=uart.receive.data, end=uart.receive.data)
        for status in {uart.send.status, uart.receive.status}:
            hook(unicorn.UC_HOOK_MEM_READ, self._poll, begin=status, end=status)

    def _status(self) -> None:
        """Both directions are ready: a byte may be sent, a byte is there."""
        uart = self.board.uart
        ready: dict[int, int] = {}
        for direction in (uart.send, uart.receive):
            bits = direction.mask if direction.when == "set" else 0
            ready[direction.status] = ready.get(direction.status, 0) | bits
        for address, bits in ready.items():
            self._put(address, bits)

    def _poll(self, uc, access, address, size, value, _) -> None:
        self._status()

    def _send(self, uc, access, address, size, value, _) -> None:
        self.sent += bytes([value & 0xFF])
        if self.sent.count(b"\n") >= self.lines:
            uc.emu_stop()

    def _receive(self, uc, access, address, size, value, _) -> None:
        if self.given:
            self._put(address, self.given.pop(0))

    def _vectors(self, address: int) -> int:
        """Return where the core starts, its stack pointer set from the table."""
        top, reset = struct.unpack("<2I", self.uc.mem_read(address, 8))
        self.uc.reg_write(arm.UC_ARM_REG_SP, top)
        assert self.board.ram.origin < top <= self.board.ram.end
        assert reset & 1
        return reset

    def _start_cortex_m(self) -> int:
        return self._vectors(self.board.flash.origin)

    def _start_rp2350(self) -> int:
        """The ROM takes the image block of the first 4 KiB, then the vector table."""
        head = bytes(self.uc.mem_read(self.board.flash.origin, 4096))
        at = head.index(0xFFFFDED3.to_bytes(4, "little"))
        assert at % 4 == 0
        assert head[at + 16 : at + 20] == 0xAB123579.to_bytes(4, "little")
        return self._vectors(self.board.flash.origin)

    def _start_rp2040(self) -> int:
        """The ROM checks 256 bytes, copies them to RAM and enters them; its table knows "plain serial reads"."""
        boot2 = bytes(self.uc.mem_read(self.board.flash.origin, 256))
        assert crc32_mpeg2(boot2[:252]) == int.from_bytes(boot2[252:], "little")
        self._store(BOOT2, boot2)
        rom = bytearray(PAGE)
        rom[0x14:0x1A] = struct.pack("<3H", 0x200, 0, LOOKUP | 1)
        rom[LOOKUP : LOOKUP + 8] = bytes.fromhex("00487047") + (PLAIN_READS | 1).to_bytes(
            4, "little"
        )  # ldr r0, =…; bx lr
        rom[PLAIN_READS : PLAIN_READS + 2] = bytes.fromhex("7047")
        self._store(0, bytes(rom))
        self.uc.hook_add(unicorn.UC_HOOK_CODE, self._ask, begin=LOOKUP, end=LOOKUP)
        self.uc.hook_add(unicorn.UC_HOOK_CODE, self._ask, begin=PLAIN_READS, end=PLAIN_READS)
        self.uc.reg_write(arm.UC_ARM_REG_SP, BOOT2)
        return BOOT2 | 1

    def _ask(self, uc, address, size, _) -> None:
        arguments = uc.reg_read(arm.UC_ARM_REG_R0), uc.reg_read(arm.UC_ARM_REG_R1)
        self.asked.append((address, *arguments) if address == LOOKUP else (address,))

    def _start_esp32c3(self) -> int:
        assert bytes(self.uc.mem_read(self.board.flash.origin, 8)) == bytes.fromhex("1d04dbae") * 2
        self.uc.reg_write(riscv.UC_RISCV_REG_SP, self.board.ram.origin + 0x100)
        return self.board.flash.origin + 8


def crc32_mpeg2(contents: bytes) -> int:
    """Return the CRC-32 that an RP2040's ROM expects: polynomial 04C11DB7, all ones first, not reflected."""
    crc = 0xFFFFFFFF
    for byte in contents:
        crc ^= byte << 24
        for _ in range(8):
            crc = (crc << 1 ^ (0x04C11DB7 if crc >> 31 else 0)) & 0xFFFFFFFF
    return crc
