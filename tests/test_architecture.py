"""The house rules that a machine can hold: who may import what, one op = meaning + test, files of one job."""

from __future__ import annotations

import ast
import subprocess
import sys
from itertools import permutations
from pathlib import Path

import pytest

from lrtc.interp import MEANING
from lrtc.ir import OPS

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "lrtc"
FILES = sorted(PACKAGE.rglob("*.py"))

ABOVE = {
    "__main__", "actions", "api", "asked", "bench", "bench_board", "bench_hw", "bench_layers", "bench_nets",
    "bench_slices", "bench_x86", "calibrating", "chain", "cli", "cli_boards", "cli_costs", "cli_doctor", "cli_hls",
    "cli_html", "cli_manners", "cli_options", "cli_prove", "cli_quantize", "cli_rtl", "cli_show", "cli_synth", "docs",
    "driver", "exploring", "flashing", "folders", "proving", "report", "reporting", "simulating", "synthesis",
    "terminal", "train", "tuning",
}  # fmt: skip
MAY = {  # part → parts of lrtc it may import
    "errors": set(),
    "resources": {"errors"},
    "output": {"errors", "exchange", "wholefile"},
    "exchange": set(),
    "wholefile": {"errors"},
    "ir": {"errors"},
    "interp": {"ir", "errors"},
    "passes": {"ir", "interp", "errors"},
    "nn": {"errors"},
    "frontend": {"ir", "interp", "nn", "errors", "wholefile", "__init__"},
    "plan": {"ir", "errors"},
    "proof": {"ir", "interp", "errors"},
    "boards": {"errors"},
    "backends": {"ir", "plan", "boards", "errors", "resources", "__init__"},
    "check": {"ir", "interp", "plan", "boards", "backends", "errors", "resources"},
}
ONLY = {  # foreign module → where it may be imported; lazily counts as well
    "torch": {"nn", "frontend", "driver", "chain", "train"},
    "lightning": {"train"},
    "matplotlib": {"train", "report"},
    "distributed": {"exploring"},
    "onnx": {"frontend"},
    "google": {"frontend"},
    "mkdocs": {"docs"},
    "pymdownx": {"docs"},
    "latex2mathml": {"docs"},
    "jinja2": {"backends", "report", "cli_costs"},
    "networkx": {"ir", "plan"},
    "subprocess": {"check"},
    "cocotb": {"check"},
    "unicorn": {"check"},
    "pickle": set(),
}


def part(path: Path) -> str:
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Every module that a file imports, at the top or inside a function, but not for type checkers."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    hints = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in hints:
            continue
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module != "lrtc":
                found.add(node.module)
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_keep_to_the_map(path: Path):
    here = part(path)
    for module in imports(path):
        top, *rest = module.split(".")
        if top in ONLY:
            assert here in ONLY[top], f"{top} may not be imported in {here}"
        if top == "lrtc" and here not in ABOVE and here != "__init__":
            there = rest[0] if rest else "__init__"
            known = (PACKAGE / there).is_dir() or (PACKAGE / f"{there}.py").is_file()
            there = there if known else "__init__"
            assert there == here or there in MAY[here], f"{here} may not import lrtc.{there}"


def test_backends_do_not_know_each_other():
    for name, other in permutations(("c", "verilog", "hls"), 2):
        for path in (PACKAGE / "backends" / name).rglob("*.py"):
            assert not any(m.startswith(f"lrtc.backends.{other}") for m in imports(path)), path


def test_importing_lrtc_imports_no_torch():
    code = "import sys, lrtc, lrtc.cli, lrtc.ir, lrtc.passes; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_files_have_one_job_and_say_it(path: Path):
    text = path.read_text(encoding="utf-8")
    assert path.name not in ("utils.py", "helpers.py", "common.py")
    assert len(text.splitlines()) <= 400
    assert not text or ast.get_docstring(ast.parse(text)), "the first line says what the file is for"


def test_every_op_has_a_meaning_and_a_formula():
    for name, op in OPS.items():
        assert op.name == name
        assert op.__doc__
        assert name == "const" or op in MEANING


def test_every_pass_file_is_in_the_table():
    from lrtc.passes import PASSES

    files = {p.stem.replace("_", "-") for p in (PACKAGE / "passes").glob("*.py")} - {"--init--", "rewrite"}
    assert files == set(PASSES)


def test_no_python_in_templates_or_hw():
    for folder in ("templates", "hw"):
        assert not list((ROOT / folder).rglob("*.py"))


def test_tests_are_not_skipped_silently():
    words = ("mark." + "skip", "mark." + "xfail", "importor" + "skip")
    for path in (ROOT / "tests").rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not [word for word in words if word in text], path
