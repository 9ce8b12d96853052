"""What a module of the library takes on an iCE40, in LUT4, flip-flops, block RAMs of 4 kbit and multipliers.

Fitted to what Yosys 0.70 maps for the committed digits network at 12,000 cycles, module by module (`synth_ice40
-noflatten`) and layer by layer. MEASURED is what layers took, and tests hold the estimate to it; what that network has
not (±1 × ±1, integer weights, pools, sums) follows the same form and was not measured. Multipliers are those of an
UP5K; other iCE40 take some 9 LUTs a bit of the accumulator more for each.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil

from lrtc.plan.modules import WIRES

SHAPES = ((16, 256), (8, 512), (4, 1024), (2, 2048))  # of a block RAM, bits × rows
ROWS_IN_LUTS = 64  # of a ROM that Yosys makes of LUTs
# lrtc synth examples/mnist/mnist_ternary.pt --board icebreaker --cycles 12000 --fold conv1=2x3
# layer → LUT, FF, BRAM, DSP
MEASURED = {
    "conv1": (342, 305, 1, 0),
    "conv2": (448, 435, 6, 0),
    "conv3": (766, 775, 16, 0),
    "fc": (261, 248, 6, 1),
}

Numbers = Mapping[str, int]
Taken = tuple[float, ...]  # LUTs, flip-flops, block RAMs, multipliers


def rams(width: int, rows: int) -> int:
    """Return the block RAMs of a memory."""
    return min(ceil(width / bits) * ceil(rows / deep) for bits, deep in SHAPES)


def _slot(p: Numbers) -> float:
    """Return the LUTs of a product and its share of the sum."""
    if p["InKind"] == 1:
        return {0: 2.5, 1: 4.3}.get(p["WeightKind"], p["WeightBits"] * 2.5)
    return p["InBits"] * (2.0 if p["WeightKind"] < 2 else p["WeightBits"] * 2.5) + 4


def varying(p: Numbers) -> float:
    """Return what is left of a slot whose weights come from a ROM of few rows, many bits of which are equal in all.

    On 7-series, 16 outputs of 9 bytes by ternary weights and of 32 bits by ±1 ones took 0.34 and 0.53 of it with 1 row,
    0.49 and 0.32 with 2, 0.79 and 0.64 with 4, all of it with 8.
    """
    return min(1.0, 0.3 + 0.1 * (p["Outputs"] // p["Pe"]) * (p["Fan"] // p["Simd"]))


def _mvu(p: Numbers) -> Taken:
    window, sums = p["Groups"] * p["Fan"] * p["InBits"], p["Pe"] * p["AccBits"]
    lut = (
        window * (p["Fan"] > p["Simd"])
        + p["Pe"] * p["Simd"] * _slot(p) * varying(p)
        + sums * 1.2
        + 40
        + p["HasPad"] * p["Taps"]
    )
    return lut, window + p["Simd"] * p["InBits"] + 3 * sums + 25, 0, 0


def _dense(p: Numbers) -> Taken:
    sums, word = p["Pe"] * p["AccBits"], p["Simd"] * p["InBits"]
    return p["Pe"] * p["Simd"] * _slot(p) + sums * 1.2 + 60, 3 * sums + 20, rams(word, 2 * p["Fan"] // p["Simd"]), 0


def _rom(p: Numbers) -> Taken:
    if p["Depth"] > ROWS_IN_LUTS:
        split = ceil(p["Depth"] / 512) - 1
        return p["Width"] * 2 * split if split and p["Width"] > 8 else 4, 3, rams(p["Width"], p["Depth"]), 0
    return p["Width"] * p["Depth"] * 0.13, p["Width"], 0, 0


def _line_buffer(p: Numbers) -> Taken:
    bits, rows = p["PixelBits"], p["SpanH"] - 1
    return 44 + bits * 0.8, p["SpanH"] * p["SpanW"] * bits + 25, rams(rows * bits, p["Width"]) if rows else 0, 0


def _threshold(p: Numbers) -> Taken:
    lut = 12 + p["Pe"] * p["AccBits"] * 1.05 * p["Levels"].bit_length()
    return lut, p["Pe"] * (p["AccBits"] + p["OutBits"]) + 8, 0, 0


def _affine(p: Numbers) -> Taken:
    return 14 + p["Pe"] * p["OutBits"], 12 + p["Pe"] * (p["AccBits"] + 2 * p["OutBits"]), 0, p["Pe"]


FORMULAS: dict[str, Callable[[Numbers], Taken]] = {
    WIRES: lambda p: (p["Gates"] * 0.97, p["Flops"] + p["Stages"], 0, 0),
    "lrtc_mvu": _mvu,
    "lrtc_dense": _dense,
    "lrtc_rom": _rom,
    "lrtc_line_buffer": _line_buffer,
    "lrtc_fifo": lambda p: (30, 13, rams(p["Width"], p["Depth"]), 0),
    "lrtc_threshold": _threshold,
    "lrtc_affine": _affine,
    "lrtc_skid_buffer": lambda p: (p["Width"] * 1.1 + 5, 2 * p["Width"] + 2, 0, 0),
    "lrtc_upsize": lambda p: (11, p["Width"] * p["Ratio"] + 5, 0, 0),
    "lrtc_downsize": lambda p: (p["Width"] * p["Ratio"] + 8, p["Width"] * p["Ratio"] + 7, 0, 0),
    "lrtc_maxpool": lambda p: (p["Channels"] * p["Taps"] * p["Bits"] * 0.6, p["Channels"] * p["Bits"] + 1, 0, 0),
    "lrtc_sumpool": lambda p: (p["Channels"] * p["Taps"] * p["OutBits"], p["Channels"] * p["OutBits"], 0, 0),
    "lrtc_add": lambda p: (p["Channels"] * p["OutBits"], p["Channels"] * p["OutBits"], 0, 0),
    "lrtc_crop": lambda p: (25, p["PixelBits"] + 12, 0, 0),
    "lrtc_topk": lambda p: (p["K"] * (p["Width"] * 2.5 + 10), p["K"] * (p["Width"] + 14), 0, 0),
}  # fmt: skip
