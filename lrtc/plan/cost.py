"""What something takes on an FPGA: LUTs, flip-flops, block RAMs, multipliers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Area:
    """LUTs, flip-flops, block RAMs and multipliers, as Yosys maps them.

    lut: cells, and those in which RAMs are kept, which are `lutram` of them. bram: of 36 kbit or halves on 7-series, of
    18 on ECP5 and Gowin's, of 4 on iCE40.
    """

    lut: int = 0
    ff: int = 0
    bram: float = 0
    dsp: int = 0
    lutram: int = 0

    def __add__(self, other: Area) -> Area:
        return Area(
            self.lut + other.lut,
            self.ff + other.ff,
            self.bram + other.bram,
            self.dsp + other.dsp,
            self.lutram + other.lutram,
        )

    @property
    def text(self) -> str:
        """Return it in words."""
        more = [(self.bram, "block RAMs"), (self.dsp, "DSPs")]
        return f"{self.lut:,} LUTs, {self.ff:,} FFs" + "".join(f", {n:g} {what}" for n, what in more if n)


NOTHING = Area()
