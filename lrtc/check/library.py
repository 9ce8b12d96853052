"""Emitted C inside this process: compiled once, called for whole batches without the GIL, from any thread."""

from __future__ import annotations

import ctypes
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from lrtc.check.toolchain import C99, Tool, compile_c, host_cc, run_tool
from lrtc.errors import LrtcError
from lrtc.ir import Ports

FLAGS = ("-O3", "-fPIC", "-shared")
NATIVE = "-march=native"
LINE = 64  # bytes: no processor wants a stricter alignment of its vectors
SHIM = """\
#include <stdint.h>
#include "{header}"
uint64_t lrtc_context_bytes(void);
void lrtc_batch(void *context, const uint8_t *x, int32_t *y, uint64_t n);
uint64_t lrtc_context_bytes(void) {{ return {bytes}; }}
void lrtc_batch(void *context, const uint8_t *x, int32_t *y, uint64_t n)
{{
    {use}
    for (; n != 0u; n--, x += {taken}, y += {given}) {symbol}_run({arguments});
}}
"""


class Library:
    """A network as a shared library. Threads may call it at once: those of C with a context run side by side."""

    def __init__(self, files: Mapping[str, str], name: str, prefix: str, ports: Ports, context: bool) -> None:
        """Compile the C of `files` for this very processor. prefix, context: as it was emitted; ToolMissing without cc.

        LrtcError with what the compiler said if it refuses.
        """
        self._ports, self._context = ports, context
        self._alone = threading.Lock()  # C without a context has one arena
        self._folder = tempfile.TemporaryDirectory(prefix="lrtc-")
        folder, tool = Path(self._folder.name), host_cc()
        for wanted in (f"{name}.h", f"{name}.c"):
            (path,) = (path for path in files if PurePosixPath(path).name == wanted)
            (folder / wanted).write_text(files[path], encoding="utf-8")
        (folder / "batch.c").write_text(_shim(name, prefix + name, ports, context), encoding="utf-8")
        words = [*C99, *FLAGS, *_native(tool, folder), f"{name}.c", "batch.c", "-o", "network.so"]
        compile_c(tool, words, folder, f"compiling {name} for this machine")
        library = ctypes.CDLL(str(folder / "network.so"))  # lets go of the GIL while it runs
        self._batch = library.lrtc_batch
        self._batch.argtypes, self._batch.restype = [ctypes.c_void_p] * 3 + [ctypes.c_uint64], None
        library.lrtc_context_bytes.restype = ctypes.c_uint64
        self._bytes = int(library.lrtc_context_bytes())

    def run(self, x: np.ndarray) -> np.ndarray:
        """Return int32 [N, integers of all outputs] of uint8 [N, bytes of all inputs], in a row (`ir.ports`)."""
        taken, given = sum(self._ports.taken), sum(self._ports.given)
        x = np.ascontiguousarray(x, dtype=np.uint8)
        if x.ndim != 2 or x.shape[1] != taken:
            raise LrtcError(f"rows of {taken} bytes are supported, not {'×'.join(map(str, x.shape))}")
        y = np.empty((len(x), given), dtype=np.int32)
        if self._context:
            room = np.empty(self._bytes + LINE, dtype=np.uint8)
            self._batch(room.ctypes.data + -room.ctypes.data % LINE, x.ctypes.data, y.ctypes.data, len(x))
            return y
        with self._alone:
            self._batch(None, x.ctypes.data, y.ctypes.data, len(x))
        return y


def _shim(name: str, symbol: str, ports: Ports, context: bool) -> str:
    starts = [f"{base} + {sum(parts[:k])}" for base, parts in (("x", ports.taken), ("y", ports.given))
              for k in range(len(parts))]  # fmt: skip
    kind = f"{symbol}_context"
    return SHIM.format(
        header=f"{name}.h",
        bytes=f"sizeof({kind})" if context else "0",
        use="" if context else "(void)context;",
        taken=sum(ports.taken),
        given=sum(ports.given),
        symbol=symbol,
        arguments=", ".join([f"({kind} *)context"] * context + starts),
    )


def _native(tool: Tool, folder: Path) -> Sequence[str]:
    """Return the flag that allows every instruction of this processor, where the compiler has one."""
    (folder / "probe.c").write_text("int lrtc_probe(void);\nint lrtc_probe(void) { return 0; }\n", encoding="utf-8")
    words = [*tool.command, *C99, NATIVE, "-c", "probe.c", "-o", "probe.o"]
    return [NATIVE] if run_tool(words, folder, "asking the compiler").status == 0 else []
