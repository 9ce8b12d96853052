"""`lrtc boards` and `lrtc flash` as a person types them: files, commands, verdicts, refusals."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from lrtc.boards import board_named, board_names
from lrtc.check.cores import CORES
from lrtc.check.firmware import too_large
from lrtc.check.programmers import GET, programmer_command, run_programmer
from lrtc.errors import LrtcError, ToolMissing

ROOT = Path(__file__).parent.parent.parent
NET = ROOT / "examples" / "mnist" / "mnist_ternary.pt"
DIGITS = ROOT / "examples" / "mnist" / "digits.npz"
BOARDS = ROOT / "lrtc" / "boards"
PROGRAMMED = [(name, p) for name in board_names() for p in board_named(name).programmers]


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    stdout: str
    stderr: str


@pytest.fixture
def lrtc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Return a function that runs a command line in the test's folder."""
    from lrtc import cli

    def run(*words: object) -> Done:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(sys, "argv", ["lrtc", *map(str, words)])
        with pytest.raises(SystemExit) as stopped:
            cli.main()
        return Done(int(stopped.value.code or 0), *capsys.readouterr())

    return run


def stand_in(folder: Path, program: str, status: int = 0) -> None:
    """Put a program into `folder` that records how it was called and from where."""
    folder.mkdir(exist_ok=True)
    script = f'#!/bin/sh\n{{ pwd; for a in "$@"; do printf "%s\\n" "$a"; done; }} > "{folder}/called"\nexit {status}\n'
    (folder / program).write_text(script)
    (folder / program).chmod(0o755)


def test_an_emulated_board_passes_and_a_changed_vector_fails(tmp_path: Path, lrtc):
    done = lrtc("flash", NET, "--board", "emulated-cortex-m4", "--data", DIGITS)
    assert done.status == 0, done.stderr
    assert "mnist_ternary on emulated-cortex-m4: PASS" in done.stdout
    folder = tmp_path / "build" / "mnist_ternary-emulated-cortex-m4"
    names = {p.name for p in folder.iterdir()}
    assert {f"mnist_ternary.{e}" for e in ("c", "h", "elf", "hex", "bin")} | {"main.c", "link.ld", "lrtc.json"} <= names
    test = folder / "mnist_ternary_test.c"
    head, table = test.read_text().split("_expected", 1)
    changed = re.sub(r"\{ *(-?\d+)", lambda found: f"{{{int(found[1]) + 1}", table, count=1)
    test.write_text(f"{head}_expected{changed}")
    done = lrtc("flash", folder, "--board", "emulated-cortex-m0")
    assert done.status == 1, done.stderr
    assert "mnist_ternary on emulated-cortex-m0: vector 0, value 0: want " in done.stdout
    assert done.stdout.endswith("FAIL, 1 values differ\n")


def test_json_says_what_was_built_and_what_it_said(tmp_path: Path, lrtc):
    words = ["flash", NET, "--board", "emulated-cortex-m0plus", "--firmware", "classify", "--data", DIGITS, "--json"]
    answer = json.loads(lrtc(*words).stdout)
    assert answer["output"].splitlines()[1:] == ["7", "2", "1", "0"]
    assert answer["status"] == 0
    assert (answer["flash"], answer["ram"]) > (10_000, 1_000)


def test_a_profile_measures_what_was_predicted(lrtc):
    """Each layer's instructions as the program counts them: those of the emulator, and the few of reading the clock."""
    done = lrtc("flash", NET, "--board", "emulated-cortex-m3", "--profile")
    assert done.status == 0, done.stderr
    rows = re.findall(r"^(\w+): (\d+) ticks, (\d+) instructions predicted$", done.stdout, re.M)
    assert [name for name, _, _ in rows] == [f"mnist_ternary_{n}" for n in ("1_conv1", "2_conv2", "3_conv3", "4_fc")]
    assert all(0 < int(ticks) - int(counted) < 40 for _, ticks, counted in rows)


