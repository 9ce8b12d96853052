"""A layer of a graph as plain integer arithmetic in Verilog, and a bench that holds an emitted module against it.

The arithmetic is written out from the constants of the graph, a sum for every output; nothing of plans, foldings,
memories or encodings of weights is in it, but for which bits of a beat are which element.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np

from lrtc.ir import Elem, Graph, Node
from lrtc.ir.ops import Conv2d, Linear, Threshold

BENCH = """\
module prove_layer #(
    parameter integer Free = 1  // 0: neither side ever stalls, and reset comes once
) (
    input wire clk_i,
    input wire rst_i,
    input wire in_valid_i,
    input wire out_ready_i
);
  localparam integer Beats = {beats}, Answers = {answers};
  (* anyconst *)reg [{takes}-1:0] images;
{values}
  reg started = 0, stalled = 0;
  reg [$clog2(Beats + 1)-1:0] taken = 0;
  reg [$clog2(Answers + 1)-1:0] given = 0;
  reg [{gives}-1:0] want;
  reg [{out_bits}-1:0] before;
  wire rst_n = started && !(Free != 0 && rst_i);
  wire in_valid = (Free == 0 || in_valid_i) && taken != Beats;
  wire out_ready = Free == 0 || out_ready_i;
  wire in_ready, out_valid;
  wire [{in_bits}-1:0] in_data = images >> taken * {in_bits};
  wire [{out_bits}-1:0] out_data, answer = want >> given * {out_bits};
  {module} dut (
      .clk_i(clk_i), .rst_ni(rst_n), .in_valid_i(in_valid), .in_ready_o(in_ready), .in_data_i(in_data),
      .out_valid_o(out_valid), .out_ready_i(out_ready), .out_data_o(out_data));
  always @(posedge clk_i) begin
    started <= 1;
    if (!started) want <= {{{codes}}};
    before  <= out_data;
    stalled <= rst_n && out_valid && !out_ready;
    if (!rst_n) begin
      taken <= 0;
      given <= 0;
    end else begin
      if (in_valid && in_ready) taken <= taken + 1;
      if (out_valid && out_ready) given <= given + 1;
      if (out_valid) assert (given != Answers && out_data == answer);
      if (stalled) assert (out_valid && out_data == before);
    end
  end
{more}
endmodule
"""
NEVER = "  always @(posedge clk_i) assert (given != Answers);"


def bench(
    graph: Graph, nodes: tuple[Node, ...], module: str, beats: tuple[int, int], images: int, never: bool = False
) -> str:
    """Return `prove_layer`: the module takes `images` images, any ones, again after any reset, and gives what it must.

    nodes: what the layer computes, in order. beats: (bits of an input beat, of an output beat). never: assert as well
    that the last answer never comes, which must fail, lest nothing was shown.
    """
    source, result = graph.types[nodes[0].ins[0]], graph.types[nodes[-1].out]
    takes, gives = source.size * source.elem.bits, result.size * result.elem.bits
    sums = _Sums(graph, 2 + max(t.elem.bits for t in (source, *(node.type for node in nodes))))
    values, codes = [], []
    for image in range(images):
        places = range(image * takes, (image + 1) * takes, source.elem.bits)
        x = np.array([sums.element(source.elem, at) for at in places], object).reshape(source.shape)
        for node in nodes:
            names = []
            for place, text in sums.meaning(node, x):
                names.append(f"v{image}_{node.out}_{'_'.join(map(str, place))}")
                values.append(f"  wire signed [{sums.bits - 1}:0] {names[-1]} = {text};")
            x = np.array(names, object).reshape(node.type.shape)
        bits = result.elem.bits
        codes += [f"{name} > 0" if result.elem.kind == "b" else f"{name}[{bits - 1}:0]" for name in x.reshape(-1)]
    in_bits, out_bits = beats
    return BENCH.format(
        module=module, values="\n".join(values), codes=", ".join(reversed(codes)), in_bits=in_bits, out_bits=out_bits,
        takes=images * takes, gives=images * gives, beats=images * takes // in_bits, answers=images * gives // out_bits,
        more=NEVER if never else "",
    )  # fmt: skip


@dataclass(frozen=True)
class _Sums:
    """Expressions of integers of so many bits, which hold every value of the layer."""

    graph: Graph
    bits: int

    def whole(self, n: int) -> str:
        return f"(-{self.bits}'sd{-n})" if n < 0 else f"{self.bits}'sd{n}"

    def element(self, elem: Elem, at: int) -> str:
        """Return the integer that lies in the bits of `images` from `at` on."""
        if elem.kind == "b":
            return f"(images[{at}] ? {self.whole(1)} : {self.whole(-1)})"
        raw = f"images[{at}+:{elem.bits}]"
        return f"$signed({self.bits}'({raw}))" if elem.kind == "u" else f"{self.bits}'($signed({raw}))"

    def sum(self, terms: Iterable[tuple[int, str]]) -> str:
        text = ""
        for weight, x in terms:
            if weight:  # by 1 without a product, which is long for a solver
                text += f" {'-' if weight < 0 else '+'} {x}" + (
                    f" * {self.whole(abs(weight))}" if abs(weight) > 1 else ""
                )
        return text.removeprefix(" + ") or self.whole(0)

    def meaning(self, node: Node, x: np.ndarray) -> Iterator[tuple[tuple[int, ...], str]]:
        """Yield (place, expression) of every element of a node's result."""
        rows = self.graph.const(node.ins[1]).astype(int)
        if isinstance(node.op, Threshold):
            for place in np.ndindex(x.shape):
                levels, flip = rows[:-1, place[-1]], rows[-1, place[-1]]
                each = [f"{self.bits}'(({x[place]} >= {self.whole(n)}) != 1'b{flip})" for n in levels]
                count = f"$signed({' + '.join(each)})"
                elem = node.type.elem
                yield place, f"2 * {count} - 1" if elem.kind == "b" else f"{self.whole(elem.low)} + {count}"
        elif isinstance(node.op, Linear):
            for o, row in enumerate(rows.reshape(len(rows), -1)):
                yield (o,), self.sum(zip(row, x.reshape(-1), strict=True))
        else:
            assert isinstance(node.op, Conv2d), node
            assert (node.op.groups, node.op.dilation) == (1, (1, 1)), "these are not written here"
            (sy, sx), (top, _, left, _) = node.op.stride, node.op.padding
            height, width, _ = x.shape
            for y, z, o in np.ndindex(node.type.shape):
                yield (
                    (y, z, o),
                    self.sum(
                        (rows[o, ky, kx, i], x[y * sy + ky - top, z * sx + kx - left, i])
                        for ky, kx, i in product(*map(range, rows.shape[1:]))
                        if 0 <= y * sy + ky - top < height and 0 <= z * sx + kx - left < width
                    ),
                )
