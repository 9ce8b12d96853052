"""How the command line behaves: help by what one wants to do, examples, --quiet, --verbose, completion, hints."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Annotated, get_type_hints

import typer
from typer.core import TyperCommand, TyperGroup

from lrtc.errors import nearest
from lrtc.terminal import behave

GROUPS = (
    ("Compile", (
        ("compile", "MODEL into a folder of C, Verilog or HLS"),
        ("show", "the graph before and after passes, and why each kernel or folding"),
        ("quantize", "integers out of real activations (ReLU), by a calibration set"),
    )),
    ("Check", (
        ("run", "one engine on data: logits and classes"),
        ("verify", "every engine, every logit; or proofs for every input"),
        ("simulate", "the accelerator in Verilator, against the interpreter"),
    )),
    ("Cost", (
        ("report", "instructions, flash and RAM of each layer; --html: all on a page"),
        ("size", "bytes and stack on each core; whether it fits a board"),
        ("tune", "every kernel measured on a core, for `lrtc compile --tuned`"),
        ("explore", "area against throughput of accelerators, drawn"),
        ("synth", "cells, Fmax and a bitstream by Yosys and nextpnr"),
    )),
    ("Boards and this machine", (
        ("boards", "the boards that lrtc knows, and which hold MODEL"),
        ("flash", "firmware or a bitstream for a board, and into it"),
        ("doctor", "which tools are here, what each enables, how to get the rest"),
    )),
)  # fmt: skip
FIRST = (
    "lrtc compile model.pt --target c -o firmware/net",
    "lrtc verify model.pt --data digits.npz",
    "lrtc report model.pt --data digits.npz --html report.html",
)
EXAMPLES = re.compile(r"\s*\bExamples?:\s*(lrtc\s.*)\Z", re.DOTALL)
NO_CHOICE = re.compile(r"'(.*)' is not one of (.*?)\.?\Z", re.DOTALL)

Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="print errors only, and JSON where asked for")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="also print every program that is started")]


def mannered(app: typer.Typer, name: str, command: Callable[..., None]) -> None:
    """Add a command to an app, with --quiet and --verbose beside its own options."""
    hints = get_type_hints(command, include_extras=True)
    own = [p.replace(annotation=hints[p.name]) for p in inspect.signature(command).parameters.values()]
    word = inspect.Parameter.KEYWORD_ONLY
    more = [inspect.Parameter(key, word, default=False, annotation=kind) for key, kind in
            (("quiet", Quiet), ("verbose", Verbose))]  # fmt: skip

    @functools.wraps(command)
    def run(quiet: bool, verbose: bool, **given: object) -> None:
        behave(quiet, verbose)
        command(**given)

    del run.__wrapped__
    run.__signature__ = inspect.Signature([*own, *more])
    run.__annotations__ = {p.name: p.annotation for p in (*own, *more)}
    app.command(name, cls=Command)(run)


def split_examples(text: str) -> tuple[str, list[str]]:
    """Return a help text without its examples, and these, a command line each."""
    found = EXAMPLES.search(text)
    if not found:
        return text, []
    commands = re.split(r"\s+(?=lrtc )", found[1].strip())
    return text[: found.start()].rstrip(), [" ".join(command.split()) for command in commands]


class Command(TyperCommand):
    """A command whose examples stand on lines of their own, and that hints at the nearest of the values there are."""

    def format_help_text(self, ctx, formatter) -> None:
        text, examples = split_examples(self.help or "")
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(text)
        write_examples(formatter, examples)

    def parse_args(self, ctx, args):
        try:
            return super().parse_args(ctx, args)
        except typer.BadParameter as error:
            if found := NO_CHOICE.search(error.message):
                error.message += nearest(found[1], re.findall(r"'([^']*)'", found[2]))
            raise


class Group(TyperGroup):
    """All commands, by what one wants to do."""

    def list_commands(self, ctx) -> list[str]:
        return [name for _, commands in GROUPS for name, _ in commands]

    def format_help(self, ctx, formatter) -> None:
        self.format_usage(ctx, formatter)
        self.format_help_text(ctx, formatter)
        for title, commands in GROUPS:
            with formatter.section(title):
                formatter.write_dl([(f"{name:8}", text) for name, text in commands])
        records = [record for param in self.get_params(ctx) if (record := param.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl([(words, SHORT.get(words, text)) for words, text in records])
        write_examples(formatter, [*FIRST, "lrtc COMMAND --help"])


SHORT = {"--show-completion": "print completion for the current shell"}


def write_examples(formatter, examples: Iterable[str]) -> None:
    """Write command lines as they are typed, never wrapped."""
    lines = list(examples)
    if lines:
        with formatter.section("Examples" if len(lines) > 1 else "Example"):
            for line in lines:
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


def among(names: Callable[[], Iterable[str]]) -> Callable[[str], list[str]]:
    """Return what completes an option's value: those of `names` that begin as typed, behind a comma too."""

    def complete(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",")
        return [f"{before}{comma}{name}" for name in names() if name.startswith(last)]

    return complete


def cores() -> Iterator[str]:
    """Yield the names of cores."""
    from lrtc.check.cores import CORES

    yield from CORES


def engines() -> Iterator[str]:
    """Yield the names of engines."""
    from lrtc.chain import ENGINES

    yield from ENGINES


def targets() -> Iterator[str]:
    """Yield the names of targets."""
    from lrtc.driver import targets

    yield from targets()


def every_board() -> Iterator[str]:
    """Yield the names of boards, with a core and with an FPGA."""
    from lrtc.boards import board_names

    yield from (*board_names(), *fpga_boards())


def fpga_boards() -> Iterator[str]:
    """Yield the names of boards with an FPGA."""
    from lrtc.boards.fpga import fpga_names

    yield from fpga_names()


def devices() -> Iterator[str]:
    """Yield the names of FPGAs that a plan can be made for."""
    from lrtc.plan.devices import DEVICES

    yield from DEVICES


def parts() -> Iterator[str]:
    """Yield the names of FPGAs that can be synthesised for."""
    from lrtc.check.fpga import PARTS

    yield from PARTS


def packages() -> Iterator[str]:
    """Yield the names of packages of C."""
    from lrtc.backends.c.package import PACKAGES

    yield from PACKAGES
