"""Generated C on this machine: compiled with its C compiler, called for a whole batch, with or without sanitizers."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrtc.check.children import side_by_side
from lrtc.check.toolchain import C99, compile_c, host_cc, run_tool, write_files
from lrtc.errors import LrtcError
from lrtc.ir import Ports

OPTIMISE = ("-O2",)
SANITIZE = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
SANITIZED_SECONDS = 600

_BATCH = """
#include <stdint.h>
#include "{name}.h"
void {name}_batch(const uint8_t *x, int32_t *logits, uint64_t n);
void {name}_batch(const uint8_t *x, int32_t *logits, uint64_t n)
{{
    for (; n != 0u; n--, x += {taken}, logits += {given}) {{
        {name}_run({arguments});
    }}
}}
"""
# Each input and output gets a block of exactly its size, so that the sanitizer sees one byte too many.
_RUN = """
static int run_{name}(FILE *from, FILE *to)
{{
{blocks}
    if ({missing}) return 3;
    while ({reads}) {{
        {name}_run({arguments});
        if ({writes}) return 4;
    }}
    {frees}
    return 0;
}}
"""
_MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
{includes}{functions}
int main(int argc, char **argv)
{{
    FILE *from, *to;
    int status = 2;
    if (argc != 4) return 2;
    from = fopen(argv[2], "rb");
    to = fopen(argv[3], "wb");
    if (!from || !to) return 3;
{cases}
    fclose(from);
    return fclose(to) ? 5 : status;
}}
"""
PortSizes = int | Ports  # the logits of a network of one input and one output, or all sizes


def _batch(name: str, sizes: PortSizes) -> str:
    """Return the C that runs a network on rows of all inputs, to rows of all outputs."""
    if isinstance(sizes, int):
        upper = name.upper()
        return _BATCH.format(name=name, taken=f"{upper}_INPUT_BYTES", given=f"{upper}_CLASSES", arguments="x, logits")
    places = [
        f"{base} + {at}" for base, parts in (("x", sizes.taken), ("logits", sizes.given)) for at in _starts(parts)
    ]
    arguments = ", ".join(places)
    return _BATCH.format(name=name, taken=sum(sizes.taken), given=sum(sizes.given), arguments=arguments)


def _sanitized(name: str, sizes: PortSizes) -> str:
    """Return the C that runs a network from a file of rows to a file of rows."""
    upper = name.upper()
    taken, given = (
        ((f"{upper}_INPUT_BYTES",), (f"{upper}_CLASSES",)) if isinstance(sizes, int) else (sizes.taken, sizes.given)
    )
    blocks = [f"    uint8_t *x{k} = malloc({n});" for k, n in enumerate(taken)]
    blocks += [f"    int32_t *y{k} = malloc({n} * sizeof *y{k});" for k, n in enumerate(given)]
    names = [*(f"x{k}" for k in range(len(taken))), *(f"y{k}" for k in range(len(given)))]
    return _RUN.format(
        name=name,
        blocks="\n".join(blocks),
        missing=" || ".join(f"!{block}" for block in names),
        reads=" && ".join(f"fread(x{k}, 1, {n}, from) == {n}" for k, n in enumerate(taken)),
        writes=" || ".join(f"fwrite(y{k}, sizeof *y{k}, {n}, to) != {n}" for k, n in enumerate(given)),
        arguments=", ".join(names),
        frees=" ".join(f"free({block});" for block in names),
    )


def _starts(sizes: Sequence[int]) -> list[int]:
    return [sum(sizes[:k]) for k in range(len(sizes))]


