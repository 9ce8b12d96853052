"""FPGAs by name: family and what each has, as their makers' tables say, and how much of it a plan may take."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.errors import LrtcError, nearest
from lrtc.plan.budget import Budget

FULL = 0.85  # of LUTs and flip-flops: beyond it, placing and routing begin to fail
SPARE_RAMS = 0.05  # of block RAMs, rounded down, but one at least: their estimate is off by one at times


@dataclass(frozen=True)
class Device:
    """What an FPGA has. family: of FITTED. brams: of 36 kbit on 7-series, 4 on iCE40, else 18; dsps: multipliers.

    cells: logic cells of a LUT and a flip-flop, where a flip-flop takes the one of a LUT that it does not follow.
    """

    family: str
    luts: int
    ffs: int
    brams: int
    dsps: int
    cells: int | None = None

    def budget(self, name: str) -> Budget:
        """Return what a plan may take of it."""
        luts, ffs = int(self.luts * FULL), int(self.ffs * FULL)
        cells = None if self.cells is None else int(self.cells * FULL)
        brams = self.brams - max(1, int(self.brams * SPARE_RAMS))
        return Budget(luts, brams, self.family, ffs, self.dsps, cells, name)


DEVICES = {
    "ice40-up5k": Device("ice40", 5_280, 5_280, 30, 8, 5_280),
    "ice40-hx8k": Device("ice40hx", 7_680, 7_680, 32, 0, 7_680),
    "ecp5-12k": Device("ecp5", 12_000, 12_000, 32, 28),
    "ecp5-25k": Device("ecp5", 24_288, 24_288, 56, 28),
    "ecp5-45k": Device("ecp5", 43_848, 43_848, 108, 72),
    "ecp5-85k": Device("ecp5", 83_640, 83_640, 208, 156),
    "gowin-gw1n-9": Device("gowin", 8_640, 6_480, 26, 20, 8_640),
    "gowin-gw2a-18": Device("gowin", 20_736, 15_552, 46, 48, 20_736),
    "xc7z010": Device("xc7", 17_600, 35_200, 60, 80),
    "xc7z020": Device("xc7", 53_200, 106_400, 140, 220),
    "xc7z045": Device("xc7", 218_600, 437_200, 545, 900),
    "xc7a35t": Device("xc7", 20_800, 41_600, 50, 90),
    "xc7a50t": Device("xc7", 32_600, 65_200, 75, 120),
    "xc7a100t": Device("xc7", 63_400, 126_800, 135, 240),
    "xc7a200t": Device("xc7", 134_600, 269_200, 365, 740),
}


def device_named(name: str) -> Device:
    """Return a device; LrtcError names the known ones."""
    if name not in DEVICES:
        raise LrtcError(f"no device {name!r}{nearest(name, DEVICES)}; known: {', '.join(DEVICES)}")
    return DEVICES[name]


def device_budget(name: str) -> Budget:
    """Return what a plan may take of a device; LrtcError names the known ones."""
    return device_named(name).budget(name)
