"""FPGAs by name: family, LUTs and block RAMs as their makers' tables give them, and how much a plan may take."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.errors import LrtcError, nearest
from lrtc.plan.budget import Budget

FULL = 0.85  # of the LUTs: beyond it, placing and routing begin to fail


@dataclass(frozen=True)
class Device:
    """What an FPGA has. brams: of 36 kbit; of 4 kbit on an iCE40."""

    family: str
    luts: int
    brams: int

    @property
    def budget(self) -> Budget:
        """Return what a plan may take of it."""
        return Budget(int(self.luts * FULL), self.brams, self.family)


DEVICES = {
    "ice40-up5k": Device("ice40", 5_280, 30),
    "ice40-hx8k": Device("ice40", 7_680, 32),
    "xc7z010": Device("xc7", 17_600, 60),
    "xc7z020": Device("xc7", 53_200, 140),
    "xc7z045": Device("xc7", 218_600, 545),
    "xc7a35t": Device("xc7", 20_800, 50),
    "xc7a100t": Device("xc7", 63_400, 135),
    "xc7a200t": Device("xc7", 134_600, 365),
}


def device_named(name: str) -> Device:
    """Return a device; LrtcError names the known ones."""
    if name not in DEVICES:
        raise LrtcError(f"no device {name!r}{nearest(name, DEVICES)}; known: {', '.join(DEVICES)}")
    return DEVICES[name]
