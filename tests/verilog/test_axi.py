"""An accelerator with registers behind AXI4-Lite: simulated with cocotbext-axi, driven by the emitted drivers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from verilog.networks import tiny

from hw import harness
from lrtc import interp
from lrtc.backends.verilog import emit
from lrtc.backends.verilog.axi import axi_top, network_word, registers, version_word
from lrtc.check.verilator import build, need_simulator, write_files

TESTS = Path(__file__).parents[1]
RUN = """
import sys
from pathlib import Path
from cocotb_tools.runner import get_results, get_runner
executable, folder = Path(sys.argv[1]), Path(sys.argv[2])
xml = get_runner("verilator").test(
    hdl_toplevel=executable.name, hdl_toplevel_lang="verilog", test_module="verilog.tb_axi",
    build_dir=executable.parent, test_dir=folder, results_xml=str(folder / "results.xml"),
    test_args=["+verilator+rand+reset+2", "+verilator+seed+1"],
)
ran, failed = get_results(xml)
sys.exit(failed != 0)
"""


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("axi")


@pytest.fixture
def bench(work: Path, tmp_path: Path) -> Callable[[Mapping[str, str], str, dict], None]:
    """Return a function that runs the testbench on the files of an accelerator with registers."""

    def run(files: Mapping[str, str], name: str, job: dict) -> None:
        verilator = need_simulator()
        executable = build(verilator, files, axi_top(name), "", work)
        write_files({path: text for path, text in files.items() if path.endswith((".mem", ".py"))}, tmp_path)
        paths = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
        env = {**verilator.env, "PYTHONPATH": paths, "COCOTB_LOG_LEVEL": "INFO"}
        env |= {"LRTC_AXI_JOB": json.dumps({"folder": str(tmp_path), **job})}
        command = [sys.executable, "-c", RUN, executable, tmp_path]
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=300)
        assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]

    return run


def images_of(graph, n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (n, *graph.inputs[0].type.shape)).astype(np.uint8)


def test_registers_count_reset_and_refuse(bench):
    graph = tiny()
    files, x = emit(graph, "tiny", {"axi_lite": True}).files, images_of(graph, 5)
    bench(files, "tiny", {
        "registers": {"network": network_word(graph), "layout": 0, "version": [0, 1, 0]},
        "images": x.reshape(len(x), -1).tolist(),
        "want": interp.run(graph, x).tolist(),
    })  # fmt: skip


def test_what_is_written_beside_the_accelerator():
    graph = tiny()
    plain, made = emit(graph, "tiny").files, emit(graph, "tiny", {"axi_lite": True}).files
    assert all(made[path] == text for path, text in plain.items() if path != "files.f")
    assert {*made} - {*plain} == {
        "tiny_axi.sv", "README.md", "rtl/lrtc_axi_lite.sv", "host/lrtc_axi.h", "host/lrtc_axi.py"
    }  # fmt: skip
    assert made["files.f"].splitlines()[-1] == "tiny_axi.sv"
    assert emit(graph, "tiny", {"axi_lite": True}).files == made
    for register in registers(version_word("0.1.0"), network_word(graph), 0):
        assert f"| `0x{register.offset:02x}` | {register.name} |" in made["README.md"]
        assert f"0x{register.offset:02x}  {register.name}\n" in made["tiny_axi.sv"]
        assert f"#define LRTC_AXI_{register.name} 0x{register.offset:02x}u" in made["host/lrtc_axi.h"]
    assert (version_word("1.2.3"), version_word("0.4.0.dev1"), version_word("")) == (0x01020300, 0x00040000, 0)


def test_lint(tmp_path: Path):
    made = emit(tiny(), "tiny", {"axi_lite": True}).files
    write_files(made, tmp_path)
    said = harness.lint("tiny_axi", *(tmp_path / path for path in made["files.f"].split()))
    assert said == ""
