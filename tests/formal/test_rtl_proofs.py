"""Modules of the RTL library proven, not only simulated: for every input, every stall and every reset."""

from __future__ import annotations

from pathlib import Path

import pytest

from lrtc.check.formal import Goal, prove_goal
from lrtc.resources import share

HERE = Path(__file__).parent
RTL = {path.name: path.read_text(encoding="utf-8") for path in (share("hw") / "rtl").glob("*.sv")}


def probes(**names: str) -> dict[str, str]:
    return {f"p_{wire}": f"dut.{register}" for wire, register in names.items()}


def fifo(depth: int) -> Goal:
    joined = probes(valid="out_valid_q", ready="in_ready_q", write="wr_addr_q", read="rd_addr_q", level="level_q")
    words = {f"p_memory[{2 * k + 1}:{2 * k}]": f"dut.u_ram.mem[{k}]" for k in range(depth)}
    return Goal("prove_fifo", {"Depth": depth}, {**joined, **probes(out="u_ram.rd_data_q"), **words})


def sized(top: str, ratio: int) -> Goal:
    return Goal(top, {"Ratio": ratio}, probes(valid="out_valid_q", data="data_q", count=COUNT[top]))


COUNT = {"prove_upsize": "gen_pack.count_q", "prove_downsize": "gen_split.count_q"}
SKID = probes(valid="out_valid_q", free="skid_free_q", out="out_data_q", skid="skid_data_q")
GOALS = {
    **{f"skid buffer {w}": Goal("prove_skid_buffer", {"Width": w}, SKID) for w in (1, 3)},
    **{f"fifo {depth}": fifo(depth) for depth in (2, 3, 4)},
    **{f"upsize {ratio}": sized("prove_upsize", ratio) for ratio in (2, 3)},
    **{f"downsize {ratio}": sized("prove_downsize", ratio) for ratio in (2, 3)},
    **{
        f"last of {n}": Goal(
            "prove_frame_last",
            {"Beats": n},
            probes(valid="out_valid_q", out="out_data_q", **({"count": "gen_count.count_q"} if n > 1 else {})),
        )
        for n in (1, 3)
    },
    **{
        f"fork to {n}, reader {r}": Goal("prove_fork", {"Readers": n, "Reader": r}, probes(data="data_q"))
        for n, r in ((2, 0), (3, 2))
    },
    "join": Goal("prove_join", {}, probes(data="data_q")),
}
DOTS = [  # Lanes, Groups, InBits, InKind, WeightKind, WeightBits, AccBits, HasPad, Raw
    (1, 1, 1, 1, 0, 1, 4, 0, 0), (7, 1, 1, 1, 0, 1, 5, 0, 0), (9, 3, 1, 1, 0, 1, 6, 1, 0), (6, 2, 1, 1, 0, 1, 6, 1, 1),
    (8, 1, 1, 1, 1, 1, 5, 0, 0), (8, 2, 1, 1, 1, 1, 6, 1, 0), (4, 2, 3, 0, 0, 1, 6, 1, 0), (4, 1, 3, 2, 1, 1, 6, 0, 0),
    (3, 1, 1, 1, 2, 4, 7, 1, 0), (2, 1, 3, 0, 2, 3, 8, 1, 0), (4, 2, 2, 2, 2, 2, 7, 1, 0), (3, 1, 2, 2, 1, 1, 6, 1, 0),
]  # fmt: skip
NAMES = ("Lanes", "Groups", "InBits", "InKind", "WeightKind", "WeightBits", "AccBits", "HasPad", "Raw")
KEPT = {"acc": "acc_q", "acc_valid": "acc_valid_q", "out_valid": "out_valid_q", "out": "out_data_q"}
THRESHOLD = probes(row="const_data", **{wire: f"u_core.{register}" for wire, register in KEPT.items()})
ARITHMETIC = {
    **{f"popcount {n}": Goal("prove_popcount", {"Width": n}) for n in (1, 7, 16)},
    **{f"dot {'x'.join(map(str, d))}": Goal("prove_dot", dict(zip(NAMES, d, strict=True))) for d in DOTS},
    **{
        f"threshold {levels} of {acc} bits": Goal(
            "prove_threshold", {"AccBits": acc, "Levels": levels, "OutBits": out, "Low": low}, THRESHOLD
        )
        for acc, levels, out, low in ((4, 1, 1, 0), (4, 2, 2, -1), (4, 3, 2, 0), (3, 7, 3, -4))
    },
    **{
        f"max-pool {taps}x{bits}{'s' if signed else ''}{' least' if least else ''}": Goal(
            "prove_maxpool", {"Taps": taps, "Bits": bits, "Signed": signed, "Least": least}, probes(out="out_data_q")
        )
        for taps, bits, signed, least in ((4, 1, 0, 0), (4, 1, 0, 1), (3, 3, 0, 0), (3, 3, 1, 0), (3, 3, 1, 1))
    },
    **{
        f"argmax of {n}{'' if signed else ' unsigned'}": Goal(
            "prove_argmax", {"Count": n, "Width": 3, "Signed": signed, "Levels": (n - 1).bit_length()}, cycles=6
        )
        for n, signed in ((2, 1), (3, 1), (5, 0), (5, 1))
    },
}
LINES = {
    f"line buffer {h}x{w} kernel {k} stride {s} pad {p}": Goal(
        "prove_line_buffer", {"Height": h, "Width": w, "Kernel": k, "Stride": s, "Pad": p}, cycles=cycles
    )
    for h, w, k, s, p, cycles in ((2, 2, 2, 1, 0, 14), (2, 3, 2, 1, 1, 16), (3, 3, 2, 2, 0, 16))
}


