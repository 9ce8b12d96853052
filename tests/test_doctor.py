"""lrtc doctor: what is said of tools that are here, missing, too old, broken or hanging."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lrtc.boards import PROGRAMMERS
from lrtc.check import doctor
from lrtc.check.cores import CORES
from lrtc.check.fpga import PARTS
from lrtc.cli import app
from lrtc.report.doctor import seen_json


def program(folder: Path, name: str, text: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{text}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder that is all of PATH."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def look(**words: object) -> doctor.Seen:
    return doctor.examine([doctor.Need("g", "tool", "something", "`get it`", ("tool",), **words)])[0]


def test_every_tool_that_an_engine_looks_for_is_looked_for():
    programs = {name for need in doctor.needs() for name in need.programs}
    assert {c.program for core in CORES.values() for c in core.compilers} <= programs
    assert {core.emulator.program for core in CORES.values() if core.emulator} <= programs
    families = [part.family for part in PARTS.values() if part.family.place]
    assert {f.place[0] for f in families} | {f.pack[0] for f in families} <= programs
    assert set(PROGRAMMERS) <= {need.name for need in doctor.needs() if need.group == "flash"}
    assert all(need.get and need.enables for need in doctor.needs())


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("tool-gcc (15:12.2.rel1-1) 12.2.1 20221205", "12.2.1"),
        ("riscv64-unknown-elf-gcc (12.2.0-14+deb12u1+11+b2) 12.2.0", "12.2.0"),
        ("arm-none-eabi-gcc (Arm GNU Toolchain 13.2.rel1 (Build arm-13.7)) 13.2.1 20231009", "13.2.1"),
        ("valgrind-3.19.0", "3.19.0"),
        ("Verilator 5.049 devel rev vUNKNOWN", "5.049"),
        ("nothing of the kind", ""),
    ],
)
def test_a_version_is_read_from_what_a_program_says(alone: Path, said: str, version: str):
    program(alone, "tool", f"echo '{said}'")
    seen = look()
    assert (seen.state, seen.version, seen.where) == ("here", version, str(alone / "tool"))


def test_what_is_not_there_is_missing_and_what_does_not_start_is_broken(alone: Path, monkeypatch):
    assert look().state == "missing"
    program(alone, "tool", "exit 3")
    assert look().state == "broken"
    (alone / "tool").write_bytes(b"\x7fELF no program")
    assert look().state == "broken"
    monkeypatch.setattr(doctor, "SECONDS", 0.2)
    program(alone, "tool", "while :; do :; done")
    assert look().state == "broken"


def test_an_old_tool_is_too_old(alone: Path):
    program(alone, "tool", "echo tool 5.006")
    assert look(least=(5, 36)).state == "too old"
    program(alone, "tool", "echo tool 5.036")
    assert look(least=(5, 36)).state == "here"


def test_a_package_is_found_by_its_version(alone: Path):
    from importlib import metadata

    assert look(package="numpy").version == metadata.version("numpy")
    assert look(package="no-such-package-of-lrtc").state == "missing"


def test_table_and_json_say_how_to_get_what_is_missing(alone: Path):
    done = CliRunner().invoke(app, ["doctor", "--json"], catch_exceptions=False)
    answer = json.loads(done.stdout)
    assert answer["python"] == ".".join(map(str, sys.version_info[:3]))
    tools = {tool["name"]: tool for tool in answer["tools"]}
    assert (tools["C compiler"]["state"], tools["C compiler"]["get"]) == ("missing", "apt-get install gcc")
    assert tools["torch"]["state"] == "here"
    assert set(seen_json(look())) == set(tools["torch"])
    text = CliRunner().invoke(app, ["doctor"], catch_exceptions=False).stdout
    assert "`apt-get install gcc`" in text
    here = sum(tool["state"] == "here" for tool in tools.values())
    assert f"{here} of {len(tools)} tools are here" in text
