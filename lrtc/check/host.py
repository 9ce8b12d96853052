"""Generated C on this machine: compiled with its C compiler, called for a whole batch, with or without sanitizers."""

from __future__ import annotations

import ctypes
import os
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrtc.check.toolchain import C99, compile_c, host_cc, run_tool, write_files
from lrtc.errors import LrtcError

OPTIMISE = ("-O2",)
SANITIZE = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
SANITIZED_SECONDS = 600

_BATCH = """
#include <stdint.h>
#include "{name}.h"
void {name}_batch(const uint8_t *x, int32_t *logits, uint64_t n);
void {name}_batch(const uint8_t *x, int32_t *logits, uint64_t n)
{{
    for (; n != 0u; n--, x += {upper}_INPUT_BYTES, logits += {upper}_CLASSES) {{
        {name}_run(x, logits);
    }}
}}
"""
# Each image and its logits get a block of exactly their size, so that the sanitizer sees one byte too many.
_MAIN = """
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stdint.h>
{includes}
static int run(const char *in, const char *out, size_t taken, size_t classes, void (*f)(const uint8_t *, int32_t *))
{{
    FILE *from = fopen(in, "rb"), *to = fopen(out, "wb");
    uint8_t *x = malloc(taken);
    int32_t *logits = malloc(classes * sizeof *logits);
    if (!from || !to || !x || !logits) return 3;
    while (fread(x, 1, taken, from) == taken) {{
        f(x, logits);
        if (fwrite(logits, sizeof *logits, classes, to) != classes) return 4;
    }}
    free(x);
    free(logits);
    fclose(from);
    return fclose(to);
}}
int main(int argc, char **argv)
{{
    if (argc != 4) return 2;
{cases}
    return 2;
}}
"""
_CASE = (
    '    if (!strcmp(argv[1], "{name}")) '
    "return run(argv[2], argv[3], {upper}_INPUT_BYTES, {upper}_CLASSES, {name}_run);"
)


@dataclass(frozen=True)
class HostProgram:
    """Compiled networks, by name → number of classes. path: a shared library, or an executable when sanitized."""

    path: Path
    networks: dict[str, int]
    sanitized: bool

    def run(self, name: str, x: np.ndarray) -> np.ndarray:
        """Return the logits int32 [N, classes] of uint8 [N,…] in the IR's axis order."""
        x = np.ascontiguousarray(x, dtype=np.uint8)
        logits = np.empty((len(x), self.networks[name]), dtype=np.int32)
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
    networks: Mapping[str, tuple[dict[str, str], int]], folder: Path, *, sanitize: bool = False,
    flags: Sequence[str] = (),
) -> HostProgram:  # fmt: skip
    """Return one program of many networks, name → (files, classes), compiled into `folder`; LrtcError if it fails."""
    tool = host_cc()
    sources = []
    for name, (files, _) in networks.items():
        write_files(files, folder)
        sources.append(f"{name}.c")
        if not sanitize:
            (folder / f"{name}_batch.c").write_text(_BATCH.format(name=name, upper=name.upper()), encoding="utf-8")
            sources.append(f"{name}_batch.c")
    mode = SANITIZE if sanitize else (*OPTIMISE, "-fPIC")

    def compile_one(source: str) -> None:
        compile_c(tool, [*C99, *mode, *flags, "-c", source], folder, f"compiling {source}")

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(compile_one, sources))  # list: raises what one raised
    objects = [source.replace(".c", ".o") for source in sources]
    if sanitize:
        includes = "".join(f'#include "{name}.h"\n' for name in networks)
        cases = "\n".join(_CASE.format(name=name, upper=name.upper()) for name in networks)
        (folder / "sanitized_main.c").write_text(_MAIN.format(includes=includes, cases=cases), encoding="utf-8")
        arguments = [*C99, *SANITIZE, "sanitized_main.c", *objects, "-o", "networks"]
    else:
        arguments = ["-shared", *objects, "-o", "networks.so"]
    compile_c(tool, arguments, folder, "linking")
    return HostProgram(folder / arguments[-1], {name: n for name, (_, n) in networks.items()}, sanitize)


def run_host(
    files: dict[str, str], name: str, x: np.ndarray, classes: int, *, sanitize: bool = False,
    flags: Sequence[str] = (),
) -> np.ndarray:  # fmt: skip
    """Return the logits int32 [N, classes] that the emitted C computes here for uint8 [N,…]."""
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
