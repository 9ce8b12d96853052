"""The wheel carries everything that the checkout does: templates, hw, and a command that works from it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    build = "list(WheelBuilder('.').build(directory=sys.argv[1]))"
    code = f"import sys; from hatchling.builders.wheel import WheelBuilder; {build}"
    done = subprocess.run([sys.executable, "-c", code, str(out)], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = out.glob("*.whl")
    return path


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
