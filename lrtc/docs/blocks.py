"""Every fenced block of a page is run or checked, in order, in a folder of the page's own, as a reader would.

sh       `lrtc …` is run, in this process; cd, mkdir, ls, cat, and compilers as well; what `make`, `pip`
         and `python FILE` name must be there
python   is run; the names of a page's blocks are shared
others   json and toml are read, any block with a title is written to a file of that name; text is for people
A comment in the line above says otherwise: `<!-- not run: why -->` (options are checked all the same). Below a block,
`<!-- output -->` becomes what it printed; `head=N` and `tail=N` leave the rest out, `refused` wants a
fault of the user's and shows its words.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

from lrtc.check.children import CAPTURED, run_child
from lrtc.docs.errors import Wrong
from lrtc.errors import LrtcError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent.parent
BLOCK = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+?) -->\n)?"
    r"^(?P<indent> *)(?P<mark>```+)(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)(?P=mark)[ ]*$"
    r"(?:\n+(?P=indent)<!-- output(?P<cut>[^\n]*?) -->$)?",
    re.M | re.S,
)
TITLE = re.compile(r'title="([^"]+)"')
TEXT = ("text", "c", "cpp", "verilog", "systemverilog", "html", "markdown")
PROGRAMS = ("cc", "gcc", "g++", "sh")
SECONDS = 120.0
WIDTH = 96  # columns of a page's blocks


@dataclass(frozen=True)
class Block:
    """A fenced block. cut: what is kept of its output, None if it is not shown; reason: why it is not run."""

    language: str
    title: str
    code: str
    cut: str | None
    reason: str | None


def block_of(found: re.Match[str]) -> Block:
    """Return the block that BLOCK found."""
    info, title = found["info"].strip(), TITLE.search(found["info"])
    return Block(
        info.split(" ", 1)[0], title[1] if title else "", textwrap.dedent(found["body"]), found["cut"], found["reason"]
    )


def run_blocks(text: str, folder: Path, where: str) -> str:
    """Return a page with what its blocks printed; Wrong for the first that does not do what it says.

    folder: the page's own; it gets the examples, as a checkout has them.
    """
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    session = Session(folder)

    def replaced(found: re.Match[str]) -> str:
        block = block_of(found)
        line = text.count("\n", 0, found.start()) + 1
        try:
            said = session.do(block)
        except Wrong as error:
            raise Wrong(f"{where}, line {line}: {error}") from error
        start = found.start("indent") - found.start()
        whole = found[0][start:]
        if block.cut is None:
            return whole
        if not said.strip():
            raise Wrong(f"{where}, line {line}: it prints nothing that could be shown")
        fence = whole[: whole.rindex("<!-- output")].rstrip()
        shown = f"{found['mark']}text\n{kept(said, block.cut)}\n{found['mark']}"
        return f"{fence}\n\n{textwrap.indent(shown, found['indent'])}"

    return BLOCK.sub(replaced, text)


def kept(said: str, cut: str) -> str:
    """Return the lines of an output that are shown: all, or the first and the last ones."""
    lines = [line.rstrip() for line in said.strip("\n").splitlines()]
    head, tail = (int(n[1]) if (n := re.search(rf"{key}=(\d+)", cut)) else 0 for key in ("head", "tail"))
    if (not head and not tail) or len(lines) <= head + tail:
        return "\n".join(lines)
    return "\n".join([*lines[:head], "…", *(lines[-tail:] if tail else ())])


def check_blocks(text: str, where: str) -> None:
    """Raise Wrong for the first block of a text that is run elsewhere, but names what is not there."""
    for found in BLOCK.finditer(text):
        block = block_of(found)
        if block.language in ("sh", "") and any(line.startswith("lrtc ") for line in block.code.splitlines()):
            try:
                for words in commands(block.code):
                    check_words(words)
            except Wrong as error:
                raise Wrong(f"{where}: {error}") from error


def commands(code: str) -> list[list[str]]:
    """Return the commands of a shell block, continued lines and `&&` included."""
    lines = code.replace("\\\n", " ").splitlines()
    parts = [part for line in lines for part in re.split(r"\s&&\s", line.removeprefix("$ "))]
    return [words for part in parts if (words := shlex.split(part, comments=True))]


def check_words(words: list[str]) -> None:
    """Raise Wrong unless a command has the options, files, targets and extras that it names."""
    if words[0] == "lrtc":
        _check_lrtc(words[1:])
    elif words[0] == "make":
        targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
        for word in words[1:]:
            if "=" not in word and word not in targets:
                raise Wrong(f"make has no target {word}")
    elif words[:2] == ["pip", "install"]:
        known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
        for extras in re.findall(r"\[([a-z,]+)\]", " ".join(words)):
            if lacking := set(extras.split(",")) - set(known):
                raise Wrong(f"there is no extra {', '.join(sorted(lacking))}")
    elif words[0].startswith("python") and words[1].startswith("examples/") and not (ROOT / words[1]).is_file():
        raise Wrong(f"there is no {words[1]}")


def _check_lrtc(words: list[str]) -> None:
    from typer.main import get_command

    from lrtc.cli import app

    top = get_command(app)
    if words and words[0].startswith("-"):
        command, rest = top, words
    elif words and words[0] in top.commands:
        command, rest = top.commands[words[0]], words[1:]
    else:
        raise Wrong(f"lrtc has no command {' '.join(words[:1])}")
    try:
        context = command.context_class(command, info_name=words[0], parent=None, resilient_parsing=True)
        _, left, _ = command.make_parser(context).parse_args(list(rest))
    except Exception as error:  # typer brings a click of its own, or another one
        raise Wrong(f"lrtc {' '.join(words)}: {getattr(error, 'message', '') or error}") from None
    if left:
        raise Wrong(f"lrtc {' '.join(words)}: {' '.join(map(str, left))} is one word too many")


class Session:
    """One page: its folder, and the names that its Python blocks made."""

    def __init__(self, folder: Path) -> None:
        self.folder = self.here = folder
        self.names: dict[str, object] = {"__name__": "__main__"}
        self.refused = False

    def do(self, block: Block) -> str:
        """Return what a block prints; Wrong if it fails."""
        if not block.language:
            raise Wrong("a block without a language: sh, python, text, …")
        if block.title:
            self._write(block)
        if block.language in ("sh", "shell", "bash"):
            words = commands(block.code)
            for each in words:
                check_words(each)
            self.refused = "refused" in (block.cut or "")
            return "" if block.reason else "".join(self._command(each) for each in words)
        if block.language == "python":
            code = _compiled(block.code)
            return "" if block.reason or block.title else self._inside(lambda: exec(code, self.names))
        if block.language in ("json", "toml"):
            try:
                (json if block.language == "json" else tomllib).loads(block.code)
            except ValueError as error:
                raise Wrong(f"this is no {block.language}: {error}") from None
        elif block.language not in TEXT:
            raise Wrong(f"blocks of {block.language} are not known; known: sh, python, json, toml, {', '.join(TEXT)}")
        return ""

    def _write(self, block: Block) -> None:
        path = self.here / block.title
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.code, encoding="utf-8")

    def _command(self, words: list[str]) -> str:
        first, rest = words[0], words[1:]
        if first == "lrtc":
            return self._lrtc(rest)
        if first in ("python", "python3") and (self.here / rest[0]).is_file():
            code = _compiled((self.here / rest[0]).read_text(encoding="utf-8"))
            return self._inside(lambda: exec(code, {"__name__": "__main__", "__file__": rest[0]}))
        if first == "cd":
            self.here = (self.here / rest[0]).resolve()
            if not self.here.is_dir() or not self.here.is_relative_to(self.folder.resolve()):
                raise Wrong(f"cd {rest[0]}: there is no such folder")
            return ""
        if first == "mkdir":
            (self.here / rest[-1]).mkdir(parents=True, exist_ok=True)
            return ""
        if first == "ls":
            folder = self.here / (rest[0] if rest else ".")
            return "\n".join(sorted(path.name + "/" * path.is_dir() for path in folder.iterdir())) + "\n"
        if first == "cat":
            return (self.here / rest[0]).read_text(encoding="utf-8")
        if first in PROGRAMS or first.startswith("./"):
            done = run_child(words, seconds=SECONDS, cwd=self.here, **CAPTURED)
            if done.returncode:
                raise Wrong(f"{shlex.join(words)}: exit status {done.returncode}\n{done.stdout}{done.stderr}")
            return done.stdout
        raise Wrong(f"{first}: not run here; say why above the block: <!-- not run: … -->")

    def _lrtc(self, words: list[str]) -> str:
        from typer.testing import CliRunner

        from lrtc import terminal
        from lrtc.cli import app

        with _chdir(self.here), _as_in_a_plain_terminal(terminal.out):
            done = CliRunner().invoke(app, words, prog_name="lrtc")
        if self.refused:
            if not isinstance(done.exception, LrtcError):
                raise Wrong(f"lrtc {shlex.join(words)}: it should be refused, and ends with {done.exit_code}")
            return f"lrtc: error: {done.exception}\n"
        if done.exit_code:
            why = done.exception if not isinstance(done.exception, SystemExit) else done.stderr
            raise Wrong(f"lrtc {shlex.join(words)}: exit status {done.exit_code}\n{done.stdout}{why}")
        return done.stdout

    def _inside(self, work) -> str:
        said = io.StringIO()
        path = list(sys.path)
        try:
            with _chdir(self.here), contextlib.redirect_stdout(said):
                sys.path.insert(0, str(self.here))
                work()
        except Exception as error:
            raise Wrong(f"{type(error).__name__}: {error}") from error
        finally:
            sys.path[:] = path
        return said.getvalue()


@contextlib.contextmanager
def _as_in_a_plain_terminal(console):
    """Within, a console is as wide as a page's block and has no colours."""
    before = console._width, console._color_system
    console._width, console._color_system = WIDTH, None
    try:
        yield
    finally:
        console._width, console._color_system = before


def _compiled(code: str):
    try:
        return compile(code, "<a block>", "exec")
    except SyntaxError as error:
        raise Wrong(f"this is no Python: {error}") from None


@contextlib.contextmanager
def _chdir(folder: Path):
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)
