"""Icarus, which has four values where Verilator has two: the same answers, no X, a reset amid an image; Verible."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from lrtc import interp
from lrtc.check.verilator import write_files
from lrtc.driver import compile, open_model, random_feeds

HERE = Path(__file__).parent
CORPUS = HERE.parent / "fuzz" / "corpus"
IMAGES = 4
BUILD = ("iverilog", "-g2012", "-s", "tb", "-o", "tb.vvp")
CASES = {  # network, options, share of cycles that are sat out on both sides
    "conv": ("conv.pt", {}, 0), "conv stalled": ("conv.pt", {"target_cycles": 400}, 60), "mixed": ("mixed.pt", {}, 30),
    "signal": ("signal.pt", {}, 30), "dense": ("dense.pt", {}, 50), "onnx": ("conv.onnx", {}, 40),
    "wires": ("conv.pt", {"style": "unrolled"}, 40),
}  # fmt: skip
RULES = (  # where this house's style is not lowRISC's
    "line-length=length:140",  # lowRISC has 100
    "-explicit-parameter-storage-type",  # localparams take the type of what they are made of
    "-unpacked-dimensions-range-ordering",  # [0:N-1], in the order of $readmemh
)


def lacks(tool: str) -> bool:
    """Say what is left out where a tool is not on this machine (`make tools`, or the extra `test`)."""
    if shutil.which(tool):
        return False
    print(f"note: no {tool} here; what it would say of the emitted Verilog is not tested")
    return True


@pytest.mark.parametrize("case", CASES)
def test_icarus_gives_the_interpreters_answers_without_an_x(case: str, tmp_path: Path):
    if lacks("iverilog"):
        return
    name, options, stall = CASES[case]
    opened = open_model(CORPUS / name, "net")
    result = compile(opened, "verilog", **options)
    write_files(result.files, tmp_path)
    (feed,) = random_feeds(opened.graph, IMAGES, seed=len(case)).values()
    want = interp.run(opened.graph, feed).reshape(-1)
    data = feed.reshape(-1)
    (tmp_path / "images.hex").write_text("\n".join(f"{v:02x}" for v in data) + "\n")
    top = result.files["net.sv"]
    bits = int(re.search(r"\[(\d+):0\]\s+m_axis_tdata", top)[1]) + 1
    assert "[7:0]  s_axis_tdata" in top
    macros = {"TOP": "net", "OUT_BITS": bits, "BYTES": len(data), "BEATS": len(want), "STALL": stall,
              "FIRST": len(data) // IMAGES * 2 // 3}  # fmt: skip
    words = [f"-D{key}={value}" for key, value in macros.items()]
    sources = result.files["files.f"].split()
    built = subprocess.run(
        [*BUILD, "-Wall", "-Wno-timescale", *words, HERE / "tb_icarus.sv", *sources],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert built.returncode == 0, built.stderr
    assert not built.stderr, built.stderr
    done = subprocess.run(["vvp", "tb.vvp"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert "X in cycle" not in done.stdout, done.stdout[-500:]
    beats = re.findall(r"^beat ([0-9a-f]+) ([01])$", done.stdout, re.MULTILINE)
    got = np.array([int(value, 16) for value, _ in beats], dtype=np.int64)
    got -= (got >> (bits - 1)) << bits
    assert got.tolist() == want.tolist(), done.stdout[-500:]
    per = len(want) // IMAGES
    assert [last for _, last in beats] == (["0"] * (per - 1) + ["1"]) * IMAGES
    assert f"{len(want)} beats" in done.stdout


def test_an_x_is_seen(tmp_path: Path):
    """A check that cannot fail is none: a pixel that nobody gave makes the bench say so."""
    if lacks("iverilog"):
        return
    files = compile(open_model(CORPUS / "conv.pt", "net"), "verilog").files
    write_files(files, tmp_path)
    (tmp_path / "images.hex").write_text("\n".join(["xx"] * 75) + "\n")
    words = ["-DTOP=net", "-DOUT_BITS=32", "-DBYTES=75", "-DBEATS=10", "-DSTALL=0", "-DFIRST=50"]
    sources = files["files.f"].split()
    subprocess.run([*BUILD, *words, HERE / "tb_icarus.sv", *sources], cwd=tmp_path, check=True)
    done = subprocess.run(["vvp", "tb.vvp"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120)
    assert "X in cycle" in done.stdout


def test_verible_finds_nothing(tmp_path: Path):
    if lacks("verible-verilog-lint"):
        return
    for name, options in (("mixed.pt", {}), ("conv.pt", {"style": "unrolled"}), ("conv.pt", {"axi_lite": True})):
        files = compile(open_model(CORPUS / name, "net"), "verilog", **options).files
        write_files(files, tmp_path)
        sources = [path for path in files if path.endswith(".sv")]
        words = ["verible-verilog-lint", f"--rules={','.join(RULES)}", *sources]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
