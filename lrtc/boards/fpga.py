"""FPGA boards: TOML → FpgaBoard. The clock, the serial line, SPI and the LEDs; data, checked whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lrtc.boards.fields import Fields
from lrtc.boards.reading import WORD, read_table
from lrtc.errors import FaultList, LrtcError, nearest, shown

PIN = r"[A-Z]?[0-9]{1,3}"
STANDARD = r"LVCMOS(12|15|18|25|33)"
DEVICE = r"[a-z0-9-]{1,40}"
# programmer → the texts that a board file gives for it, field → pattern
PROGRAMMERS: Mapping[str, Mapping[str, str]] = {"openfpgaloader": {"board": WORD}, "iceprog": {}}
LINKS = ("uart", "spi")
SPI = {"sck": "sck_i", "cs": "cs_ni", "mosi": "mosi_i", "miso": "miso_o"}  # field → port of the top
SLOWEST_BITS = 1 << 16  # clock cycles of a bit of the serial line


@dataclass(frozen=True)
class Pin:
    """A pin of the package and its electrical standard."""

    name: str
    standard: str


@dataclass(frozen=True)
class FpgaBoard:
    """An FPGA board as its TOML file says. device: as `lrtc synth --device` names it. leds: the lowest bit first.

    dark: the level at which an LED is off. programmers: name → its fields, in order of preference. spi: port → pin of
    SPI; nothing where the board has no pins for it.
    """

    name: str
    title: str
    chip: str
    device: str
    clock_hz: int
    baud: int
    clock: Pin
    rx: Pin
    tx: Pin
    leds: tuple[Pin, ...]
    dark: int
    programmers: Mapping[str, Mapping[str, str]]
    note: str
    spi: Mapping[str, Pin] = field(default_factory=dict)

    @property
    def clocks_per_bit(self) -> int:
        """Return the cycles of a bit on the serial line."""
        return round(self.clock_hz / self.baud)

    @property
    def pins(self) -> dict[str, Pin]:
        """Return port of the top module → pin, with the serial line."""
        return self.pins_of("uart")

    def pins_of(self, link: str) -> dict[str, Pin]:
        """Return port of the top module → pin, with a link of LINKS; LrtcError if the board has no pins for it."""
        if link == "spi" and not self.spi:
            raise LrtcError(f"no pins of {self.name} are known for SPI", hint="leave --link out, for the serial line")
        line = self.spi if link == "spi" else {"rx_i": self.rx, "tx_o": self.tx}
        return {"clk_i": self.clock, **line, **{f"led_o[{k}]": pin for k, pin in enumerate(self.leds)}}


def fpga_names() -> tuple[str, ...]:
    """Return the FPGA boards that come with lrtc."""
    return tuple(sorted(path.stem for path in _folder().glob("*.toml")))


def fpga_named(name: str) -> FpgaBoard:
    """Return an FPGA board that comes with lrtc; LrtcError names the known ones."""
    if name not in fpga_names():
        raise LrtcError(f"no FPGA board {shown(name)!r}{nearest(name, fpga_names())}; known: {', '.join(fpga_names())}")
    path = _folder() / f"{name}.toml"
    return parse_fpga(name, read_table(path), str(path))


def parse_fpga(name: str, table: object, where: str) -> FpgaBoard:
    """Return the board of a parsed file; LrtcError names every fault."""
    faults = FaultList()
    top = Fields(table, "", faults)
    board = FpgaBoard(
        name=name,
        title=top.text("title"),
        chip=top.text("chip", r"[A-Za-z0-9][A-Za-z0-9_./-]{0,59}"),
        device=top.text("device", DEVICE),
        clock_hz=top.number("clock_hz", 1_000, 1_000_000_000),
        baud=top.number("baud", 300, 10_000_000),
        clock=_pin(top, top.inner("clock")),
        rx=_pin(top, top.inner("rx")),
        tx=_pin(top, top.inner("tx")),
        leds=_leds(top),
        dark=top.number("dark", 0, 1, 0),
        programmers=_programmers(top),
        note=top.text("note", needed=False),
        spi=_spi(top),
    )
    top.finish()
    if (
        not 4 <= board.clocks_per_bit <= SLOWEST_BITS
        or abs(board.clock_hz / board.baud / board.clocks_per_bit - 1) > 0.02
    ):
        faults.add("baud", f"{board.baud} is no 1/4 to 1/{SLOWEST_BITS} of the clock, to 2 %")
    faults.check(f"{where}: {{n}}")
    return board


def _pin(top: Fields, fields: Fields | None) -> Pin:
    if fields is None:
        return Pin("0", "LVCMOS33")
    pin = Pin(fields.text("pin", PIN), fields.text("standard", STANDARD, needed=False) or "LVCMOS33")
    fields.finish()
    return pin


def _spi(top: Fields) -> dict[str, Pin]:
    fields = top.inner("spi", needed=False)
    if fields is None:
        return {}
    found = {port: _pin(fields, fields.inner(name)) for name, port in SPI.items()}
    fields.finish()
    return found


def _leds(top: Fields) -> tuple[Pin, ...]:
    fields = top.inner("leds", needed=False)
    if fields is None:
        return ()
    names = fields.items("pins")
    standard = fields.text("standard", STANDARD, needed=False) or "LVCMOS33"
    rows = [Fields({"pin": name}, f"leds.pins[{k}]", top.faults) for k, name in enumerate(names)]
    fields.finish()
    return tuple(Pin(row.text("pin", PIN), standard) for row in rows)


def _programmers(top: Fields) -> dict[str, dict[str, str]]:
    table = top.inner("programmers", needed=False)
    found: dict[str, dict[str, str]] = {}
    for name in list(table.table) if table else ():
        if name not in PROGRAMMERS:
            table.faults.add(f"programmers.{shown(name, 40)}", f"unknown; known: {', '.join(PROGRAMMERS)}")
            continue
        fields = table.inner(name)
        found[name] = {field: fields.text(field, pattern) for field, pattern in PROGRAMMERS[name].items()}
        fields.finish()
    return found


def _folder() -> Path:
    return Path(__file__).resolve().parent / "fpga"
