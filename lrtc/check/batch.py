"""Generated C on boards that QEMU or simavr emulates: a main with the images in it prints what came out.

For cores that Unicorn lacks. QEMU counts instructions exactly (-icount makes its clocks count them), simavr cycles.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from lrtc.check.cores import Core, Emulator
from lrtc.check.firmware import OPTIMISE, PROGRAM, Firmware, build_firmware
from lrtc.check.toolchain import Tool, run_tool, which
from lrtc.errors import DoesNotFit, LrtcError, ToolMissing
from lrtc.ir import Ports
from lrtc.resources import share

STACK_BYTES = 1024  # what batch.c watches of the stack where RAM is short
CHUNK_BYTES = 32_768  # images in one program: an AVR's tables lie in 64 KiB
SECONDS = 600.0
_LINE = re.compile(r"([ycse])([0-9a-f]{8})\b")
_LAYER = re.compile(r"(\w+): (-?\d+) ticks")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")  # simavr's
_DATA = """#include "{name}.h"
#define BATCH_RUN {name}_run({arguments})
#define BATCH_IMAGES {images}u
#define BATCH_INPUT {size}u
#define BATCH_LOGITS {given}u
#define BATCH_X {{{rows}}}
"""


@dataclass(frozen=True)
class Batch:
    """What a board answered: logits int32 [N, all of them]; cost int64 [N] in its unit; the stack's depth in bytes.

    layers: function → cost in the last image, where the network was compiled with `profile`.
    """

    logits: np.ndarray
    cost: np.ndarray
    stack: int
    layers: dict[str, int] = field(default_factory=dict)


def run_on_board(
    files: dict[str, str], name: str, x: np.ndarray, core: Core, ports: Ports, flags: Sequence[str] = OPTIMISE
) -> Batch:
    """Return what `core`'s board answers to every image of x, uint8 [N, …]; ToolMissing without it.

    Layers are timed in a run of their own, so that reading the clock is in no image's cost.
    """
    tool = emulator_of(core)
    x = np.ascontiguousarray(x, dtype=np.uint8).reshape(len(x), -1)
    step = max(1, CHUNK_BYTES // x.shape[1])
    parts = [_run(files, name, x[i : i + step], core, tool, ports, flags) for i in range(0, len(x), step)]
    logits, cost = (np.concatenate([getattr(p, field) for p in parts]) for field in ("logits", "cost"))
    layers = _layers(files, name, x[-1:], core, tool, ports, flags) if f"{name}_profile.c" in files and len(x) else {}
    return Batch(logits, cost, max(p.stack for p in parts), layers)


def emulator_of(core: Core) -> Tool:
    """Return the emulator of the board that has this core; ToolMissing says how to get it."""
    if core.emulator is None:
        raise LrtcError(f"{core.name}: no emulated board has this core")
    program = core.emulator.program
    tool = which(program)
    if tool is None:
        raise ToolMissing(f"{program}, which emulates {core.name}, is not on PATH", hint=core.emulator.get)
    return tool


def _run(
    files: dict[str, str], name: str, x: np.ndarray, core: Core, tool: Tool, ports: Ports, flags: Sequence[str]
) -> Batch:
    given = sum(ports.given)
    said = _said(files, name, x, core, tool, ports, flags)
    found = {kind: [int(v, 16) for k, v in _LINE.findall(said) if k == kind] for kind in "ycs"}
    if "end" not in said or len(found["y"]) != len(x) * given or len(found["c"]) != len(x):
        raise LrtcError(f"{name} on {core.name}: it did not reach its end\n  " + said.strip()[-1000:])
    logits = np.array(found["y"], dtype=np.uint32).view(np.int32).reshape(len(x), given)
    return Batch(logits, np.rint(np.array(found["c"]) / core.emulator.ticks).astype(np.int64), found["s"][0])


def _layers(
    files: dict[str, str], name: str, x: np.ndarray, core: Core, tool: Tool, ports: Ports, flags: Sequence[str]
) -> dict[str, int]:
    """Return function → what the layer cost, without reading the clock."""
    said = _said(files, name, x, core, tool, ports, flags, ("LRTC_PROFILE=4", f"BATCH_REPORT={name}_profile_report"))
    empty = next((int(v, 16) for k, v in _LINE.findall(said) if k == "e"), 0)
    ticks = core.emulator.ticks
    return {function: round(max(0, int(n) % (1 << 32) - empty) / ticks) for function, n in _LAYER.findall(said)}


def _said(
    files: dict[str, str], name: str, x: np.ndarray, core: Core, tool: Tool, ports: Ports,
    flags: Sequence[str], defines: Sequence[str] = (),
) -> str:  # fmt: skip
    """Return what the program prints on the board."""
    emulator = core.emulator
    rows = ", ".join("{" + ",".join(map(str, image)) + "}" for image in x.tolist())
    given = sum(ports.given)
    places = (("x", ports.taken), ("logits", ports.given))
    arguments = ", ".join(f"{base} + {sum(sizes[:k])}" for base, sizes in places for k in range(len(sizes)))
    data = _DATA.format(name=name, images=len(x), size=x.shape[1], given=given, arguments=arguments, rows=rows)
    sources = [f"{name}.c", *([f"{name}_profile.c"] if defines else []), str(share("hw") / "c" / "mcu" / "batch.c")]
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        program = {**files, "batch_data.h": data}
        firmware = build_firmware(
            program,
            core.name,
            Path(folder),
            sources=sources,
            memory=emulator.memory,
            defines=defines,
            flags=flags,
        )
        _check_ram(firmware, emulator, name)
        argv = [tool.path, *emulator.arguments, *emulator.counting, *emulator.load, PROGRAM]
        return _COLOURS.sub("", run_tool(argv, Path(folder), f"{name} on {core.name}", SECONDS).output)


def _check_ram(firmware: Firmware, emulator: Emulator, name: str) -> None:
    used = firmware.sizes.ram + STACK_BYTES
    if emulator.ram and used > emulator.ram:
        raise DoesNotFit(
            f"{name} on {firmware.core}: {firmware.sizes.ram:,} bytes of data and {STACK_BYTES:,} of stack are "
            f"{used - emulator.ram:,} more than its {emulator.ram:,} bytes of RAM"
        )
