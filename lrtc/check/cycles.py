"""An estimate of the cycles of a run: each instruction weighted by the timing tables of Arm's reference manuals.

Cortex-M0: ARM DDI 0432C table 3-1. Cortex-M0+: DDI 0484C table 3-1. Cortex-M3: DDI 0337I section 3.3.1. Cortex-M4: DDI
0439D section 3.3.1. No wait states, no contention on the bus, the fast multiplier of M0 and M0+ (1 cycle), two cycles
to fill the pipeline of M3 and M4 (the manual says 1 to 3). Loads and stores of M3 and M4 that follow each other
overlap. It is an estimate: nothing here was run on silicon. Other cores have no public table of this kind.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Instruction = tuple[str, str]  # mnemonic, operands, as capstone writes them


@dataclass(frozen=True)
class Timing:
    """Cycles of a core. load, store: of one; overlap: of a load right after a load or store. taken: what a branch that
    is taken costs beyond 1; call: bl; leave: bx; pop_pc: what loading the pc adds; divide, mla, wide_multiply: of one.
    """

    load: int
    store: int
    overlap: int
    taken: int
    call: int
    leave: int
    pop_pc: int
    divide: int = 1
    mla: int = 1
    wide_multiply: int = 1


TIMINGS = {
    "m0": Timing(load=2, store=2, overlap=2, taken=2, call=4, leave=3, pop_pc=3),
    "m0plus": Timing(load=2, store=2, overlap=2, taken=1, call=3, leave=2, pop_pc=2),
    "m3": Timing(
        load=2, store=1, overlap=1, taken=2, call=3, leave=3, pop_pc=2, divide=12, mla=2, wide_multiply=5
    ),
    "m4": Timing(load=2, store=1, overlap=1, taken=2, call=3, leave=3, pop_pc=2, divide=12),
}  # fmt: skip
_MANY = ("push", "pop", "ldm", "stm", "vpush", "vpop", "vldm", "vstm")
_WIDE = ("umull", "smull", "umlal", "smlal", "umaal")


def block_cycles(timing: Timing, block: Sequence[Instruction], taken: bool) -> int:
    """Return the cycles of a basic block. taken: whether what ran next does not lie right behind it."""
    total, memory = 0, False
    for mnemonic, operands in block:
        name = mnemonic.split(".")[0]
        cycles, memory = _cycles(timing, name, operands, memory)
        total += cycles
    return total + (timing.taken if taken and block and _branches(block[-1]) else 0)


def _cycles(timing: Timing, name: str, operands: str, memory: bool) -> tuple[int, bool]:
    """Return the cycles of an instruction, without what a taken branch adds, and whether a load may overlap it."""
    if name.startswith(_MANY):
        count = sum(_registers(part) for part in operands.partition("{")[2].rstrip("}").split(","))
        return 1 + count + (timing.pop_pc if "pc" in operands else 0), False
    if name.startswith(("ldrd", "strd")):
        return 3, False
    if name.startswith(("ldr", "vldr")):
        return (timing.overlap if memory else timing.load), True
    if name.startswith(("str", "vstr")):
        return timing.store, True
    if name in ("bl", "blx"):
        return timing.call, False
    if name == "bx":
        return timing.leave, False
    if name.startswith(("tbb", "tbh")):
        return timing.load + timing.taken, False
    if name.startswith(("udiv", "sdiv")):
        return timing.divide, False
    if name.startswith(_WIDE):
        return timing.wide_multiply, False
    if name in ("mla", "mls"):
        return timing.mla, False
    return 1, False


def _registers(part: str) -> int:
    """Return how many registers an element of a register list names: r4, or r4-r7."""
    first, _, last = part.strip().partition("-")
    return int(last.strip("{} rsd")) - int(first.strip("{} rsd")) + 1 if last else 1


def _branches(last: Instruction) -> bool:
    """Return whether the last instruction of a block is a branch that `_cycles` counted as not taken."""
    name = last[0].split(".")[0]
    conditional = len(name) == 3 and name[0] == "b" and name not in ("bic", "bfi", "bfc", "bkpt")
    return name in ("b", "cbz", "cbnz") or conditional