def test_a_dry_run_prints_the_command_and_writes_the_files(tmp_path: Path, lrtc):
    words = ["flash", NET, "--board", "nucleo-f446re", "--programmer", "openocd", "--dry-run", "-o", "my firmware"]
    done = lrtc(*words)
    assert done.status == 0, done.stderr
    command = done.stdout.splitlines()[-1]
    said = shlex.split(command)
    assert said == ["cd", "my firmware", "&&", "openocd", "-f", "board/st_nucleo_f4.cfg", "-c", said[-1]]
    assert said[-1] == "program mnist_ternary.elf verify reset exit"
    stand_in(tmp_path / "bin", "openocd")
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-c", command], cwd=tmp_path, env=env, check=True)
    called = (tmp_path / "bin" / "called").read_text().splitlines()
    assert called == [str(tmp_path / "my firmware"), *said[4:]]


@pytest.mark.parametrize(("name", "programmer"), PROGRAMMED)
def test_the_programmer_is_called_as_the_dry_run_says(name: str, programmer: str, tmp_path: Path, monkeypatch):
    stand_in(tmp_path / "bin", programmer)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    command = programmer_command(board_named(name), "net", "/dev/tty 1", None)
    assert command.programmer == programmer
    assert command.tool is not None
    run_programmer(command, tmp_path)
    where, *arguments = (tmp_path / "bin" / "called").read_text().splitlines()
    assert where == str(tmp_path)
    assert [programmer, *arguments] == shlex.split(command.text(tmp_path))[3:]
    assert any(word.startswith(("net.", "program net.", "flash:w:net.")) for word in arguments)


def test_a_programmer_that_fails_says_what_it_said(tmp_path: Path, monkeypatch):
    stand_in(tmp_path / "bin", "picotool", status=7)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"), prepend=os.pathsep)
    with pytest.raises(LrtcError, match="picotool ended with status 7"):
        run_programmer(programmer_command(board_named("rp2040-pico"), "net", None, "picotool"), tmp_path)


