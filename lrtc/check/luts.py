"""LUT6 sites of a design: Yosys maps it for area, LUTs are paired as a LUT6_2 holds them, and what was mapped is run.

Designs are compared by one flow, whatever their style. A site is a 7-series LUT: one function of 6 inputs, or two
functions of at most 5 inputs between them. Flip-flops have synchronous reset and enable, as FDRE and FDSE do.
"""

from __future__ import annotations

import json
import re
import tempfile
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np

from lrtc.check.toolchain import run_tool, write_files
from lrtc.check.yosys import SECONDS, yosys_command
from lrtc.errors import LrtcError

# ABC for area. Functions of at most 5 inputs: two of them share a site. A script that names no -K may make some of 6,
# which cost it as much as two (COSTS); with 6 allowed at the price of one every style measured takes more.
AREA = "strash; ifraig; if -K 5 -a -F 8 -A 8; mfs2 -a -e"
FLOPS = ("$_DFF_P_", "$_DFFE_PP_", "$_SDFF_PP0_", "$_SDFF_PP1_", "$_SDFFE_PP0P_", "$_SDFFE_PP1P_")
SITE_INPUTS, PAIR_INPUTS = 6, 5
FRONT = "synth -flatten -noabc -top {top}; opt_clean; memory_map; opt; simplemap; dfflegalize {flops}"
# Memories become block RAMs and LUT RAMs of 7-series, but for small ROMs, before all else becomes gates.
WITH_MEMORIES = (
    "synth_xilinx -flatten -nodsp -noiopad -noclkbuf -top {top} -run begin:map_ffram; "
    "synth -noabc -top {top} -run fine:check; opt_clean; simplemap; dfflegalize {flops}"
)
MEMORY_SITES = {"RAM32M": 4, "RAM64M": 4, "RAM32X1D": 2, "RAM64X1D": 2, "RAM128X1D": 4, "RAMB18E1": 0, "RAMB36E1": 0}
COSTS = "1,1,1,1,1,2"  # of functions of 1 to 6 inputs
BACK = f"abc -luts {COSTS} -script area.abc; opt_lut; opt_clean; delete */t:$scopeinfo; proc =*; write_json mapped.json"

Net = int | str  # a wire's number, or "0", "1", "x"


@dataclass(frozen=True)
class Lut:
    """out = bit k of `table`, k: the values of `ins`, the first at the LSB."""

    out: Net
    ins: tuple[Net, ...]
    table: int

    @property
    def wires(self) -> frozenset[Net]:
        """Return the inputs that are no constants."""
        return frozenset(net for net in self.ins if isinstance(net, int))


@dataclass(frozen=True)
class Flop:
    """A flip-flop: out becomes `value` where `reset` is 1, else `data` where `enable` is 1, at each clock edge."""

    out: Net
    data: Net
    enable: Net = "1"
    reset: Net = "0"
    value: int = 0


@dataclass(frozen=True)
class Mapped:
    """A mapped design. ports: name → its nets, bit 0 first. memories: cell → how many."""

    inputs: Mapping[str, tuple[Net, ...]]
    outputs: Mapping[str, tuple[Net, ...]]
    luts: tuple[Lut, ...]
    flops: tuple[Flop, ...] = ()
    memories: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def sites(self) -> int:
        """Return the LUT6 sites: those of 6 inputs, pairs, what found no partner, and memories made of LUTs."""
        memories = sum(MEMORY_SITES[kind] * count for kind, count in self.memories.items())
        return count_sites([lut.wires for lut in self.luts]) + memories

    def run(self, steps: Sequence[Mapping[str, np.ndarray]]) -> list[dict[str, np.ndarray]]:
        """Return output → bool [N, bits] of each clock cycle for input → bool [N, bits] of each: N runs side by side.

        Flip-flops start at 0, and so does an input that is not given. Outputs are those before the clock edge.
        LrtcError if there are memories.
        """
        if self.memories:
            raise LrtcError("a mapped design with memories is counted, not run")
        rows = len(next(iter(steps[0].values())))
        state, found = {flop.out: np.zeros(rows, bool) for flop in self.flops}, []
        for inputs in steps:
            nets = self._settled(inputs, state, rows)
            held = {flop.out: np.where(nets[flop.enable], nets[flop.data], state[flop.out]) for flop in self.flops}
            state = {flop.out: np.where(nets[flop.reset], bool(flop.value), held[flop.out]) for flop in self.flops}
            found.append({name: np.stack([nets[wire] for wire in wires], 1) for name, wires in self.outputs.items()})
        return found

    def _settled(
        self, inputs: Mapping[str, np.ndarray], state: Mapping[Net, np.ndarray], rows: int
    ) -> dict[Net, np.ndarray]:
        """Return net → bool [N]."""
        nets = {"0": np.zeros(rows, bool), "1": np.ones(rows, bool), "x": np.zeros(rows, bool), **state}
        for name, wires in self.inputs.items():
            values = np.asarray(inputs[name], bool).T if name in inputs else [nets["0"]] * len(wires)
            nets.update(zip(wires, values, strict=True))
        for lut in self._ordered:
            index = np.zeros(rows, np.uint8)
            for k, net in enumerate(lut.ins):
                index |= nets[net].astype(np.uint8) << k
            table = np.array([lut.table >> k & 1 for k in range(1 << len(lut.ins))], bool)
            nets[lut.out] = table[index]
        return nets

    @cached_property
    def _ordered(self) -> tuple[Lut, ...]:
        """Return the LUTs, each behind those that it reads."""
        made, done, order = {lut.out: lut for lut in self.luts}, set(), []
        for root in self.luts:
            waiting = [root]
            while waiting:
                before = [made[net] for net in waiting[-1].ins if net in made and net not in done]
                if before:
                    waiting += before
                    continue
                lut = waiting.pop()
                if lut.out not in done:
                    done.add(lut.out)
                    order.append(lut)
        return tuple(order)


