"""Generated C on this machine as a core: logits, instructions counted exactly, by layer, and the stack.

callgrind counts where it knows the instructions, else the program steps through itself, one instruction at a time:
valgrind has no AVX-512, and a virtual machine has no counters. Both count what the processor executes; it is not time.
"""

from __future__ import annotations

import platform
import re
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from lrtc.check.cores import Core
from lrtc.check.firmware import OPTIMISE, read_firmware
from lrtc.check.toolchain import C99, compile_c, compiler_for, run_tool, which, write_files
from lrtc.errors import LrtcError, ToolMissing
from lrtc.ir import Ports
from lrtc.resources import share

SECONDS = 1800.0
STEPPED_IMAGES = 1  # some 30,000 instructions a second
VALGRIND = "`apt-get install valgrind`"
GNU = ("-std=gnu99", "-O1")
_NETWORK = """#include "{name}.h"
#define NETWORK_TAKEN {taken}
#define NETWORK_GIVEN {given}
#define NETWORK_ENTRY {name}_run
#define NETWORK_RUN {name}_run({arguments})
"""


@dataclass(frozen=True)
class Native:
    """logits int32 [N, all]; cost int64 [N] instructions, of the first images only where steps are counted one by one.

    profile: of the last image that was counted, by layer; stack: its depth in bytes.
    """

    logits: np.ndarray
    cost: np.ndarray
    profile: dict[str, int]
    stack: int


def run_native(
    files: dict[str, str], name: str, x: np.ndarray, core: Core, ports: Ports, flags: tuple[str, ...], folder: Path
) -> Native:
    """Return what the network answers to every image of x, uint8 [N, …], compiled into `folder`.

    ToolMissing without a compiler, a way to count, or a processor that has the core's instructions.
    """
    check_processor(core)
    tool, chosen = compiler_for(core)
    _write(files, name, ports, folder)
    compile_c(tool, [*C99, *chosen, *flags, "-c", f"{name}.c", "-o", "network.o"], folder, f"compiling {name}.c")
    main = str(share("hw") / "c" / "native" / "main.c")
    compile_c(
        tool,
        [*GNU, "-no-pie", "-Wl,-z,now", "-I.", main, "network.o", "-o", "native"],
        folder,
        f"linking for {core.name}",
    )
    (folder / "x").write_bytes(np.ascontiguousarray(x, dtype=np.uint8).tobytes())
    said = _ran([str(folder / "native"), "x", "y", "stack"], folder, f"{name} on {core.name}")
    found = np.frombuffer((folder / "y").read_bytes(), dtype=np.int32)
    if found.size != len(x) * sum(ports.given):
        raise LrtcError(f"{name} on {core.name}: it did not reach its end\n  {said[-1000:]}")
    count = _stepped if core.stepped or not which("valgrind") else _called
    images = min(len(x), STEPPED_IMAGES) if count is _stepped else len(x)
    (folder / "x").write_bytes(np.ascontiguousarray(x[:images], dtype=np.uint8).tobytes())
    per_image = count(name, core, folder)
    if len(per_image) != images:
        raise LrtcError(f"{name} on {core.name}: {len(per_image)} runs were counted of {images}")
    cost = np.array([sum(counts.values()) for counts in per_image], dtype=np.int64)
    stack = int(re.search(r"stack (\d+)", said)[1])
    return Native(found.reshape(len(x), -1).copy(), cost, per_image[-1] if per_image else {}, stack)


def run_race(files: dict[str, str], core: Core, races: int) -> list[tuple[float, float]]:
    """Return the median times in ns of the layer in race.h and of hw/c/native/vpopcntdq.c, of each race.

    LrtcError if an output differs, ToolMissing without a compiler or the processor for it.
    """
    check_processor(core)
    tool, flags = compiler_for(core)
    with tempfile.TemporaryDirectory(prefix="lrtc-") as temporary:
        folder = Path(temporary)
        write_files(files, folder)
        source = str(share("hw") / "c" / "native" / "vpopcntdq.c")
        compile_c(tool, ["-std=gnu99", *OPTIMISE, *flags, "-I.", source, "-o", "race"], folder, "compiling the race")
        said = [_ran([str(folder / "race")], folder, "the race") for _ in range(races)]
    return [tuple(float(t) for t in line.split()) for line in said]


