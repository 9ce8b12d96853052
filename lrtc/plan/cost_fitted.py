"""What a layer takes as `lrtc synth` maps it, by numbers that were fitted to layers that Yosys mapped (`fitted.py`).

A figure is a sum of what the parts of a layer have, each times a number of the family. Memories and multipliers are
rules: which sizes go into block RAMs, and which products into DSPs, is fitted too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from math import ceil

from lrtc.plan.cost import Area
from lrtc.plan.fitted import FITTED
from lrtc.plan.modules import WIRES, Part

RAM18 = ((36, 512), (18, 1024), (9, 2048), (4, 4096), (2, 8192), (1, 16384))
RAM4 = ((16, 256), (8, 512), (4, 1024), (2, 2048))
# bits × rows of a block RAM
RAMS = {"ice40": RAM4, "ice40hx": RAM4, "ecp5": RAM18, "gowin": RAM18, "xc7": RAM18}
LUT_ROWS = {"ice40": 16, "ice40hx": 16, "ecp5": 16, "gowin": 16, "xc7": 64}  # of a ROM of one bit in one LUT
ABSORBED = 8  # rows of a ROM that are part of the LUTs of what reads it
# bits × rows of a RAM made of LUTs, and the LUTs that it takes with what writes it
LUT_RAMS = {"ecp5": ((4, 16, 6),), "gowin": ((4, 16, 4),), "xc7": ((6, 32, 4), (3, 64, 4))}
NEVER = 1 << 30

Numbers = Mapping[str, int]
Fit = Mapping[str, Mapping[str, float]]
Sums = tuple[float, float, float, int, int]  # LUTs, flip-flops, block RAMs, multipliers, LUTs that hold RAMs


def estimate(parts: Iterable[Part], family: str, numbers: Fit | None = None) -> Area:
    """Return what a layer of these parts takes; KeyError for a family that was not fitted. numbers: not ours."""
    every = [_known(part, family) if numbers is None else _part(part, family, numbers) for part in parts]
    lut, ff, bram, dsp, ram = (sum(own) for own in zip((0, 0, 0, 0, 0), *every, strict=True))
    numbers = numbers or FITTED[family]
    lut, ff = lut + numbers["LUT"].get("layer", 0.0), ff + numbers["FF"].get("layer", 0.0)
    return Area(ceil(lut) + ram, ceil(ff), bram, int(dsp), ram)


@cache
def _known(part: Part, family: str) -> Sums:
    return _part(part, family, FITTED[family])


def _part(part: Part, family: str, numbers: Fit) -> Sums:
    rules = {name: int(numbers["rules"][name]) for name in ("rom", "ram", "product")}
    p = dict(part.parameters)
    lut, ff = UNFITTED.get(part.module, lambda p: (0.0, 0.0))(p)
    lut += sum(numbers["LUT"].get(name, 0.0) * n for name, n in luts(part.module, p, family, rules).items())
    ff += sum(numbers["FF"].get(name, 0.0) * n for name, n in flops(part.module, p, family, rules).items())
    ram = sum(
        lut_rams(width, rows, family)
        for kind, width, rows in memories(part.module, p)
        if kind == "ram" and not in_block_ram(kind, width, rows, family, rules)
    )
    return lut, ff, block_rams(part.module, p, family, rules), multipliers(part.module, p, rules), ram


# Modules that no drawn network has: (LUTs, flip-flops), reckoned.
UNFITTED = {
    "lrtc_crop": lambda p: (25, p["PixelBits"] + 12),
    "lrtc_topk": lambda p: (p["K"] * (p["Width"] * 2.5 + 10), p["K"] * (p["Width"] + 14)),
}


def varying(p: Numbers) -> float:
    """Return what is left of a slot whose weights come from a ROM of few rows, many bits of which are equal in all.

    On 7-series, 16 outputs of 9 bytes by ternary weights and of 32 bits by ±1 ones took 0.34 and 0.53 of it with 1 row,
    0.49 and 0.32 with 2, 0.79 and 0.64 with 4, all of it with 8.
    """
    return min(1.0, 0.3 + 0.1 * (p["Outputs"] // p["Pe"]) * (p["Fan"] // p["Simd"]))


def lut_rams(width: int, rows: int, family: str) -> int:
    """Return the LUTs that hold a RAM; 0 where a family has no such RAMs, and makes them of flip-flops."""
    shapes = LUT_RAMS.get(family)
    return min(ceil(width / bits) * ceil(rows / deep) * n for bits, deep, n in shapes) if shapes else 0


def multipliers(module: str, p: Numbers, rules: Mapping[str, int]) -> int:
    """Return the products that become DSPs: of at least `product` bits."""
    if module == "lrtc_affine" and rules["product"] < NEVER:
        return p["Pe"]
    return p["Pe"] * p["Simd"] if _by_dsp(module, p, rules) else 0


def _by_dsp(module: str, p: Numbers, rules: Mapping[str, int]) -> bool:
    if module not in ("lrtc_mvu", "lrtc_dense") or p["WeightKind"] != 2 or p["InKind"] == 1:
        return False
    return p["InBits"] + (p["InKind"] == 0) + p["WeightBits"] >= rules["product"]


def memories(module: str, p: Numbers) -> list[tuple[str, int, int]]:
    """Return (rom or ram, bits, rows) of each memory of a part."""
    if module == "lrtc_rom":
        return [("rom", p["Width"], p["Depth"])]
    if module == "lrtc_fifo":
        return [("ram", p["Width"], p["Depth"])]
    if module == "lrtc_dense":
        return [("ram", p["Simd"] * p["InBits"], 2 * p["Fan"] // p["Simd"])]
    if module == "lrtc_line_buffer" and p["SpanH"] > 1:
        return [("ram", p["PixelBits"] * (p["SpanH"] - 1), p["Width"])]
    return []


def whole_rams(width: int, rows: int, family: str) -> int:
    """Return the block RAMs that a memory would fill: of 4 kbit on iCE40, else of 18."""
    return min(ceil(width / bits) * ceil(rows / deep) for bits, deep in RAMS[family])


def in_block_ram(kind: str, width: int, rows: int, family: str, rules: Mapping[str, int]) -> bool:
    """Return whether a memory is made of block RAMs: where it has at least as many bits for each as the rule says."""
    return rows > 1 and width * rows >= rules[kind] * whole_rams(width, rows, family)


def block_rams(module: str, p: Numbers, family: str, rules: Mapping[str, int]) -> float:
    """Return the block RAMs of a part: of 36 kbit in halves on 7-series, of 4 on iCE40, else of 18."""
    total = 0
    for kind, width, rows in memories(module, p):
        if in_block_ram(kind, width, rows, family, rules):
            total += whole_rams(width, rows, family)
    return total / 2 if family == "xc7" else total


def luts(module: str, p: Numbers, family: str, rules: Mapping[str, int]) -> Counter[str]:
    """Return what a part has of each thing that takes LUTs."""
    found: Counter[str] = Counter()
    if module == WIRES:
        found["gates"], found["wired flip-flops"] = p["Gates"], p["Flops"]
    elif module in ("lrtc_mvu", "lrtc_dense"):
        slots, lane = p["Pe"] * p["Simd"] * varying(p), ("planes", "signs")[p["InKind"] == 1]
        if p["WeightKind"] < 2:
            found[f"{lane} x {('bipolar', 'ternary')[p['WeightKind']]}"] = slots * p["InBits"]
        elif _by_dsp(module, p, rules):
            found["sum of products"] = slots * (p["InBits"] + p["WeightBits"])
        else:
            found[f"{lane} x integer"] = slots * p["InBits"] * p["WeightBits"]
        found["accumulator"] = p["Pe"] * p["AccBits"]
        found["dot unit"] = 1
        if module == "lrtc_mvu" and p["Fan"] > p["Simd"]:
            found["turning window"] = p["Groups"] * p["Fan"] * p["InBits"]
    elif module == "lrtc_threshold":
        found["comparison"] = p["Pe"] * p["AccBits"] * p["Levels"].bit_length()
        choice = "choice of levels" if p["Folds"] > 1 else "choice of constant levels"
        found[choice] = p["Pe"] * p["AccBits"] * (p["Levels"] - 1)
    elif module == "lrtc_affine":
        found["scale"] = p["Pe"] * p["OutBits"]
        if rules["product"] >= NEVER:
            found["product of a scale"] = p["Pe"] * p["AccBits"] * 8
    elif module == "lrtc_line_buffer":
        found["line buffer"] = 1
        found["padded taps"] = p["Padded"] * p["PixelBits"] * p["KernelH"] * p["KernelW"]
        found["pixel"] = p["PixelBits"]
    elif module == "lrtc_maxpool":
        kind = "maximum of bits" if p["Bits"] == 1 else "maximum of numbers"
        found[kind] = p["Channels"] * p["Taps"] * p["Bits"]
    elif module == "lrtc_sumpool":
        found["sum of a window"] = p["Channels"] * p["Taps"] * p["OutBits"]
    elif module == "lrtc_add":
        found["sum"] = p["Channels"] * p["OutBits"]
    elif module == "lrtc_skid_buffer":
        found["skid buffer"] = p["Width"]
    elif module == "lrtc_downsize":
        found["downsize"] = p["Width"] * p["Ratio"]
    elif module == "lrtc_upsize":
        found["upsize"] = 1
        found["gathered bits"] = p["Width"] * p["Ratio"]
    elif module == "lrtc_fifo":
        found["queue"] = 1
    for kind, width, rows in memories(module, p):
        if in_block_ram(kind, width, rows, family, rules):
            found["block RAM"] += 1
        elif kind == "ram":
            found["RAM in LUTs"] += width * ceil(rows / 16)
        elif rows > LUT_ROWS[family]:
            found["ROM of many rows"] += width * rows
        elif rows > ABSORBED:
            found["ROM of few rows"] += width
        elif rows > 1:
            found["ROM of very few rows"] += width
    return found


def flops(module: str, p: Numbers, family: str, rules: Mapping[str, int]) -> Counter[str]:
    """Return what a part has of each thing that takes flip-flops."""
    found: Counter[str] = Counter()
    if module == WIRES:
        found["wired flip-flops"], found["wired stages"] = p["Flops"], p["Stages"]
    elif module == "lrtc_mvu":
        found["window"] = p["Groups"] * p["Fan"] * p["InBits"]
    if module in ("lrtc_mvu", "lrtc_dense"):
        found["lanes"] = p["Simd"] * p["InBits"]
        found["sums"] = p["Pe"] * p["AccBits"]
        found["dot unit"] = 1
    elif module == "lrtc_threshold":
        found["threshold"] = p["Pe"] * (p["AccBits"] + p["OutBits"])
    elif module == "lrtc_affine":
        found["scale"] = p["Pe"] * (p["AccBits"] + 2 * p["OutBits"])
    elif module == "lrtc_line_buffer":
        found["taps"] = p["SpanH"] * p["SpanW"] * p["PixelBits"]
        found["line buffer"] = 1
    elif module in ("lrtc_maxpool", "lrtc_sumpool", "lrtc_add"):
        found["pool or sum"] = p["Channels"] * p["Bits" if module == "lrtc_maxpool" else "OutBits"]
    elif module == "lrtc_skid_buffer":
        found["skid buffer"] = 2 * p["Width"]
    elif module in ("lrtc_upsize", "lrtc_downsize"):
        found["other width"] = p["Width"] * p["Ratio"]
    elif module == "lrtc_fifo":
        found["queue"] = p["Width"]
    for kind, width, rows in memories(module, p):
        if rows > 1 and not in_block_ram(kind, width, rows, family, rules):
            found[f"{kind} in LUTs"] += width
    return found
