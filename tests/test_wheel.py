"""The wheel carries everything that the checkout does: templates, hw, and a command that works from it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from lrtc import __version__

ROOT = Path(__file__).parent.parent


def built(kind: str, out: Path, tree: Path = ROOT) -> Path:
    """Build "wheel" or "sdist" of a tree with hatchling; return the file."""
    name = {"wheel": "WheelBuilder", "sdist": "SdistBuilder"}[kind]
    build = f"list({name}('.').build(directory=sys.argv[1]))"
    code = f"import sys; from hatchling.builders.{kind} import {name}; {build}"
    done = subprocess.run([sys.executable, "-c", code, str(out)], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = out.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return path


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built("wheel", tmp_path_factory.mktemp("wheel"))


def test_the_wheel_carries_templates_and_hw(wheel: Path):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("templates", "hw"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file():
                assert f"lrtc/_share/{path.relative_to(ROOT).as_posix()}" in names
    for path in (ROOT / "lrtc" / "boards").glob("*.toml"):
        assert f"lrtc/boards/{path.name}" in names
    assert not [n for n in names if n.startswith(("tests/", "examples/"))]


def test_a_model_compiles_from_the_unpacked_wheel(wheel: Path, tmp_path: Path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    env = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    code = "import lrtc, lrtc.cli; print(lrtc.__file__); lrtc.cli.main()"
    model = ROOT / "examples" / "mnist" / "mnist_ternary.pt"
    for target in ("c", "verilog"):
        argv = [sys.executable, "-c", code, "compile", str(model), "--target", target, "-o", str(tmp_path / target)]
        done = subprocess.run(argv, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith(str(tmp_path / "site")), "the wheel's own package ran"
        assert any((tmp_path / target).iterdir())


def test_the_sdist_makes_the_same_wheel(wheel: Path, tmp_path: Path):
    source = built("sdist", tmp_path)
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path, filter="data")
    tree = tmp_path / source.name.removesuffix(".tar.gz")
    for path in ("README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md", "Makefile", "tests/test_wheel.py", "PKG-INFO"):
        assert (tree / path).is_file()
    again = built("wheel", tmp_path / "again", tree)
    with zipfile.ZipFile(wheel) as ours, zipfile.ZipFile(again) as theirs:
        assert {i.filename: i.CRC for i in ours.infolist()} == {i.filename: i.CRC for i in theirs.infolist()}


def test_the_version_stands_in_one_place(wheel: Path):
    assert wheel.name == f"lrtc-{__version__}-py3-none-any.whl"
    with zipfile.ZipFile(wheel) as archive:
        said = archive.read(f"lrtc-{__version__}.dist-info/METADATA").decode()
    assert f"\nVersion: {__version__}\n" in said
    assert "version =" not in (ROOT / "pyproject.toml").read_text().partition("[project.optional")[0]


def test_the_changelog_can_be_released():
    """Unreleased on top, then versions falling, each with its day; sections by Keep a Changelog's words, in order."""
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert heads[0] == "[Unreleased]"
    versions = [re.fullmatch(r"\[(\d+)\.(\d+)\.(\d+)\] - \d{4}-\d{2}-\d{2}", head) for head in heads[1:]]
    assert all(versions), heads
    numbers = [tuple(map(int, found.groups())) for found in versions]
    assert numbers == sorted(set(numbers), reverse=True)
    words = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        sections = re.findall(r"^### (.*)$", part, re.MULTILINE)
        assert set(sections) <= set(words)
        assert len(sections) == len(set(sections))
        assert sections == sorted(sections, key=words.index)
