`default_nettype none

// The number of ones. Written as a sum of bits, which synthesis turns into a tree of full adders; a simulation may
// define LRTC_FAST_POPCOUNT to use the system function instead, which is the same number sooner.
module lrtc_popcount #(
    parameter integer Width = 8
) (
    input  wire [              Width-1:0] bits_i,
    output wire [$clog2(Width + 1) - 1:0] count_o
);
    localparam integer CountBits = $clog2(Width + 1);

`ifdef LRTC_FAST_POPCOUNT
    assign count_o = CountBits'($countones(bits_i));
`else
    logic [CountBits-1:0] count;
    integer i;

    assign count_o = count;

    always_comb begin
        count = '0;
        for (i = 0; i < Width; i = i + 1) count = count + CountBits'(bits_i[i]);
    end
`endif
endmodule

`default_nettype wire
