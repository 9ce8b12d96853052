"""The compilers and emulators that may be on this machine: where they are, what to install, one way to run them."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lrtc.check.children import run_child
from lrtc.check.cores import Core
from lrtc.errors import LrtcError, ToolMissing

COMPILE_SECONDS = 300
C99 = ("-std=c99",)
STRICT = (
    "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wstrict-prototypes",
    "-Wmissing-prototypes", "-Werror",
)  # fmt: skip


@dataclass(frozen=True)
class Tool:
    """A program: the name people know it by, its absolute path, arguments that always come first."""

    name: str
    path: str
    words: tuple[str, ...] = ()

    @property
    def command(self) -> list[str]:
        """Return the words that start it."""
        return [self.path, *self.words]


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


def compiler_for(core: Core) -> tuple[Tool, tuple[str, ...]]:
    """Return a compiler for `core`, from PATH or from a pip wheel, and the flags that choose the core.

    ToolMissing names every candidate and how to get it.
    """
    for compiler in core.compilers:
        path = shutil.which(compiler.program) or in_wheel(compiler.wheel)
        if path:
            return Tool(compiler.program, os.path.abspath(path), compiler.words), compiler.flags
    names = ", ".join(c.program for c in core.compilers)
    ways = " or ".join(dict.fromkeys(c.get for c in core.compilers))
    raise ToolMissing(f"no compiler for {core.name}: {names}: none is on PATH or installed by pip", hint=ways)


def has_compiler(core: Core) -> bool:
    """Return whether a compiler for `core` is on this machine."""
    return any(which(c.program) or in_wheel(c.wheel) for c in core.compilers)


def in_wheel(place: str) -> str | None:
    """Return the path of a program in an installed Python package, "module/path", or None."""
    module, _, path = place.partition("/")
    spec = importlib.util.find_spec(module) if module else None
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(folder) / path).is_file():
            return str(Path(folder) / path)
    return None


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
    with tempfile.TemporaryFile() as said:  # no pipe: QEMU drops what it prints where one is full
        try:
            how = {"cwd": cwd, "env": surroundings, "stdout": said, "stderr": subprocess.STDOUT}
            done = run_child(argv, seconds=seconds, **how)
        except subprocess.TimeoutExpired:
            raise LrtcError(f"{what}: {Path(argv[0]).name} did not end within {seconds:g} s") from None
        except OSError as error:
            raise LrtcError(f"{what}: {argv[0]} does not start: {error.strerror}") from None
        said.seek(0)
        return Finished(done.returncode, said.read().decode("utf-8", "replace"))


def compile_c(tool: Tool, arguments: Sequence[str], cwd: Path, what: str) -> None:
    """Run a compiler; LrtcError with the head of what it said if it fails."""
    done = run_tool([*tool.command, *arguments], cwd, what)
    if done.status != 0:
        said = "\n  ".join(done.output.strip().splitlines()[:20])
        raise LrtcError(f"{what}: {tool.name} ended with status {done.status}\n  {said}")


def write_files(files: dict[str, str], folder: Path) -> None:
    """Write {relative path: text} below `folder`."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
