"""Bare-metal programs: generated C linked with the start-up of hw/c/mcu; their sizes and symbols."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrtc.check.cores import Core, core_named
from lrtc.check.toolchain import C99, compile_c, compiler_for, write_files
from lrtc.errors import DoesNotFit, LrtcError, ToolMissing
from lrtc.resources import share

OPTIMISE = ("-O2",)
_TABLES = re.compile(r"#error \"?(\d+) bytes of tables do not fit the (\d+) KiB")
_TOO_LARGE = re.compile(
    r".*(overflowed by \d+ bytes|is not within region|size of array .* is too large|do not fit the 64 KiB).*"
)
PROGRAM = "program.elf"
AVR_RAM = 0x800200  # where the linker has the ATmega2560's RAM
AVR_DATA = 0x800000  # and any AVR's data space
AVR_NEAR = 0x10000  # bytes of flash that GCC's __flash reaches
SCRIPT = "lrtc_program.ld"
EMULATED = "emulated"  # a memory map larger than any part's: sizes are reported, not limited


@dataclass(frozen=True)
class Sizes:
    """Bytes of a linked program, without its start-up: .text, .rodata, .data, .bss."""

    text: int
    rodata: int
    data: int
    bss: int

    @property
    def flash(self) -> int:
        """Return the bytes of flash: code, constants, initial values."""
        return self.text + self.rodata + self.data

    @property
    def ram(self) -> int:
        """Return the bytes of static RAM, without the stack."""
        return self.data + self.bss


@dataclass(frozen=True)
class Firmware:
    """A linked program: its ELF bytes, its core, its sizes, its functions and objects as (address, bytes, name)."""

    elf: bytes
    core: str
    sizes: Sizes
    functions: tuple[tuple[int, int, str], ...]
    symbols: dict[str, int]
    objects: tuple[tuple[int, int, str], ...] = ()


def build_firmware(
    files: dict[str, str], core: str, folder: Path, *, roots: Sequence[str] = (), defines: Sequence[str] = (),
    sources: Sequence[str] = (), memory: str = EMULATED, flags: Sequence[str] = OPTIMISE,
) -> Firmware:  # fmt: skip
    """Return the program linked from generated files for `core`.

    files: {path: text}, written below `folder`; `sources` of them are compiled. roots: functions that must stay.
    Without a main among the sources (`roots` given), an empty one is linked: the caller is the emulator.
    memory: name of a memory map in hw/c/mcu; an AVR's compiler has its own. DoesNotFit if it is larger.
    """
    known = core_named(core)
    tool, chosen = compiler_for(known)
    write_files(files, folder)
    link = {"avr": _avr, "host": _hosted}.get(known.family, _bare)
    arguments = [
        *chosen, *flags, *standard(known), "-ffunction-sections", "-fdata-sections", "-I.",
        *(f"-D{d}" for d in defines), *link(memory, bool(roots), folder), "-Wl,--gc-sections",
        *(f"-Wl,-u,{root}" for root in roots), *sources, "-o", PROGRAM, *known.libraries,
    ]  # fmt: skip
    try:
        compile_c(tool, arguments, folder, f"compiling for {core}")
    except LrtcError as error:
        if said := too_large(str(error), known):
            raise DoesNotFit(f"it does not fit {known.title}: {said}") from None
        raise
    firmware = read_firmware((folder / PROGRAM).read_bytes(), core)
    if beyond := tables_beyond(firmware):
        raise DoesNotFit(f"it does not fit {known.title}: {beyond}")
    return firmware


def tables_beyond(firmware: Firmware) -> str:
    """Return what says that an AVR's tables lie where it does not read them, or "". `lrtc_images` are read anywhere."""
    if core_named(firmware.core).family != "avr":
        return ""
    stored = [o for o in firmware.objects if o[0] < AVR_DATA and o[2] != "lrtc_images"]
    over = max((address + size for address, size, _ in stored), default=0) - AVR_NEAR
    return f"its tables reach {over:,} bytes beyond the first 64 KiB of flash, where it reads them" if over > 0 else ""


