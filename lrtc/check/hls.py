"""C simulation of emitted HLS code, compiled by this machine's C++ compiler: processes in turn, or side by side.

Side by side the processes wait for each other between streams of the planned depths; a run that cannot go on, a value
that is left over and a read of an empty stream end it with a message.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from lrtc.check.children import side_by_side
from lrtc.check.toolchain import Tool, compile_c, run_tool, which, write_files
from lrtc.errors import LrtcError, Mismatch, ToolMissing
from lrtc.ir import Ports

COMPILERS = ("g++", "c++", "clang++", "clang++-14")
CXX14 = ("-std=c++14", "-Wno-unknown-pragmas", "-pthread")
STRICT = ("-Wall", "-Wextra", "-Wshadow", "-Werror")
OPTIMISE = ("-O1",)
SANITIZE = ("-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
TOGETHER = 15  # networks in one translation unit: the headers are read once
SECONDS = 600
STOPPED, LAST = 3, 5  # exit statuses: a stream said why; TLAST is not where it belongs
# AMD's headers of integers, Apache-2.0, as pip's hls4ml has them: a second opinion on ours.
AMD = (
    "ap_common.h", "ap_decl.h", "ap_fixed.h", "ap_fixed_base.h", "ap_fixed_ref.h", "ap_fixed_special.h", "ap_int.h",
    "ap_int_base.h", "ap_int_ref.h", "ap_int_special.h", "etc/ap_private.h",
)  # fmt: skip

_UNIT = """#define LRTC_NO_MAIN
#define LRTC_BOUNDED
{includes}"""
_MAIN = """#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>
{functions}
int main(int argc, char **argv)
{{
    if (argc != 6) return 2;
    const int images = std::atoi(argv[4]);
    const bool bounded = std::strcmp(argv[5], "bounded") == 0;
    std::FILE *from = std::fopen(argv[2], "rb"), *to = std::fopen(argv[3], "wb");
    if (!from || !to) return 2;
    int wrong = -1;
{cases}
    std::fclose(from);
    return std::fclose(to) || wrong < 0 ? 2 : wrong > 0 ? {last} : 0;
}}
"""
_CASE = """    if (!std::strcmp(argv[1], "{name}")) {{
        std::vector<unsigned char> x(images * {taken});
        std::vector<int> y(images * {given});
        if (std::fread(x.data(), 1, x.size(), from) != x.size()) return 2;
        wrong = {name}_answers(x.data(), y.data(), images, bounded);
        if (std::fwrite(y.data(), sizeof(int), y.size(), to) != y.size()) return 2;
    }}"""


@dataclass(frozen=True)
class HlsProgram:
    """Compiled networks, by name → sizes."""

    path: Path
    networks: Mapping[str, Ports]

    def run(self, name: str, x: np.ndarray, bounded: bool = False) -> np.ndarray:
        """Return int32 [N, values of all outputs] for uint8 [N, bytes of all inputs]; Mismatch if a stream says no.

        bounded: all processes side by side, between streams as deep as planned.
        """
        folder, given = self.path.parent, sum(self.networks[name].given)
        (folder / f"{name}.in").write_bytes(np.ascontiguousarray(x, dtype=np.uint8).tobytes())
        how = "bounded" if bounded else "in turn"
        command = [str(self.path), name, f"{name}.in", f"{name}.out", str(len(x)), how]
        done = run_tool(
            command, folder, f"C simulation of {name}", seconds=SECONDS, env={"ASAN_OPTIONS": "detect_leaks=0"}
        )
        if done.status in (STOPPED, LAST):
            said = done.output.strip() or "TLAST is not beside the last beat of every image"
            raise Mismatch(f"C simulation of {name}, {how}: {said[:4000]}")
        if done.status != 0:
            raise LrtcError(f"C simulation of {name} ended with status {done.status}\n{done.output[:4000]}")
        return np.frombuffer((folder / f"{name}.out").read_bytes(), dtype=np.int32).reshape(len(x), given).copy()


def host_cxx(names: Sequence[str] = COMPILERS) -> Tool:
    """Return a C++ compiler of this machine; ToolMissing if there is none."""
    for name in names:
        if tool := which(name):
            return tool
    raise ToolMissing(
        f"no C++ compiler: none of {', '.join(names)} is on PATH", hint="install one, e.g. `apt-get install g++`"
    )


def amd_headers() -> Path | None:
    """Return where pip's hls4ml keeps AMD's headers of integers, or None where it is not installed."""
    spec = find_spec("hls4ml")
    for place in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(place) / "templates" / "vivado" / "ap_types"
        if all((folder / name).is_file() for name in AMD):
            return folder
    return None


def build_hls(
    networks: Mapping[str, tuple[Mapping[str, str], Ports]],
    folder: Path,
    *,
    compiler: Tool | None = None,
    flags: Sequence[str] = OPTIMISE,
    integers: Path | None = None,
) -> HlsProgram:
    """Return one program of many networks, name → (files, sizes), compiled into `folder`; LrtcError if it fails.

    integers: a folder with AMD's headers, in the place of ours.
    """
    tool = compiler or host_cxx()
    names = list(networks)
    for name, (files, _) in networks.items():
        write_files({f"{name}/{path}": text for path, text in files.items()}, folder)
    own = folder / names[0] / "sim"
    search = [f"-I{own.relative_to(folder)}"]
    if integers is not None:
        for sim in (folder / name / "sim" for name in names):
            (sim / "etc").mkdir()
            for header in AMD:
                shutil.copyfile(integers / header, sim / header)
        search.append("-DAP_INT_MAX_W=4096")
    units = {}
    for k in range(0, len(names), TOGETHER):
        paths = [path for name in names[k : k + TOGETHER] for path in (f"sim/{name}_bounded.cpp", f"{name}_tb.cpp")]
        owners = [name for name in names[k : k + TOGETHER] for _ in range(2)]
        includes = "".join(f'#include "{owner}/{path}"\n' for owner, path in zip(owners, paths, strict=True))
        units[f"unit{k}.cpp"] = _UNIT.format(includes=includes)
    functions = "\n".join(f"int {name}_answers(const unsigned char *, int *, int, bool);" for name in names)
    cases = "\n".join(
        _CASE.format(name=name, taken=sum(ports.taken), given=sum(ports.given)) for name, (_, ports) in networks.items()
    )
    units["main.cpp"] = _MAIN.format(functions=functions, cases=cases, last=LAST)
    write_files(units, folder)

    def compile_one(unit: str) -> None:
        compile_c(tool, [*flags, *CXX14, *search, "-c", unit], folder, f"compiling {unit}")

    side_by_side(compile_one, units)
    objects = [unit.replace(".cpp", ".o") for unit in units]
    compile_c(tool, [*CXX14, *flags, *objects, "-o", "csim"], folder, "linking")
    return HlsProgram(folder / "csim", {name: ports for name, (_, ports) in networks.items()})


def run_hls(files: Mapping[str, str], name: str, x: np.ndarray, ports: Ports, bounded: bool = False) -> np.ndarray:
    """Return int32 [N, values] that the emitted C++ computes here; see `HlsProgram.run`."""
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        return build_hls({name: (files, ports)}, Path(folder)).run(name, x, bounded)


def run_test_bench(files: Mapping[str, str], name: str, bounded: bool = False) -> str:
    """Return what the emitted test bench prints when every vector agrees; Mismatch with what it says otherwise."""
    tool = host_cxx()
    with tempfile.TemporaryDirectory(prefix="lrtc-") as folder:
        write_files(dict(files), Path(folder))
        first = ["-DLRTC_BOUNDED", f"sim/{name}_bounded.cpp"] if bounded else [f"{name}.cpp"]
        arguments = [*CXX14, *OPTIMISE, "-Isim", "-I.", *first, f"{name}_tb.cpp", "-o", "bench"]
        compile_c(tool, arguments, Path(folder), f"compiling the test bench of {name}")
        done = run_tool([str(Path(folder) / "bench")], Path(folder), f"test bench of {name}", seconds=SECONDS)
    if done.status != 0:
        raise Mismatch(f"the test bench of {name} ended with status {done.status}: {done.output[:4000]}")
    return done.output