def check_processor(core: Core) -> None:
    """Raise ToolMissing unless this machine can run this core and count what it executes."""
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"):
        raise ToolMissing(f"{core.name}: instructions are counted on Linux, on x86-64 and AArch64 only")
    if platform.machine() != "x86_64" and not which("valgrind"):
        raise ToolMissing(f"valgrind, which counts instructions on {core.name}, is not on PATH", hint=VALGRIND)
    if lacking := [flag for flag in core.needs if flag not in processor_flags()]:
        raise ToolMissing(f"{core.name}: this machine's processor has no {', '.join(lacking)}")


def can_run(core: Core) -> bool:
    """Return whether this machine can run and count this core."""
    try:
        check_processor(core)
    except ToolMissing:
        return False
    return True


@cache
def processor_flags() -> frozenset[str]:
    """Return what the processor can do, in the words of /proc/cpuinfo."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return frozenset()
    found = re.search(r"^(?:flags|Features)\s*:(.*)$", text, re.MULTILINE)
    return frozenset(found[1].split()) if found else frozenset()


def _write(files: dict[str, str], name: str, ports: Ports, folder: Path) -> None:
    places = (("x", ports.taken), ("logits", ports.given))
    arguments = ", ".join(f"{base} + {sum(sizes[:k])}" for base, sizes in places for k in range(len(sizes)))
    text = _NETWORK.format(name=name, taken=sum(ports.taken), given=sum(ports.given), arguments=arguments)
    write_files({**files, "network.h": text}, folder)


def _ran(argv: list[str], folder: Path, what: str) -> str:
    done = run_tool(argv, folder, what, SECONDS)
    if done.status != 0:
        raise LrtcError(f"{what}: {Path(argv[0]).name} ended with status {done.status}\n  {done.output[-1000:]}")
    return done.output


def _called(name: str, core: Core, folder: Path) -> list[dict[str, int]]:
    """Return function → instructions of each image, those of its callees with it, by callgrind."""
    run = f"{name}_run"
    valgrind = [
        which("valgrind").path, "--tool=callgrind", "--callgrind-out-file=counted", f"--toggle-collect={run}",
        f"--dump-after={run}", "--compress-strings=no", "--compress-pos=no", "--dump-line=no",
    ]  # fmt: skip
    _ran([*valgrind, str(folder / "native"), "x", "y2"], folder, f"{name} on {core.name}")
    dumps = sorted(folder.glob("counted.*"), key=lambda path: int(path.suffix[1:]))
    found = [_inclusive(path.read_text(encoding="utf-8"), name) for path in dumps]
    return [counts for counts in found if counts]


def _inclusive(text: str, name: str) -> dict[str, int]:
    """Return layer → instructions, of a dump of callgrind; what the entry function does itself is its own."""
    own: dict[str, int] = {}
    called: dict[tuple[str, str], int] = {}
    function = callee = ""
    calls = False
    for line in text.splitlines():
        if line.startswith("fn="):
            function = line[3:].split("'")[0]
        elif line.startswith("cfn="):
            callee = line[4:].split("'")[0]
        elif line.startswith("calls="):
            calls = True
        elif line[:1].isdigit() or line[:1] in "+-*":
            cost = int(line.split()[1]) if len(line.split()) > 1 else 0
            if calls:
                called[function, callee] = called.get((function, callee), 0) + cost
            else:
                own[function] = own.get(function, 0) + cost
            calls = False
    if not sum(own.values()):
        return {}
    run = f"{name}_run"
    layers = {callee: cost for (caller, callee), cost in called.items() if caller == run}
    return {**layers, run: sum(own.values()) - sum(layers.values())}


def _stepped(name: str, core: Core, folder: Path) -> list[dict[str, int]]:
    """Return function → instructions of each image, by the layer entered last, one step at a time."""
    program = read_firmware((folder / "native").read_bytes(), core.name)
    functions = sorted((address, f) for address, _, f in program.functions if f.startswith(f"{name}_"))
    write_files({"functions": "".join(f"{address:x}\n" for address, _ in functions)}, folder)
    said = _ran([str(folder / "native"), "x", "y2", "functions"], folder, f"{name} on {core.name}")
    rows = [line.split() for line in said.splitlines()]
    return [{f: int(n) for (_, f), n in zip(functions, row, strict=True) if int(n)} for row in rows]
