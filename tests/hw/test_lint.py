"""Every module is free of Verilator warnings, alone and with the parameters of every bench, and keeps its form."""

import re

import pytest
from hw.case import top

from hw import harness

FILES = harness.sources()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_module_alone(path):
    assert harness.lint(path.stem, path) == ""


@pytest.mark.parametrize("group", harness.GROUPS)
def test_parameters_of_the_benches(group, tmp_path):
    (tmp_path / "bench.sv").write_text(top(harness.cases(group)))
    assert harness.lint("bench", tmp_path / "bench.sv") == ""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_form(path):
    text = path.read_text()
    assert re.findall(r"^module (\w+)", text, re.M) == [path.stem]
    assert text.startswith("`default_nettype none\n\n// ")
    assert text.endswith("endmodule\n\n`default_nettype wire\n")
    contract = text.split("\n\n")[1].split("\nmodule")[0].splitlines()
    assert 1 <= len(contract) <= 3
    assert all(line.startswith("// ") for line in contract)
    header = text[: text.index(");\n")]
    ports = re.findall(r"^    (?:in|out)put +wire(?: signed)?(?: *\[.*\])? +(\w+)", header, re.M)
    assert ports
    assert all(re.search(r"_(i|o|ni)$", port) for port in ports), ports
    assert max(map(len, text.splitlines())) <= 130


def test_every_module_is_in_the_readme_and_in_a_bench():
    readme = (harness.RTL / "README.md").read_text()
    tested = {case.module for group in harness.GROUPS for case in harness.cases(group)}
    parts = {"lrtc_popcount", "lrtc_ram", "lrtc_extend", "lrtc_accumulate"}  # inside others, which have cases
    parts |= {f"lrtc_{name}_core" for name in ("mvu", "dense", "threshold", "affine")}
    parts.add("lrtc_reload")  # in tests/verilog/test_axi.py
    for path in FILES:
        assert f"`{path.stem}`" in readme
    assert {path.stem for path in FILES} == (tested - {"convolution"}) | parts