@dataclass(frozen=True)
class HostProgram:
    """Compiled networks, by name → sizes. path: a shared library, or an executable when sanitized."""

    path: Path
    networks: dict[str, PortSizes]
    sanitized: bool

    def run(self, name: str, x: np.ndarray) -> np.ndarray:
        """Return the logits int32 [N, classes] of uint8 [N,…] in the IR's axis order; several in a row (`ir.ports`)."""
        x, sizes = np.ascontiguousarray(x, dtype=np.uint8), self.networks[name]
        given = sizes if isinstance(sizes, int) else sum(sizes.given)
        logits = np.empty((len(x), given), dtype=np.int32)
        if self.sanitized:
            return self._run_sanitized(name, x, logits)
        batch = getattr(ctypes.CDLL(str(self.path)), f"{name}_batch")
        batch.argtypes, batch.restype = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_uint64], None
        batch(x.ctypes.data, logits.ctypes.data, len(x))
        return logits

    def _run_sanitized(self, name: str, x: np.ndarray, logits: np.ndarray) -> np.ndarray:
        folder = self.path.parent
        (folder / f"{name}.in").write_bytes(x.tobytes())
        done = run_tool(
            [str(self.path), name, f"{name}.in", f"{name}.out"], folder, f"{name}.c under sanitizers",
            seconds=SANITIZED_SECONDS, env={"ASAN_OPTIONS": "detect_leaks=0"},
        )  # fmt: skip
        if done.status != 0:
            raise LrtcError(f"{name}.c: the sanitizers stopped it (status {done.status})\n{done.output[:4000]}")
        return np.frombuffer((folder / f"{name}.out").read_bytes(), dtype=np.int32).reshape(logits.shape).copy()


def build_host(
    networks: Mapping[str, tuple[dict[str, str], PortSizes]], folder: Path, *, sanitize: bool = False,
    flags: Sequence[str] = (),
) -> HostProgram:  # fmt: skip
    """Return one program of many networks, name → (files, sizes), compiled into `folder`; LrtcError if it fails."""
    tool = host_cc()
    sources = []
    for name, (files, sizes) in networks.items():
        write_files(files, folder)
        sources.append(f"{name}.c")
        if not sanitize:
            (folder / f"{name}_batch.c").write_text(_batch(name, sizes), encoding="utf-8")
            sources.append(f"{name}_batch.c")
    mode = SANITIZE if sanitize else (*OPTIMISE, "-fPIC")

    def compile_one(source: str) -> None:
        compile_c(tool, [*C99, *mode, *flags, "-c", source], folder, f"compiling {source}")

    side_by_side(compile_one, sources)
    objects = [source.replace(".c", ".o") for source in sources]
    if sanitize:
        includes = "".join(f'#include "{name}.h"\n' for name in networks)
        functions = "".join(_sanitized(name, sizes) for name, (_, sizes) in networks.items())
        cases = "\n".join(f'    if (!strcmp(argv[1], "{name}")) status = run_{name}(from, to);' for name in networks)
        text = _MAIN.format(includes=includes, functions=functions, cases=cases)
        (folder / "sanitized_main.c").write_text(text, encoding="utf-8")
        arguments = [*C99, *SANITIZE, "sanitized_main.c", *objects, "-o", "networks"]
    else:
        arguments = ["-shared", *objects, "-o", "networks.so"]
    compile_c(tool, arguments, folder, "linking")
    return HostProgram(folder / arguments[-1], {name: n for name, (_, n) in networks.items()}, sanitize)


def run_host(
    files: dict[str, str], name: str, x: np.ndarray, classes: PortSizes, *, sanitize: bool = False,
    flags: Sequence[str] = (),
) -> np.ndarray:  # fmt: skip
    """Return the logits int32 [N, classes] that the emitted C computes here; see `HostProgram.run`."""
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        return build_host({name: (files, classes)}, Path(folder), sanitize=sanitize, flags=flags).run(name, x)


def run_self_test_host(files: dict[str, str], name: str) -> int:
    """Return the exit status of the emitted self-test on this machine: 0 when every vector agrees."""
    tool = host_cc()
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        write_files(files, Path(folder))
        arguments = [*C99, *OPTIMISE, "-DLRTC_SELFTEST_MAIN", f"{name}.c", f"{name}_test.c", "-o", "selftest"]
        compile_c(tool, arguments, Path(folder), f"compiling the self-test of {name}")
        return run_tool([str(Path(folder) / "selftest")], Path(folder), "self-test").status
