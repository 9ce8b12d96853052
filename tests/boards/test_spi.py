"""A board's top behind SPI instead of a serial line: simulated at its pins with the emitted driver."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from verilog.networks import Maker

from lrtc import interp
from lrtc.backends.verilog.board import CONSTRAINTS, board_files, board_top
from lrtc.boards.fpga import fpga_named, fpga_names, parse_fpga
from lrtc.check.fpga import PARTS
from lrtc.check.verilator import build, lint, need_simulator, write_files
from lrtc.driver import compile, open_model, random_feeds
from lrtc.errors import LrtcError
from lrtc.ir import B1
from lrtc.synthesis import synthesize_model

TESTS = Path(__file__).parents[1]
RUN = """
import sys
from pathlib import Path
from cocotb_tools.runner import get_results, get_runner
executable, folder = Path(sys.argv[1]), Path(sys.argv[2])
xml = get_runner("verilator").test(
    hdl_toplevel=executable.name, hdl_toplevel_lang="verilog", test_module="boards.tb_spi",
    build_dir=executable.parent, test_dir=folder, results_xml=str(folder / "results.xml"),
)
ran, failed = get_results(xml)
sys.exit(failed != 0 or ran != 1)
"""


def slow_network():
    """Return 6×6 bytes → 5 classes, a window of which takes longer than a byte at the fastest SPI."""
    graph = Maker("tiny", (6, 6, 1), 3).conv("c", 8).codes(B1).linear("l", 5).done()
    return graph, compile(graph, "verilog", output="class", fold={"c": (1, 1)})


def test_images_through_spi_are_classified_and_lost_ones_are_told(tmp_path: Path):
    graph, result = slow_network()
    top = board_top(result.name)
    files = dict(result.files) | board_files(result.graph, result.name, fpga_named("icebreaker"), 5, link="spi")
    x = np.ascontiguousarray(random_feeds(graph, 3)["x"])
    want = interp.answers(graph, {"x": x}).popitem()[1].reshape(3, -1).argmax(axis=1).tolist()
    verilator = need_simulator()
    executable = build(verilator, files, top, "", tmp_path / "work")
    write_files({path: text for path, text in files.items() if path.endswith((".mem", ".py"))}, tmp_path)
    job = {"folder": str(tmp_path), "images": x.reshape(3, -1).tolist(), "want": want, "breath": 40}
    paths = os.pathsep.join([str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])])
    env = {**verilator.env, "PYTHONPATH": paths, "LRTC_SPI_JOB": json.dumps(job)}
    command = [sys.executable, "-c", RUN, executable, tmp_path]
    done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, (done.stdout + done.stderr)[-6000:]


@pytest.mark.parametrize("name", [name for name in fpga_names() if fpga_named(name).spi])
def test_each_board_has_pins_for_spi_and_a_clean_top(name: str):
    _, result = slow_network()
    board, ending = fpga_named(name), CONSTRAINTS[PARTS[fpga_named(name).device].family.name]
    files = dict(result.files) | board_files(result.graph, result.name, board, 5, ending, "spi")
    assert lint(files, board_top(result.name)) == ""
    constraints = files[f"{board_top(result.name)}.{ending}"].splitlines()
    pins = board.pins_of("spi")
    assert {"sck_i", "cs_ni", "mosi_i", "miso_o"} <= {*pins}
    assert len({pin.name for pin in pins.values()}) == len(pins)
    for port, pin in pins.items():
        assert any(port in line and pin.name in line for line in constraints), port
    assert "host/lrtc_spi.py" in files
    assert not any("serial" in path or "uart" in path for path in files)


def test_a_board_without_pins_and_a_link_that_is_none_are_refused():
    bare = parse_fpga("bare", {
        "title": "t", "chip": "c", "device": "ice40-up5k", "clock_hz": 12_000_000, "baud": 115_200,
        "clock": {"pin": "35"}, "rx": {"pin": "6"}, "tx": {"pin": "9"},
    }, "bare.toml")  # fmt: skip
    graph, _ = slow_network()
    with pytest.raises(LrtcError, match="no pins of bare are known for SPI"):
        synthesize_model(open_model(graph), "ice40-up5k", bare, link="spi")
    with pytest.raises(LrtcError, match=r"no link 'spy' \(did you mean 'spi'\?\); known: uart, spi"):
        synthesize_model(open_model(graph), "ice40-up5k", link="spy")
    with pytest.raises(LrtcError, match="--link spi goes with a board's top"):
        synthesize_model(open_model(graph), "ice40-up5k", place=False, link="spi")