def count_sites(luts: Sequence[frozenset[Net]]) -> int:
    """Return the sites that LUTs with these inputs take: partners read at most 5 wires between them, and share one.

    Equal sets are paired first, then greedily those that share most.
    """
    full = sum(len(wires) == SITE_INPUTS for wires in luts)
    equal: dict[frozenset[Net], int] = defaultdict(int)
    for wires in luts:
        if len(wires) < SITE_INPUTS:
            equal[wires] += 1
    pairs = sum(count // 2 for count in equal.values())
    rest = sorted(
        (wires for wires, count in equal.items() if count % 2), key=lambda wires: (-len(wires), sorted(wires))
    )
    readers: dict[Net, list[int]] = defaultdict(list)
    for k, wires in enumerate(rest):
        for wire in wires:
            readers[wire].append(k)
    candidates = []
    for k, wires in enumerate(rest):
        for j in {j for wire in wires for j in readers[wire] if j > k}:
            if (union := len(wires | rest[j])) <= PAIR_INPUTS:
                candidates.append((union - len(wires) - len(rest[j]), union, k, j))
    used: set[int] = set()
    for _, _, k, j in sorted(candidates):
        if k not in used and j not in used:
            used |= {k, j}
            pairs += 1
    return full + pairs + len(rest) - len(used)


def map_luts(
    files: Mapping[str, str], top: str, script: str = AREA, seconds: float = SECONDS, memories: bool = False
) -> Mapped:
    """Return the design `top` of .sv files mapped to LUTs; ToolMissing without Yosys, LrtcError if it refuses.

    memories: some become block RAMs and RAMs of LUTs; else all become gates.
    """
    with tempfile.TemporaryDirectory(prefix="lrtc-") as name:
        folder = Path(name)
        write_files({**files, "area.abc": f"{script}\n"}, folder)
        sources = " ".join(path for path in sorted(files) if path.endswith(".sv"))
        front = (WITH_MEMORIES if memories else FRONT).format(
            top=top, flops=" ".join(f"-cell {cell} x" for cell in FLOPS)
        )
        words = [*yosys_command(), "-q", "-l", "yosys.log", "-p", f"read_verilog -sv {sources}; {front}; {BACK}"]
        done = run_tool(words, folder, f"mapping {top}", seconds)
        mapped = folder / "mapped.json"
        if done.status != 0 or not mapped.is_file():
            log = folder / "yosys.log"
            said = (log.read_text("utf-8", "replace") if log.is_file() else done.output).splitlines()
            told = [line for line in said if "ERROR" in line] or said[-8:]
            raise LrtcError(f"Yosys does not map {top}\n  " + "\n  ".join(told))
        return read_mapped(json.loads(mapped.read_text("utf-8")), top)


def read_mapped(design: Mapping[str, object], top: str) -> Mapped:
    """Return the netlist of Yosys' JSON; LrtcError names a cell that is neither a LUT nor a known flip-flop."""
    module = design["modules"][top]
    ports: dict[str, dict[str, tuple[Net, ...]]] = {"input": {}, "output": {}}
    for name, port in module["ports"].items():
        ports[port["direction"]][name] = tuple(port["bits"])
    luts, flops, memories = [], [], Counter()
    for name, cell in module["cells"].items():
        wires, kind = cell["connections"], cell["type"]
        if kind == "$lut":
            luts.append(Lut(wires["Y"][0], tuple(wires["A"]), int(cell["parameters"]["LUT"].replace("x", "0"), 2)))
        elif kind in FLOPS:
            enable, reset = wires.get("E", ["1"])[0], wires.get("R", ["0"])[0]
            value = int(re.search(r"SDFFE?_P+1", kind) is not None)
            flops.append(Flop(wires["Q"][0], wires["D"][0], enable, reset, value))
        elif kind in MEMORY_SITES:
            memories[kind] += 1
        elif kind != "$scopeinfo":
            raise LrtcError(f"{top}: the cell {name} is a {kind}; LUTs and flip-flops are counted")
    return Mapped(ports["input"], ports["output"], tuple(luts), tuple(flops), dict(memories))