@pytest.mark.parametrize(("name", "programmer"), PROGRAMMED)
def test_a_missing_programmer_is_named_with_how_to_get_it(name: str, programmer: str, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    command = programmer_command(board_named(name), "net", "COM3", programmer)
    with pytest.raises(ToolMissing) as error:
        run_programmer(command, tmp_path)
    assert programmer in str(error.value)
    assert GET[programmer] in str(error.value)
    assert command.text(tmp_path) in str(error.value)


def test_a_missing_compiler_still_writes_the_sources(tmp_path: Path, lrtc, monkeypatch):
    """Without compilers on PATH a RISC-V board is not built; it is named, and the sources are there."""
    monkeypatch.setenv("PATH", str(tmp_path))
    done = lrtc("flash", NET, "--board", "esp32-c3", "--dry-run")
    built = tmp_path / "build" / "mnist_ternary-esp32-c3"
    assert {"main.c", "board.c", "link.ld", "start.c", "Makefile", "mnist_ternary.c"} <= {
        p.name for p in built.iterdir()
    }
    if done.status == 0:  # a compiler in a Python package needs no PATH
        assert (built / "mnist_ternary.bin").is_file()
    else:
        assert done.status == 2
        assert "no compiler for rv32imc: riscv64-unknown-elf-gcc" in done.stderr
        assert "the sources are in build/mnist_ternary-esp32-c3" in done.stderr


def refusals(tmp_path: Path) -> dict[str, tuple[list[object], str]]:
    """Return the case → the words that ask for it, and what the answer must contain."""
    compiled = tmp_path / "not-c"
    compiled.mkdir()
    (compiled / "lrtc.json").write_text('{"name": "x", "target": "verilog", "files": []}')
    escape = tmp_path / "escape"
    escape.mkdir()
    (escape / "lrtc.json").write_text('{"name": "x", "target": "c", "files": ["../x.c", "x.h"]}')
    (tmp_path / "x.c").write_text("")
    (escape / "x.h").write_text("")
    m4 = ["--board", "emulated-cortex-m4"]
    return {
        "an unknown FPGA board": ([NET, "--board", "icebraker"], "did you mean 'icebreaker'"),
        "an unknown board": ([NET, "--board", "rp2040-pcio"], "did you mean 'rp2040-pico'"),
        "an unknown firmware": (
            [NET, "--board", "emulated-cortex-m4", "--firmware", "clasify"],
            "did you mean 'classify'",
        ),
        "an unknown console": ([NET, *m4, "--console", "uart"], "has semihosting"),
        "a profile where no clock is known": ([NET, "--board", "esp32-c3", "--profile"], "no clock is known"),
        "a folder that is not ours": ([tmp_path, *m4], "no sound lrtc.json"),
        "a folder of Verilog": ([compiled, *m4], "holds verilog, not C"),
        "a folder with a way out": ([escape, *m4], "../x.c is no file in it"),
        "data for a folder": ([escape, *m4, "--data", DIGITS], "go with a model"),
    }


CASES = [
    "a profile where no clock is known", "an unknown board", "an unknown FPGA board",
    "an unknown firmware", "an unknown console", "a folder that is not ours",
    "a folder of Verilog", "a folder with a way out", "data for a folder",
]  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_refusals_say_what_is_wrong_and_write_nothing(tmp_path: Path, case: str, lrtc):
    words, message = refusals(tmp_path)[case]
    before = set(tmp_path.rglob("*"))
    done = lrtc("flash", *words)
    assert done.status == 2, done.stdout + done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert set(tmp_path.rglob("*")) == before


def test_a_programmer_or_port_that_a_board_has_not_is_refused():
    with pytest.raises(LrtcError, match=r"--programmer esptool: nucleo-f446re takes openocd, pyocd"):
        programmer_command(board_named("nucleo-f446re"), "net", None, "esptool")
    with pytest.raises(LrtcError, match=r"avrdude needs the serial port of arduino-uno"):
        programmer_command(board_named("arduino-uno"), "net", None, None)


def test_boards_are_listed_and_measured(tmp_path: Path, lrtc):
    listed = lrtc("boards")
    assert listed.status == 0, listed.stderr
    for name in board_names():
        assert name in listed.stdout
    assert {row["name"] for row in json.loads(lrtc("boards", "--json").stdout)} == set(board_names())
    assert list(tmp_path.iterdir()) == []


def test_size_says_whether_boards_hold_the_network(lrtc):
    """With the bytes of each memory, those of the firmware; JSON says the same."""
    done = lrtc("size", NET, "--board", "nucleo-f446re")
    assert done.status == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith("nucleo-f446re"))
    flash, there, ram, stack, ram_there = re.fullmatch(
        r"nucleo-f446re +cortex-m4 +yes +([\d,]+) +([\d,]+) +([\d,]+) \+ ([\d,]+) +([\d,]+) *", row
    ).groups()
    assert (there, ram_there) == ("524,288", "131,072")
    (said,) = json.loads(lrtc("size", NET, "--board", "nucleo-f446re", "--json").stdout)["boards"]
    assert said["flash"] == int(flash.replace(",", ""))
    assert said["ram"] == int(ram.replace(",", "")) + said["stack"]
    assert said["stack"] == int(stack.replace(",", ""))
    assert lrtc("size", NET, "--board", "nucelo-f446re").status == 2


def test_size_says_by_how_much_a_board_is_too_small(lrtc, tmp_path: Path):
    """12 KiB of flash do not hold it whatever the kernels: the numbers add up, and the status says so."""
    text = (BOARDS / "bluepill-f103.toml").read_text()
    (tmp_path / "tiny.toml").write_text(text.replace("size = 0x10000", "size = 0x3000"))
    done = lrtc("size", NET, "--board", "tiny.toml", "--json")
    assert done.status == 1, done.stderr
    (said,) = json.loads(done.stdout)["boards"]
    assert said["fits"] is False
    assert said["flash_there"] == 0x3000
    assert f"{said['flash'] - 0x3000:,} too many" in said["why"]


def test_tables_that_no_avr_reads_are_told_in_bytes():
    """The message of the emitted #error, and what of it is too much."""
    said = too_large('x.c:45:2: error: #error "70000 bytes of tables do not fit the 64 KiB of flash"', CORES["avr"])
    assert said == "70,000 bytes of tables, 65,536 of flash are where an AVR reads them: 4,464 too many"
    assert too_large("x.c:45:2: error: expected ';'", CORES["avr"]) == ""
