"""The deepest stack that a network can need, from what the compiler says of each function and who calls whom.

Frames come from -fstack-usage, calls from the relocations of an object file in which every function
has a section of its own; emitted C has no recursion and no function pointer, so the deepest path is the worst case.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrtc.check.cores import Core
from lrtc.check.firmware import OPTIMISE, missing, standard
from lrtc.check.toolchain import compile_c, compiler_for, write_files
from lrtc.errors import LrtcError
from lrtc.resources import share

_SAID = re.compile(r"^.*:(?P<name>[^:\t]+)\t(?P<bytes>\d+)\t(?P<kind>\S+)$", re.MULTILINE)
RETURN_ADDRESS = {"avr": 3}  # bytes that a call itself puts on the stack (ATmega2560); none where a register holds it


@dataclass(frozen=True)
class Stack:
    """bytes: of the path that takes most, from outside into `path`'s last function. calls: how deep they can nest.

    unknown: functions of libraries whose frames are not known.
    """

    bytes: int
    path: tuple[str, ...]
    unknown: tuple[str, ...]
    calls: int


def worst_stack(files: dict[str, str], name: str, core: Core, flags: tuple[str, ...] = OPTIMISE) -> Stack | None:
    """Return the deepest stack that a call of the network's functions can need on `core`; None if zig compiles."""
    frames: dict[str, int] = {}
    calls: dict[str, set[str]] = {}
    for source in [f"{name}.c"] + (
        [] if core.family in ("avr", "host") else [str(share("hw") / "c" / "mcu" / "start.c")]
    ):
        said, found = _compiled(files, source, core, (*flags, "-fstack-usage"))
        if said is None:  # zig writes none
            return None
        frames |= _frames(said, source)
        calls |= found
    roots = [f"{name}_run", f"{name}_classify"]
    return _deepest(frames, calls, [root for root in roots if root in frames], RETURN_ADDRESS.get(core.family, 0))


def deepest(objects: Sequence[Path], roots: Sequence[str], core: Core) -> Stack | None:
    """Return the deepest stack under those of the functions `roots` that are there; None if the compiler was silent.

    objects: compiled with -ffunction-sections and -fstack-usage, what the latter said beside each as .su.
    """
    frames: dict[str, int] = {}
    calls: dict[str, set[str]] = {}
    for path in objects:
        said = path.with_suffix(".su")
        if not said.is_file():  # zig writes none
            return None
        frames |= _frames(said.read_text(encoding="utf-8"), path.stem)
        calls |= _calls(path)
    return _deepest(frames, calls, [root for root in roots if root in frames], RETURN_ADDRESS.get(core.family, 0))


def calls_of(files: dict[str, str], name: str, core: Core, flags: tuple[str, ...] = OPTIMISE) -> dict[str, set[str]]:
    """Return function → functions that its code refers to, of the network compiled for `core`."""
    return _compiled(files, f"{name}.c", core, flags)[1]


def _compiled(
    files: dict[str, str], source: str, core: Core, flags: tuple[str, ...]
) -> tuple[str | None, dict[str, set[str]]]:
    """Return what the compiler says of stacks, if anything, and who calls whom."""
    tool, chosen = compiler_for(core)
    with tempfile.TemporaryDirectory(prefix="lrtc-") as temporary:
        folder = Path(temporary)
        write_files(files, folder)
        arguments = [*chosen, *flags, *standard(core), "-ffunction-sections", "-I.", "-c", source, "-o", "one.o"]
        compile_c(tool, arguments, folder, f"compiling for {core.name}")
        said = next(folder.glob("*.su"), None)
        return said and said.read_text(encoding="utf-8"), _calls(folder / "one.o")


def _frames(said: str, source: str) -> dict[str, int]:
    """Return function → bytes of its frame, of clones the largest; LrtcError for one whose frame has no bound."""
    found: dict[str, int] = {}
    for line in _SAID.finditer(said):
        if line["kind"] == "dynamic":
            raise LrtcError(f"{source}: the stack of {line['name']} has no bound")
        function = line["name"].split(".")[0]  # gcc calls a clone f.constprop.0, older ones f
        found[function] = max(found.get(function, 0), int(line["bytes"]))
    return found


def _calls(path: Path) -> dict[str, set[str]]:
    """Return function → functions that its code refers to; the symbol of a section stands for its function."""
    try:
        from elftools.elf.elffile import ELFFile
        from elftools.elf.relocation import RelocationSection
    except ImportError:
        raise missing("pyelftools") from None
    found: dict[str, set[str]] = {}
    with path.open("rb") as stream:
        elf = ELFFile(stream)
        for section in elf.iter_sections():
            caller = _function_of(section.name.removeprefix(".rela").removeprefix(".rel"))
            if not isinstance(section, RelocationSection) or caller is None:
                continue
            table = elf.get_section(section["sh_link"])
            for relocation in section.iter_relocations():
                symbol = table.get_symbol(relocation["r_info_sym"])
                kind, callee = symbol["st_info"]["type"], symbol.name
                if kind == "STT_SECTION":
                    callee = _function_of(elf.get_section(symbol["st_shndx"]).name)
                undefined = symbol["st_shndx"] == "SHN_UNDEF"
                # A branch inside a function may refer to its section, a call of itself refers to its symbol.
                called = kind == "STT_FUNC" or undefined or (kind == "STT_SECTION" and callee != caller)
                if callee and called:
                    found.setdefault(caller, set()).add(callee)
    return found


def _function_of(section: str) -> str | None:
    """Return the function whose code a section holds, or None."""
    for prefix in (".text.startup.", ".text.unlikely.", ".text.", ".startup."):  # gcc calls main's .text.startup.main
        if section.startswith(prefix):
            return section.removeprefix(prefix)
    return None


def _deepest(frames: dict[str, int], calls: dict[str, set[str]], roots: list[str], address: int) -> Stack:
    best: dict[str, Stack] = {}

    def depth(function: str, above: tuple[str, ...]) -> Stack:
        if function in above:
            raise LrtcError(f"the stack has no bound: {' calls '.join((*above, function))}")
        if function not in best:
            below = [depth(callee, (*above, function)) for callee in sorted(calls.get(function, ()))]
            deepest = max(below, key=lambda s: s.bytes, default=Stack(0, (), (), 0))
            known = function.split(".")[0]
            unknown = {n for s in below for n in s.unknown} | (set() if known in frames else {known})
            size = frames.get(known, 0) + address + deepest.bytes
            calls_below = max((s.calls for s in below), default=0)
            best[function] = Stack(size, (function, *deepest.path), tuple(sorted(unknown)), 1 + calls_below)
        return best[function]

    return max((depth(root, ()) for root in roots), key=lambda s: s.bytes)
