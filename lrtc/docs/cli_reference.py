"""The reference of the command line, made of the commands themselves."""

from __future__ import annotations

import html

from typer.main import get_command

from lrtc.cli import app
from lrtc.cli_manners import GROUPS, split_examples


def cli_reference() -> str:
    """Return the page: each command with its help, examples, arguments and options."""
    top = get_command(app)
    lines = [
        "# The command line",
        "",
        "This page is made of the commands themselves; `lrtc COMMAND --help` prints the same.",
        "`--quiet` (`-q`) and `--verbose` (`-v`) go with every command. A fault of the input ends with exit status 2,",
        "a check that found a difference with 1.",
        "",
    ]
    for title, commands in GROUPS:
        lines += [f"**{title}**", "", "| command | what it gives |", "|---|---|"]
        lines += [f"| [`lrtc {name}`](#lrtc-{name}) | {_cell(text)} |" for name, text in commands]
        lines.append("")
    for _, commands in GROUPS:
        for name, _ in commands:
            lines += _command(name, top.commands[name])
    return "\n".join(lines)


def _command(name: str, command) -> list[str]:
    """Return a command's chapter. command: as typer makes it, whichever click is below."""
    text, examples = split_examples(command.help or "")
    context = command.context_class(command, info_name=f"lrtc {name}")
    usage = command.get_usage(context).removeprefix("Usage: ")
    lines = [f"## lrtc {name}", "", *(line.strip().replace("<", "&lt;") for line in text.splitlines()), ""]
    lines += ["```text", usage, "```", "", "```sh", *examples, "```", ""]
    given = [param for param in command.get_params(context) if not {"--quiet", "--verbose", "--help"} & set(param.opts)]
    records = [record for param in given if (record := param.get_help_record(context))]
    lines += ["| option | what it says |", "|---|---|"]
    return [*lines, *(f"| <code>{_code(words)}</code> | {_cell(help_)} |" for words, help_ in records), ""]


def _code(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "&#124;").replace("*", "&#42;").replace("_", "&#95;")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
