"""One PE × SIMD slice of a folded layer of ±1: dot units, accumulators, decisions; weights come by a port.

Ours is made of `lrtc_dot`, the accumulators of `lrtc_mvu`, which start from minus half the level, and `lrtc_sign`; the
textbook's loop counts, and its accumulators are compared with a level. Memories count for neither.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lrtc.bench_layers import Row
from lrtc.check.luts import map_luts
from lrtc.errors import LrtcError
from lrtc.resources import share

RUNS = 200  # random sums side by side
STEPS = 9  # of each sum
PARTS = ("lrtc_dot", "lrtc_popcount", "lrtc_sign")
UNIT = "LUT6 sites/slot"

PORTS = """module slice (
    input wire clk_i, input wire first_i, input wire [{simd}-1:0] x_i, input wire [{simd}*{pe}-1:0] w_i,
    input wire [{bits}*{pe}-1:0] start_i, output wire [{pe}-1:0] y_o);
reg first_q; always @(posedge clk_i) first_q <= first_i;
"""
OURS = """wire [{pe}*{bits}-1:0] dot;
reg [{pe}*{bits}-1:0] dot_q, acc_q;
genvar p;
generate for (p = 0; p < {pe}; p = p + 1) begin : gen_pe
    lrtc_dot #(.Lanes({simd}), .Groups(1), .InBits(1), .InKind(1), .WeightKind(0), .WeightBits(1), .AccBits({bits}),
        .HasPad(0), .Raw(2)) u_dot (.in_data_i(x_i), .group_valid_i(1'b1), .weight_i(w_i[p*{simd}+:{simd}]),
        .dot_o(dot[p*{bits}+:{bits}]));
    always @(posedge clk_i) acc_q[p*{bits}+:{bits}] <=
        (first_q ? start_i[p*{bits}+:{bits}] : acc_q[p*{bits}+:{bits}]) + dot_q[p*{bits}+:{bits}];
end endgenerate
always @(posedge clk_i) dot_q <= dot;
lrtc_sign #(.Count({pe}), .Width({bits})) u_sign (.in_data_i(acc_q), .out_data_o(y_o));
endmodule
"""
TEXTBOOK = """reg [{pe}*{bits}-1:0] acc_q;
genvar p;
generate for (p = 0; p < {pe}; p = p + 1) begin : gen_pe
    wire [{simd}-1:0] v = x_i ~^ w_i[p*{simd}+:{simd}];
    reg [{bits}-1:0] s, s_q;
    integer i;
    always @* begin s = 0; for (i = 0; i < {simd}; i = i + 1) s = s + v[i]; end
    always @(posedge clk_i) s_q <= s;
    always @(posedge clk_i) acc_q[p*{bits}+:{bits}] <= (first_q ? {bits}'d0 : acc_q[p*{bits}+:{bits}]) + s_q;
    assign y_o[p] = acc_q[p*{bits}+:{bits}] >= start_i[p*{bits}+:{bits}];
end endgenerate
endmodule
"""


@dataclass(frozen=True)
class Slice:
    """pe outputs × simd inputs a cycle, of a fan-in of which accumulators have `bits` bits. target: sites a slot."""

    pe: int
    simd: int
    bits: int
    target: float = 1.6

    @property
    def name(self) -> str:
        return f"slice-{self.pe}x{self.simd}"


SLICES = (Slice(4, 64, 10), Slice(8, 32, 10))


def slice_rows(own: Slice, textbook: bool = False) -> list[Row]:
    """Return what a slice takes; LrtcError if what was mapped decides wrongly."""
    sizes = {"pe": own.pe, "simd": own.simd, "bits": own.bits}
    files = {"slice.sv": (PORTS + (TEXTBOOK if textbook else OURS)).format(**sizes)}
    files |= {f"{part}.sv": (share("hw") / "rtl" / f"{part}.sv").read_text(encoding="utf-8") for part in PARTS}
    mapped = map_luts(files, "slice")
    _check(own, textbook, mapped.run)
    name = f"hw/{own.name}{'/textbook' if textbook else ''}"
    return [Row(name, mapped.sites / (own.pe * own.simd), UNIT, None if textbook else own.target)]


def _check(own: Slice, textbook: bool, run) -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(0, 2, (STEPS, RUNS, own.simd)).astype(bool)
    w = rng.integers(0, 2, (STEPS, RUNS, own.pe, own.simd)).astype(bool)
    count = (x[:, :, None, :] == w).sum(axis=(0, 3))
    level = np.clip(STEPS * own.simd // 2 + rng.integers(-9, 10, (RUNS, own.pe)), 0, STEPS * own.simd)
    start = (level if textbook else -level)[..., None] >> np.arange(own.bits) & 1 != 0
    held = {"start_i": start.reshape(RUNS, -1)}
    steps = [
        {"x_i": x[k], "w_i": w[k].reshape(RUNS, -1), "first_i": np.full((RUNS, 1), k == 0), **held}
        for k in range(STEPS)
    ]
    still = {"x_i": np.zeros((RUNS, own.simd), bool), **held}
    got = run([*steps, still, still])[-1]["y_o"]
    if not np.array_equal(got, count >= level):
        raise LrtcError(f"{own.name}: a decision of the mapped netlist differs from the count's")
