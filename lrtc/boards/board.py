"""What a board is: its core, its memories, how a program reaches it, how it says something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

BOOTS = ("cortex-m", "rp2040", "rp2350", "esp32c3", "avr")
CONSOLES = ("semihosting", "uart", "rtt")
ACTIONS = ("write", "set", "clear", "wait")


@dataclass(frozen=True)
class Memory:
    """A memory as a program addresses it: origin, size in bytes."""

    origin: int
    size: int

    @property
    def end(self) -> int:
        """Return the first address after it."""
        return self.origin + self.size


@dataclass(frozen=True)
class Step:
    """One access to a register: write `value`; set or clear its bits; wait until all of them are set."""

    action: str
    address: int
    value: int


@dataclass(frozen=True)
class Direction:
    """One direction of a UART. ready: `mask` of the register `status` is not 0 (`set`) or 0 (`clear`).

    event: `status` is an event of its own (nRF): cleared before a byte is sent and after one was received.
    """

    data: int
    status: int
    mask: int
    when: str
    event: bool


@dataclass(frozen=True)
class Uart:
    """A UART at the clock that the board has after `init`; 8 data bits, no parity. width: bits of a register."""

    pins: str
    baud: int
    width: int
    init: tuple[Step, ...]
    send: Direction
    receive: Direction


@dataclass(frozen=True)
class Current:
    """What the running core takes, in µA per MHz at a supply of so many volts, and who says so."""

    ua_per_mhz: float
    volts: float
    source: str


@dataclass(frozen=True)
class Board:
    """A board as its TOML file says. clock_hz: of the core, as the firmware runs it; stack: bytes kept for it in RAM.

    boot: how the chip finds the program. programmers: name → its fields, in order of preference. uf2: the family, or
    None. emulated: it exists only as an emulator.
    """

    name: str
    title: str
    chip: str
    core: str
    boot: str
    clock_hz: int
    flash: Memory
    ram: Memory
    stack: int
    emulated: bool
    init: tuple[Step, ...]
    programmers: Mapping[str, Mapping[str, object]]
    uf2: int | None
    uart: Uart | None
    current: Current | None
    note: str

    @property
    def consoles(self) -> tuple[str, ...]:
        """Return how the firmware can talk, the default first."""
        found = ["semihosting"] if self.emulated else []
        found += ["uart"] if self.uart else []
        if self.core.startswith("cortex-m") and not self.emulated:
            found += ["rtt", "semihosting"]
        return tuple(found)