def too_large(said: str, core: Core) -> str:
    """Return what a compiler's message says to be too large, and by how much, or ""."""
    if tables := _TABLES.search(said):
        size, most = int(tables[1]), int(tables[2]) * 1024
        return f"{size:,} bytes of tables, {most:,} of flash are where an AVR reads them: {size - most:,} too many"
    ends = [int(end, 16) for end in re.findall(r"address (0x[0-9a-f]+) of .* is not within region `data'", said)]
    if ends and core.emulator:
        over = max(ends) - AVR_RAM - core.emulator.ram
        return f"its data takes {over:,} bytes more than the {core.emulator.ram:,} of RAM"
    found = _TOO_LARGE.search(said)
    return re.sub(r"\S*/", "", found[0]).strip() if found else ""  # no paths


def standard(core: Core) -> tuple[str, ...]:
    """Return the language of the sources: C99 without a library, or with that of the AVR's compiler."""
    return ("-std=gnu99",) if core.family == "avr" else (*C99, "-ffreestanding")


def _bare(memory: str, idle: bool, folder: Path) -> list[str]:
    """Return the arguments of a program with our start-up and linker script."""
    mcu = share("hw") / "c" / "mcu"
    texts = [(mcu / f"{part}.ld").read_text(encoding="utf-8") for part in (memory, "link")]
    write_files({SCRIPT: "".join(texts)}, folder)  # one file: lld takes the last -T only
    own = [str(mcu / "start.c"), *([str(mcu / "idle.c")] if idle else [])]
    return ["-nostdlib", "-T", SCRIPT, *own]


def _hosted(memory: str, idle: bool, folder: Path) -> list[str]:
    """Return the arguments of a program that is only measured: at fixed addresses, without a library."""
    return ["-nostdlib", "-static", "-no-pie", "-Wl,--unresolved-symbols=ignore-all", "-Wl,-e,0"]


def _avr(memory: str, idle: bool, folder: Path) -> list[str]:
    """Return the arguments of a program with the compiler's own start-up, without it when nothing runs it."""
    return ["-nostartfiles"] if idle else []


def read_firmware(elf_bytes: bytes, core: str) -> Firmware:
    """Return what an ELF holds; ToolMissing if pyelftools is not installed."""
    try:
        from elftools.elf.elffile import ELFFile
    except ImportError:
        raise missing("pyelftools") from None
    elf = ELFFile(io.BytesIO(elf_bytes))
    sections = {s.name: s["sh_size"] for s in elf.iter_sections()}
    sizes = Sizes(*(sections.get(name, 0) for name in (".text", ".rodata", ".data", ".bss")))
    functions, objects, symbols = [], [], {}
    for symbol in elf.get_section_by_name(".symtab").iter_symbols():
        symbols[symbol.name] = symbol["st_value"]
        if symbol["st_info"]["type"] == "STT_FUNC":
            functions.append((symbol["st_value"] & ~1, symbol["st_size"], symbol.name))
        elif symbol["st_info"]["type"] == "STT_OBJECT":
            objects.append((symbol["st_value"], symbol["st_size"], symbol.name))
    return Firmware(elf_bytes, core, sizes, tuple(sorted(functions)), symbols, tuple(sorted(objects)))


def segments(firmware: Firmware) -> list[tuple[int, int, int, bytes]]:
    """Return the loadable segments as (load address, run address, bytes in memory, contents)."""
    from elftools.elf.elffile import ELFFile

    elf = ELFFile(io.BytesIO(firmware.elf))
    return [
        (s["p_paddr"], s["p_vaddr"], s["p_memsz"], s.data())
        for s in elf.iter_segments()
        if s["p_type"] == "PT_LOAD" and s["p_memsz"]
    ]


def missing(package: str) -> ToolMissing:
    """Return the error for a Python package of the `emulate` extra that is not installed."""
    return ToolMissing(f"emulation needs the Python package {package}", hint="`pip install 'lrtc[emulate]'`")
