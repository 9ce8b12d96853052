"""The command line's manners: help on a screen, examples that parse, completion, hints, quiet, verbose, no colours."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from lrtc import cli_manners
from lrtc.cli import app
from lrtc.cli_manners import GROUPS, among, split_examples
from lrtc.errors import LrtcError

ROOT = Path(__file__).parent.parent
NET = ROOT / "examples" / "mnist" / "mnist_ternary.pt"
NAMES = [name for _, commands in GROUPS for name, _ in commands]
COMMANDS = get_command(app).commands


def run(*words: object, **env: str):
    return CliRunner().invoke(app, [str(word) for word in words], env=env, prog_name="lrtc")


def test_help_fits_a_screen_and_has_every_command():
    lines = run("--help", COLUMNS="80", TERMINAL_WIDTH="80").stdout.splitlines()
    assert 24 <= len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert sorted(NAMES) == sorted(COMMANDS)
    listed = [line.split()[0] for line in lines if re.match(r"  [a-z]+ {2,}\S", line)]
    assert listed == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_command_has_an_example_that_it_understands(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The file it names is not there, which is the only thing that may be wrong."""
    monkeypatch.chdir(tmp_path)
    text, examples = split_examples(COMMANDS[name].help)
    assert examples
    assert "Example" not in text
    shown = run(name, "--help", COLUMNS="80", TERMINAL_WIDTH="80").stdout.splitlines()
    for example in examples:
        assert f"  {example}" in shown
        assert len(example) <= 76
        assert shlex.split(example)[:2] == ["lrtc", name]
        if name == "doctor":
            continue
        done = run(*shlex.split(example)[1:])
        assert isinstance(done.exception, LrtcError), (example, done.output, done.exception)
        assert ".pt" in str(done.exception) or "build/model-verilog: no such file" in str(done.exception)


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["verfy", "x.pt"], "'verify'"),
        (["run", "x.pt", "--enigne", "c"], "--engine"),
        (["compile", "x.pt", "--output", "clas"], "did you mean 'class'?"),
        (["compile", "x.pt", "--integers", "plane"], "did you mean 'planes'?"),
    ],
)
def test_the_nearest_name_is_hinted_at(words: list[str], hint: str):
    done = run(*words)
    assert done.exit_code == 2
    assert hint in re.sub(r"\s+", " ", done.stderr)


@pytest.mark.parametrize(
    ("words", "near"),
    [
        (["compile", NET, "-t", "verilgo"], "verilog"),
        (["compile", NET, "--package", "cmke"], "cmake"),
        (["compile", NET, "-t", "verilog", "--style", "strem"], "stream"),
        (["compile", NET, "-t", "verilog", "--device", "xc7z02"], "xc7z020"),
        (["compile", NET, "--optimize", "sped", "--core", "cortex-m4"], "speed"),
        (["report", NET, "--core", "cortex-m9"], "cortex-m"),
        (["report", NET, "--board", "nucleo-f446"], "nucleo-f446re"),
        (["flash", NET, "--board", "emulated-cortex-m4", "--firmware", "clasify"], "classify"),
        (["flash", NET, "--board", "emulated-cortex-m4", "--console", "semihostin"], "semihosting"),
        (["synth", NET, "--device", "ice40-up5"], "ice40-up5k"),
        (["synth", NET, "--board", "icebraker"], "icebreaker"),
        (["synth", NET, "--board", "icebreaker", "--link", "spo"], "spi"),
        (["show", NET, "-t", "verilg"], "verilog"),
    ],
)
def test_the_nearest_value_is_hinted_at(words: list[object], near: str, tmp_path: Path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    done = run(*words)
    assert isinstance(done.exception, LrtcError), done.output
    assert re.search(rf"did you mean '{near}", str(done.exception)), str(done.exception)
    assert not list(tmp_path.iterdir())


def complete(words: str) -> list[str]:
    env = {**os.environ, "_LRTC_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    code = "import sys; sys.argv = ['lrtc']; from lrtc.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    return done.stdout.split()


def test_the_shell_completes_commands_options_and_values():
    assert complete("lrtc com") == ["compile"]
    assert "--calibrate" in complete("lrtc quantize --ca")
    assert complete("lrtc compile --target ver") == ["verilog"]


def test_values_are_completed_behind_a_comma():
    assert among(cli_manners.cores)("cortex-m0,cortex-m5") == ["cortex-m0,cortex-m55"]
    for names in ("engines", "targets", "every_board", "fpga_boards", "devices", "parts", "packages"):
        known = list(getattr(cli_manners, names)())
        assert known
        assert among(getattr(cli_manners, names))(known[-1]) == [known[-1]]


def test_quiet_prints_errors_and_json_only(tmp_path: Path):
    target = ["-o", tmp_path / "out"]
    for words in (["compile", NET, *target, "--quiet"], ["-q", "compile", NET, *target]):
        done = run(*words)
        assert (done.exit_code, done.output) == (0, "")
    assert (tmp_path / "out" / "mnist_ternary.c").is_file()
    assert json.loads(run("show", NET, "-q", "--table").stdout or "null") is None
    assert json.loads(run("compile", NET, *target, "-q", "--json").stdout)["target"] == "c"
    assert "wrote" in run("compile", NET, *target).stdout, "the next command is not quiet"


def test_verbose_prints_the_programs_and_where_an_error_came_from(tmp_path: Path):
    argv = [sys.executable, "-m", "lrtc.cli"]
    code = "from lrtc.terminal import behave; behave(verbose=True); import subprocess; subprocess.run(['true', 'a b'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\[\d+\.\d s\] true 'a b'\n", done.stderr)
    done = subprocess.run(
        [*argv, "show", "none.pt", "-v"], cwd=tmp_path, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert done.returncode == 2
    assert "Traceback" in done.stderr
    assert "lrtc: error: " in done.stderr


def test_no_colours_in_a_pipe():
    argv = [sys.executable, "-m", "lrtc.cli"]
    for words in (["doctor"], ["boards"], ["show", "none.pt"], ["compile", "--help"]):
        done = subprocess.run([*argv, *words], cwd=ROOT, capture_output=True, text=True, check=False)
        assert "\x1b" not in done.stdout + done.stderr
        assert done.stdout + done.stderr
