"""The options of the HLS target: those of the plan, and the chip that the scripts are written for."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from lrtc.backends.streaming import answer_faults
from lrtc.errors import FaultList, nearest, shown
from lrtc.ir import Graph

OPTIONS = (
    "output", "target_cycles", "fold", "budget", "input_lanes", "templates", "vectors", "part", "clock", "control",
)  # fmt: skip
PART = re.compile(r"x[caq][a-z0-9]{3,12}(-[a-z0-9]{1,12}){1,5}", re.IGNORECASE)
DEFAULT_PART = "xc7z020clg400-1"
DEFAULT_CLOCK = 100_000_000
CLOCKS = (1_000_000, 1_000_000_000)  # Hz, the least and the greatest
CONTROLS = ("none", "axilite")
KEYWORDS = frozenset(
    """alignas alignof asm auto bool catch char16_t char32_t class const constexpr const_cast decltype delete
    dynamic_cast explicit export false friend inline mutable namespace new noexcept nullptr operator private protected
    public reinterpret_cast static_assert static_cast template this thread_local throw true try typeid typename using
    virtual NULL EOF errno assert stdin stdout stderr auto break case char continue default do double else enum extern
    float for goto if int long register return short signed sizeof static struct switch typedef union unsigned void
    volatile while main wchar_t and_eq bitand bitor compl not_eq or_eq xor_eq hls std lrtc lrtc_sim ap_int ap_uint
    ap_axiu linux unix
    """.split()  # noqa: SIM905 - a table of words is no easier to read
)


@dataclass(frozen=True)
class Chip:
    """What the scripts are written for. clock: Hz. control: "none", or "axilite" for a port that starts images."""

    part: str
    clock: int
    control: str

    @property
    def seen(self) -> dict[str, object]:
        """Return what the templates see."""
        return {
            "part": self.part,
            "control": self.control,
            "hertz": self.clock,
            "clock": f"{self.clock / 1e6:g} MHz",
            "period": f"{1e9 / self.clock:.3f}",
        }


def checked(graph: Graph, name: str, options: Mapping[str, object]) -> Chip:
    """Return what the scripts are written for; LrtcError names every option that is wrong."""
    faults = FaultList()
    for key in options:
        if key not in OPTIONS:
            faults.add(str(key), f"no such option{nearest(str(key), OPTIONS)}; known: {', '.join(OPTIONS)}")
    if name in KEYWORDS or name.startswith("lrtc_"):
        faults.add(name, "this name is a word of C++ or of a library that is used; choose another")
    answer_faults(graph, options.get("output", "logits"), faults)
    part = options.get("part") or DEFAULT_PART
    if not PART.fullmatch(str(part)):
        faults.add("part", f"{shown(part)!r} is no part of AMD's; for example {DEFAULT_PART}, xczu7ev-ffvc1156-2-e")
    clock = options.get("clock") or DEFAULT_CLOCK
    low, high = CLOCKS
    if not isinstance(clock, (int, float)) or not low <= clock <= high:
        faults.add("clock", f"{clock} Hz; {low // 10**6} MHz to {high // 10**6} MHz are supported")
    control = options.get("control") or "none"
    if control not in CONTROLS:
        faults.add("control", f"{control!r}{nearest(str(control), CONTROLS)}; known: {', '.join(CONTROLS)}")
    faults.check("{n} in the options of target hls")
    return Chip(str(part), int(clock), str(control))
