"""What a family of cores is to Unicorn and capstone: registers, calling convention, the trap of semihosting."""

from __future__ import annotations

from dataclasses import dataclass

from lrtc.check.cores import Core
from lrtc.check.firmware import missing
from lrtc.errors import LrtcError


@dataclass(frozen=True)
class Isa:
    """Numbers of Unicorn and capstone for one core.

    arguments: the registers of a call's arguments, the first also that of the result. thumb: 1 where code addresses
    carry the Thumb bit. trap: the instruction that calls the semihost, and `trap_bytes` its length.
    """

    engine: object
    disassembler: object
    pc: int
    sp: int
    link: int
    arguments: tuple[int, ...]
    thumb: int
    trap: bytes


def isa_of(core: Core) -> Isa:
    """Return a new engine and disassembler for `core`; LrtcError when Unicorn has no such core."""
    try:
        import capstone as cs
        import unicorn as uc
        from unicorn import arm_const as arm
        from unicorn import riscv_const as riscv
    except ImportError as error:
        raise missing(error.name or "unicorn") from None
    if not core.unicorn:
        raise LrtcError(f"{core.name}: Unicorn has no such core")
    if core.family == "arm":
        # Not UC_MODE_MCLASS: it would replace the chosen core by a Cortex-M33.
        engine = uc.Uc(uc.UC_ARCH_ARM, uc.UC_MODE_THUMB, getattr(arm, f"UC_CPU_ARM_{core.unicorn}"))
        registers = tuple(getattr(arm, f"UC_ARM_REG_R{i}") for i in range(4))
        return Isa(
            engine, cs.Cs(cs.CS_ARCH_ARM, cs.CS_MODE_THUMB | cs.CS_MODE_MCLASS), arm.UC_ARM_REG_PC, arm.UC_ARM_REG_SP,
            arm.UC_ARM_REG_LR, registers, 1, b"\xab\xbe",
        )  # fmt: skip
    engine = uc.Uc(uc.UC_ARCH_RISCV, uc.UC_MODE_RISCV32, getattr(riscv, f"UC_CPU_{core.unicorn}"))
    registers = tuple(getattr(riscv, f"UC_RISCV_REG_A{i}") for i in range(core.registers))
    return Isa(
        engine, cs.Cs(cs.CS_ARCH_RISCV, cs.CS_MODE_RISCV32 | cs.CS_MODE_RISCVC), riscv.UC_RISCV_REG_PC,
        riscv.UC_RISCV_REG_SP, riscv.UC_RISCV_REG_RA, registers, 0, b"\x73\x00\x10\x00",
    )  # fmt: skip
