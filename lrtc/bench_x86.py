"""The emitted conv64 on x86 with AVX-512 against a kernel of VPOPCNTDQ: a ratio of times, taken in one run."""

from __future__ import annotations

import re

import numpy as np

from lrtc.backends.c.weights import border
from lrtc.bench_layers import Row, conv64
from lrtc.check.cores import core_named
from lrtc.check.native import run_race
from lrtc.driver import Result, compile

CORE = core_named("host_avx512")
TARGET = 1.0
RACES = 5  # the median of their ratios counts
_CALL = re.compile(r"(\w+_layer)\(arena \+ \d+, (arena \+ \d+), arena \+ \d+\);")  # input, scratch, output
_HEADER = """#include "{name}.c"
#define RACE_LAYER(y, x) {function}((x), {work}, (y))
#define RACE_ROWS {rows}
#define RACE_COLS {cols}
static const uint64_t race_weights[8][9][8] __attribute__((aligned(64))) = {{{weights}}};
static const int64_t race_limit[9][64] __attribute__((aligned(64))) = {{{limits}}};
"""


def bench_x86() -> list[Row]:
    """Return the time of the emitted layer, as a part of that of hw/c/native/vpopcntdq.c in the same run.

    Both compute the same layer, and every output is compared. ToolMissing where the processor has no VPOPCNTDQ.
    """
    result = compile(conv64(), "c", lanes=256)
    times = run_race({**result.files, "race.h": _race(result)}, CORE, RACES)
    ratio = float(np.median([ours / theirs for ours, theirs in times]))
    return [Row("mcu/conv64/x86", round(ratio, 3), "× VPOPCNTDQ", TARGET)]


def _race(result: Result) -> str:
    """Return the header of the race: the emitted text, how its layer is called, and the layer's weights and limits."""
    step = next(step for step in result.plan.steps if step.matrix)
    layer, name = step.matrix, result.name
    function, work = _CALL.search(result.files[f"{name}.c"]).groups()
    weights = layer.weights.reshape(64, 9, 64)
    words = ((weights < 0).astype(np.uint64) << np.arange(64, dtype=np.uint64)).sum(axis=2, dtype=np.uint64)
    edge = border(layer.window, layer.weights)
    # A tap outside counts as −1: acc = 2·agree − 576 + missing ≥ level.
    limits = -((edge.missing - layer.level - layer.weights[0].size) // 2)
    return _HEADER.format(
        name=name, function=function, work=work.replace("arena", f"{name}_arena"), rows=layer.window.out[0],
        cols=layer.window.out[1], weights=_rows(words.reshape(8, 8, 9).transpose(0, 2, 1).reshape(72, 8), "0x{:x}u"),
        limits=_rows(limits, "{}"),
    )  # fmt: skip


def _rows(values: np.ndarray, form: str) -> str:
    return ", ".join(form.format(int(v)) for v in values.reshape(-1))
