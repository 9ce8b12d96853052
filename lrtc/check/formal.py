"""Proofs of RTL by Yosys' SAT solver: assertions that hold in every cycle, or in the first ones after reset."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lrtc.check.toolchain import run_tool, write_files
from lrtc.check.yosys import SECONDS, yosys_command

PREPARE = "prep -top {top} -flatten; memory_map; async2sync; dffunmap"
LOWER = "chformal -lower; opt_clean"


@dataclass(frozen=True)
class Goal:
    """The assertions of a module with these parameters.

    probes: undriven wire of the module → register below it (dotted, as `dut.count_q`) that it is joined to. cycles: 0
    to prove them for every cycle by induction, else for so many cycles from reset.
    """

    top: str
    parameters: Mapping[str, int] = field(default_factory=dict)
    probes: Mapping[str, str] = field(default_factory=dict)
    cycles: int = 0
    depth: int = 4  # of induction

    def script(self, sources: Sequence[str], log: str) -> str:
        """Return the commands that read the sources anew and prove this goal."""
        read = f"design -reset; read_verilog -sv -formal {' '.join(sources)}"
        sets = " ".join(f"-set {name} 32'h{value & 0xFFFFFFFF:x}" for name, value in self.parameters.items())
        steps = [read, f"chparam {sets} {self.top}" if sets else "", PREPARE.format(top=self.top)]
        steps += [f"connect -set {wire} {register}" for wire, register in self.probes.items()]
        steps += [LOWER]
        common = f"-prove-asserts -set-assumes -verify {self.top}"
        if self.cycles:
            steps.append(f"tee -o {log} sat -tempinduct-baseonly -maxsteps {self.cycles} {common}")
        else:
            steps.append(f"tee -o {log} sat -tempinduct -maxsteps {self.depth} {common}")
        return "\n".join(step for step in steps if step)


@dataclass(frozen=True)
class Shown:
    """Whether the goal's assertions hold, and what Yosys said at the end."""

    goal: Goal
    holds: bool
    said: str


def prove_goal(files: Mapping[str, str], goal: Goal) -> Shown:
    """Return whether the goal holds of the .sv files, which may read the others; ToolMissing without Yosys.

    A goal that Yosys cannot set up (a probe that is not there, a syntax error) does not hold.
    """
    command = yosys_command()
    sources = [name for name in sorted(files) if name.endswith(".sv")]
    with tempfile.TemporaryDirectory(prefix="lrtc-") as name:
        folder = Path(name)
        write_files({**files, "prove.ys": goal.script(sources, "sat.log") + "\n"}, folder)
        done = run_tool([*command, "-q", "-l", "yosys.log", "-s", "prove.ys"], folder, f"proving {goal.top}", SECONDS)
        logs = [folder / "sat.log", folder / "yosys.log"]
        text = "\n".join(log.read_text(encoding="utf-8", errors="replace") for log in logs if log.is_file())
        ended = "SUCCESS" in text if not goal.cycles else f"Base case for induction length {goal.cycles} proven" in text
        return Shown(goal, done.status == 0 and ended, "\n".join((text or done.output).splitlines()[-40:]))
