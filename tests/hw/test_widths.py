"""lrtc_dot is right for every width and kind of elements and weights, by planes and by products."""

import subprocess

from hw import harness

HERE = harness.HERE


def test_every_width(tmp_path):
    command = [
        "verilator", "--cc", "--exe", "--build", "-Wall", "-CFLAGS", "-O0", "--output-split", "0",
        "-y", str(harness.RTL), "-Mdir", str(tmp_path), "--top-module", "widths",
        str(HERE / "widths.sv"), str(HERE / "widths.cpp"),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    run = subprocess.run([tmp_path / "Vwidths"], capture_output=True, text=True, check=True)
    assert run.stdout == "0 of 2000 vectors are wrong\n"
