"""What a module of the library takes on a device: an estimate by formulas, fitted to what Yosys maps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import ceil

from lrtc.plan import cost_ice40
from lrtc.plan.modules import WIRES, Part

FAMILIES = ("xc7", "ice40")
ROWS_IN_LUTS = 128  # of a ROM that Yosys 0.70 makes of LUTs; one of 512 rows is a block RAM
# Of a gate and of a flip-flop of what is hard-wired: two gates share a site, unless a register cuts them apart. Twelve
# netlists, a register after 4 gates, after 8, at the end only, are within 17 % of that, nine of them within 7 %.
WIRED_SITES = 0.40, 0.35
RAM36 = ((72, 512), (36, 1024), (18, 2048), (9, 4096), (4, 8192), (2, 16384), (1, 32768))  # shapes, bits × rows


@dataclass(frozen=True)
class Area:
    """LUTs, flip-flops, block RAMs and multipliers.

    xc7: sites of LUT6, two small functions in one where they fit; RAMs of 36 kbit, or halves. ice40: LUT4, RAMs of
    4 kbit.
    """

    lut: int = 0
    ff: int = 0
    bram: float = 0
    dsp: int = 0

    def __add__(self, other: Area) -> Area:
        return Area(self.lut + other.lut, self.ff + other.ff, self.bram + other.bram, self.dsp + other.dsp)

    @property
    def text(self) -> str:
        """Return it in words."""
        return f"{self.lut:,} LUTs, {self.ff:,} FFs" + (f", {self.bram:g} block RAMs" if self.bram else "")


NOTHING = Area()


@cache
def area(part: Part, family: str = "xc7") -> Area:
    """Return what a part takes. The formulas hold for the flow of `make bench-hw`."""
    if family == "ice40":
        lut, ff, bram, dsp = cost_ice40.FORMULAS[part.module](dict(part.parameters))
        return Area(ceil(lut), ceil(ff), bram, dsp)
    lut, ff, bram = FORMULAS[part.module](dict(part.parameters))
    return Area(ceil(lut), ceil(ff), bram)


Numbers = Mapping[str, int]
Taken = tuple[float, float, float]


def _mvu(p: Numbers) -> Taken:
    slots, bits, folded = p["Pe"] * p["Simd"], p["InBits"], p["Fan"] > p["Simd"]
    window = p["Groups"] * p["Fan"] * bits
    per_slot = slot_luts(p["InKind"], bits, p["WeightKind"], p["WeightBits"]) * cost_ice40.varying(p)
    lut = slots * per_slot + (45 if folded else 20)
    lut += (window / 2 if folded else 0) + p["Pe"] * p["AccBits"] * (1.2 if folded else 0.6)
    return lut, window + p["Simd"] * bits + 3 * p["Pe"] * p["AccBits"] + 30, 0


def _dense(p: Numbers) -> Taken:
    slots, acc, word = p["Pe"] * p["Simd"], p["Pe"] * p["AccBits"], p["Simd"] * p["InBits"]
    steps = p["Fan"] // p["Simd"]
    lut = slots * slot_luts(p["InKind"], p["InBits"], p["WeightKind"], p["WeightBits"]) + acc * 1.2 + 45
    return lut + _ram(word, 2 * steps), 3 * acc + word + 50, 0


def slot_luts(in_kind: int, in_bits: int, weight_kind: int, weight_bits: int) -> float:
    """Return the LUTs that one product and its share of the sum take."""
    if in_kind == 1:
        return {0: 1.2, 1: 3.0}.get(weight_kind, weight_bits * 1.2)
    return in_bits * 1.2 + 3 + weight_kind if weight_kind < 2 else in_bits * weight_bits * 1.6


def _rom(p: Numbers) -> Taken:
    width, depth = p["Width"], p["Depth"]
    if depth == 1:
        return 0, 0, 0
    if depth <= ROWS_IN_LUTS:  # 0.5, 1 and 3.1 a bit of a row were measured at 32, 64 and 128 rows
        return width * (0.5 if depth <= 32 else 1 if depth <= 64 else 3.1), width, 0
    return 0, 0, min(ceil(2 * width * ceil(depth / rows) / bits) / 2 for bits, rows in RAM36)


def _ram(width: int, rows: int) -> float:
    """Return the LUTs of a memory made of LUTs: RAM32M and RAM64M are four each."""
    return width * (4 / 6 if rows <= 32 else ceil(rows / 64) * 4 / 3)


def _fifo(p: Numbers) -> Taken:
    return _ram(p["Width"], p["Depth"]) + 40, p["Width"] + 15, 0


def _line_buffer(p: Numbers) -> Taken:
    bits, taps = p["PixelBits"], p["KernelH"] * p["KernelW"]
    lut = _ram(bits * (p["SpanH"] - 1), p["Width"]) + bits / 2 + 28 + (bits * taps / 2 if p["Padded"] else 0)
    return lut, p["SpanH"] * p["SpanW"] * bits + 40, 0


def _threshold(p: Numbers) -> Taken:
    compares = (p["Levels"]).bit_length()
    return (
        p["Pe"] * (p["AccBits"] * compares + 1) + 8 + 2 * p["Folds"].bit_length(),
        p["Pe"] * (p["AccBits"] + p["OutBits"]) + 10,
        0,
    )


def _affine(p: Numbers) -> Taken:
    return p["Pe"] * p["AccBits"] * 8, 3 * p["Pe"] * p["OutBits"], 0


def _wires(p: Numbers) -> Taken:
    per_gate, per_flop = WIRED_SITES
    return p["Gates"] * per_gate + p["Flops"] * per_flop, p["Flops"] + p["Stages"], 0


FORMULAS: dict[str, Callable[[Numbers], Taken]] = {
    WIRES: _wires,
    "lrtc_mvu": _mvu,
    "lrtc_dense": _dense,
    "lrtc_rom": _rom,
    "lrtc_fifo": _fifo,
    "lrtc_line_buffer": _line_buffer,
    "lrtc_threshold": _threshold,
    "lrtc_affine": _affine,
    "lrtc_skid_buffer": lambda p: (p["Width"] * 0.5 + 3, 2 * p["Width"] + 3, 0),
    "lrtc_upsize": lambda p: (2 * p["Ratio"].bit_length() + 4, p["Width"] * p["Ratio"] + 8, 0),
    "lrtc_downsize": lambda p: (p["Width"] * p["Ratio"] * 0.5 + 10, p["Width"] * p["Ratio"] + 8, 0),
    "lrtc_maxpool": lambda p: (p["Channels"] * p["Taps"] * p["Bits"] * 0.39, p["Channels"] * p["Bits"] + 1, 0),
    "lrtc_sumpool": lambda p: (p["Channels"] * p["Taps"] * p["OutBits"] * 0.6, p["Channels"] * p["OutBits"], 0),
    "lrtc_add": lambda p: (p["Channels"] * p["OutBits"], p["Channels"] * p["OutBits"], 0),
    "lrtc_crop": lambda p: (20, p["PixelBits"] + 12, 0),
    "lrtc_topk": lambda p: (p["K"] * (p["Width"] * 1.5 + 8), p["K"] * (p["Width"] + 8), 0),
}