def sources(*files: str) -> dict[str, str]:
    own = {name: (HERE / name).read_text(encoding="utf-8") for name in files}
    library = {name: text for name, text in RTL.items() if name != "lrtc_rom.sv" or "arithmetic.sv" not in files}
    return {**library, **own}


@pytest.mark.parametrize("name", GOALS)
def test_streams(name: str):
    shown = prove_goal(sources("follow.sv", "streams.sv"), GOALS[name])
    assert shown.holds, shown.said


@pytest.mark.parametrize("name", ARITHMETIC)
def test_arithmetic(name: str):
    shown = prove_goal(sources("follow.sv", "arithmetic.sv"), ARITHMETIC[name])
    assert shown.holds, shown.said


@pytest.mark.parametrize("name", LINES)
def test_line_buffers(name: str):
    shown = prove_goal(sources("line_buffer.sv"), LINES[name])
    assert shown.holds, shown.said


@pytest.mark.parametrize(
    ("file", "right", "wrong", "name"),
    [
        ("lrtc_skid_buffer.sv", "skid_free_q ? in_data_i : skid_data_q", "in_data_i", "skid buffer 1"),
        ("lrtc_fifo.sv", "level_d != LevelBits'(Depth)", "1'b1", "fifo 2"),
        ("lrtc_upsize.sv", "!out_valid_q || out_ready_i;", "1'b1;", "upsize 2"),
        ("lrtc_downsize.sv", "!out_valid_q || (last && out_ready_i)", "!out_valid_q || last", "downsize 2"),
        ("lrtc_threshold_core.sv", "acc >= level", "acc > level", "threshold 1 of 4 bits"),
        ("lrtc_maxpool.sv", "any ^ MinMask", "any", "max-pool 4x1 least"),
        ("lrtc_argmax.sv", "high[Width-1:0] > low", "high[Width-1:0] >= low", "argmax of 3"),
        ("lrtc_argmax.sv", "{IndexBits'(k), value}", "{IndexBits'(0), value}", "argmax of 5"),
        ("lrtc_dot.sv", "- AccBits'(mask_count)", "- AccBits'(Lanes)", "dot 8x1x1x1x1x1x5x0x0"),
        ("lrtc_line_buffer.sv", "SkipWBits'(StrideW - 1)", "SkipWBits'(0)", "line buffer 3x3 kernel 2 stride 2 pad 0"),
    ],
)
def test_a_wrong_module_is_not_proven(file: str, right: str, wrong: str, name: str):
    goal = {**GOALS, **ARITHMETIC, **LINES}[name]
    mine = ("line_buffer.sv",) if name in LINES else ("follow.sv", "streams.sv" if name in GOALS else "arithmetic.sv")
    assert RTL[file].count(right) == 1, "the module no longer says this: change the mutation with it"
    changed = {**sources(*mine), file: RTL[file].replace(right, wrong)}
    assert not prove_goal(changed, goal).holds
