"""`make bench-hw`: sites counted by hand, mapped netlists run, wrong answers refused, rows kept."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lrtc import bench_hw, bench_slices
from lrtc.bench_hw import WiredLayer, add_rows, textbook_rows, wired_rows
from lrtc.bench_layers import Row
from lrtc.bench_slices import Slice, slice_rows
from lrtc.check.luts import count_sites, map_luts
from lrtc.errors import LrtcError
from lrtc.resources import share

SMALL = WiredLayer("small", 21, 6, 1.0)


def test_sites_by_hand():
    sets = [frozenset(text) for text in ("abcdef", "abc", "abc", "abcde", "ax", "xyz", "q")]
    assert count_sites([]) == 0
    assert count_sites(sets[:1] * 2) == 2  # 6 inputs never share a site
    assert count_sites(sets[1:3]) == 1
    assert count_sites(sets[3:5]) == 2  # 6 inputs between them
    assert count_sites(sets[4:6]) == 1
    assert count_sites(sets[5:]) == 2  # no wire in common
    assert count_sites(sets) == 5


def test_a_small_layer_is_mapped_run_and_smaller_than_the_textbook():
    (ours,), (textbook,) = wired_rows(SMALL), textbook_rows(SMALL)
    assert (ours.name, textbook.name) == ("hw/small", "hw/small/textbook")
    assert 0 < ours.value < textbook.value < 2


def test_a_wrong_netlist_is_no_figure(monkeypatch):
    right = bench_hw.decided
    monkeypatch.setattr(bench_hw, "decided", lambda w, levels, *rest: right(w, levels + 2, *rest))
    with pytest.raises(LrtcError, match="small: an output of the mapped netlist differs"):
        wired_rows(SMALL)


def test_flip_flops_and_what_is_no_lut():
    text = """module m(input wire clk_i, r_i, e_i, d_i, output logic q_o, output wire n_o);
    always_ff @(posedge clk_i) if (r_i) q_o <= 1'b1; else if (e_i) q_o <= d_i;
    assign n_o = !q_o;
    endmodule
    """
    mapped = map_luts({"m.sv": text}, "m")
    assert (len(mapped.flops), len(mapped.luts), mapped.sites) == (1, 1, 1)
    rng = np.random.default_rng(0)
    steps = [{name: rng.integers(0, 2, (8, 1)).astype(bool) for name in ("r_i", "e_i", "d_i")} for _ in range(9)]
    q = np.zeros((8, 1), bool)
    for step, got in zip(steps, mapped.run(steps), strict=True):
        assert np.array_equal(got["q_o"], q)
        assert np.array_equal(got["n_o"], ~q)
        q = step["r_i"] | np.where(step["e_i"], step["d_i"], q)
    with pytest.raises(LrtcError, match="Yosys does not map m"):
        map_luts({"m.sv": "module m(input wire a_i); missing u(a_i); endmodule"}, "m")


def test_rows_are_added_in_place(tmp_path):
    path = tmp_path / "build" / "bench.json"
    add_rows(path, [Row("a", 1.0, "x"), Row("b", 2.0, "x", 1.0)])
    add_rows(path, [Row("a", 3.0, "x", 5.0)])
    rows = json.loads(path.read_text())
    assert [(row["name"], row["value"], row["ok"]) for row in rows] == [("b", 2.0, False), ("a", 3.0, True)]


def test_a_slice_is_mapped_run_and_counted(monkeypatch):
    small = Slice(2, 6, 7)
    (row,), (other,) = slice_rows(small), slice_rows(small, textbook=True)
    assert (row.name, other.name) == ("hw/slice-2x6", "hw/slice-2x6/textbook")
    assert 1 < row.value < 4
    monkeypatch.setattr(bench_slices, "OURS", bench_slices.OURS.replace("first_q ?", "!first_q ?"))
    with pytest.raises(LrtcError, match="a decision of the mapped netlist differs"):
        slice_rows(small)


def test_memories_become_block_rams_and_rams_of_luts():
    ports = ".clk_i, .rst_ni, .in_valid_i, .in_ready_o, .in_data_i, .out_valid_o, .out_ready_i, .out_data_o"
    rtl = share("hw") / "rtl"
    files = {f"{name}.sv": (rtl / f"{name}.sv").read_text() for name in ("lrtc_fifo", "lrtc_ram", "lrtc_rom")}
    files["net.mem"] = "\n".join(f"{row * 0x9E3779B97F4A7C15 % 2**64:x}" for row in range(512)) + "\n"
    files["net.sv"] = f"""module net(
    input wire clk_i, input wire rst_ni, input wire in_valid_i, output wire in_ready_o, input wire [63:0] in_data_i,
    output wire out_valid_o, input wire out_ready_i, output wire [63:0] out_data_o,
    input wire [8:0] addr_i, output wire [63:0] data_o);
    lrtc_fifo #(.Width(64), .Depth(14)) u_queue ({ports});
    lrtc_rom #(.Width(64), .Depth(512), .File("net.mem")) u_rom (.clk_i, .en_i(1'b1), .addr_i, .data_o);
endmodule
"""
    mapped = map_luts(files, "net", memories=True)
    assert mapped.memories == {"RAM32M": 11, "RAMB36E1": 1}  # 6 bits in a RAM32M, 72 in a block RAM
    assert mapped.sites == count_sites([lut.wires for lut in mapped.luts]) + 44
    with pytest.raises(LrtcError, match="is counted, not run"):
        mapped.run([{}])
