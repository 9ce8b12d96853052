"""Several emitted designs behind one top, `select_i` says which: one Verilator build serves them all."""

from __future__ import annotations

import re
from collections.abc import Mapping

PORTS = """    input  wire        clk_i,
    input  wire        rst_ni,
    input  wire [7:0]  select_i,
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire [63:0] s_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire [31:0] m_axis_tdata,
    output wire        m_axis_tlast"""


def bench(designs: Mapping[str, Mapping[str, str]], top: str = "bench") -> dict[str, str]:
    """Return the files of all designs {name: files}, each under its own name, and of a top that selects one."""
    n = len(designs)
    lines = [f"module {top} (", PORTS, ");", f"    wire [{n - 1}:0] in_ready, out_valid, out_last;"]
    lines.append(f"    wire [31:0] out_data [0:{n - 1}];")
    files: dict[str, str] = {}
    for k, (name, own) in enumerate(designs.items()):
        width = int(re.search(r"input +wire \[(\d+):0\] +s_axis_tdata", own[f"{name}.sv"])[1]) + 1
        files |= {path: text for path, text in own.items() if path != "files.f"}
        lines.append(
            f"    {name} u_{k} (.clk_i, .rst_ni(rst_ni && select_i == {k}), "
            f".s_axis_tvalid(s_axis_tvalid && select_i == {k}), .s_axis_tready(in_ready[{k}]), "
            f".s_axis_tdata(s_axis_tdata[{width - 1}:0]), .m_axis_tvalid(out_valid[{k}]), "
            f".m_axis_tready(m_axis_tready && select_i == {k}), .m_axis_tdata(out_data[{k}]), "
            f".m_axis_tlast(out_last[{k}]));"
        )
    for port, wire in (("s_axis_tready", "in_ready"), ("m_axis_tvalid", "out_valid"), ("m_axis_tlast", "out_last")):
        lines.append(f"    assign {port} = {wire}[select_i];")
    lines += ["    assign m_axis_tdata = out_data[select_i];", "endmodule", ""]
    return files | {f"{top}.sv": "\n".join(lines)}
