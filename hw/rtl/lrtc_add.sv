`default_nettype none

// Two streams of `Channels` elements of any kind → their sums, signed and of OutBits. Stream 0 is `a`, at the LSBs of
// `in_data_i`; the handshakes are those of lrtc_join. Latency 1.
module lrtc_add #(
    parameter integer Channels = 1,
    parameter integer ABits    = 1,
    parameter integer AKind    = 1,
    parameter integer BBits    = 1,
    parameter integer BKind    = 1,
    parameter integer OutBits  = 3
) (
    input  wire                              clk_i,
    input  wire                              rst_ni,
    input  wire [                       1:0] in_valid_i,
    output wire [                       1:0] in_ready_o,
    input  wire [Channels*(ABits+BBits)-1:0] in_data_i,
    output wire                              out_valid_o,
    input  wire                              out_ready_i,
    output wire [      Channels*OutBits-1:0] out_data_o
);
    wire [Channels*OutBits-1:0] a, b, sum;

    lrtc_extend #(
        .Count  (Channels),
        .InBits (ABits),
        .InKind (AKind),
        .OutBits(OutBits)
    ) u_a (
        .in_data_i (in_data_i[Channels*ABits-1:0]),
        .out_data_o(a)
    );

    lrtc_extend #(
        .Count  (Channels),
        .InBits (BBits),
        .InKind (BKind),
        .OutBits(OutBits)
    ) u_b (
        .in_data_i (in_data_i[Channels*ABits+:Channels*BBits]),
        .out_data_o(b)
    );

    genvar c;
    generate
        for (c = 0; c < Channels; c = c + 1) begin : gen_channel
            assign sum[c*OutBits+:OutBits] = a[c*OutBits+:OutBits] + b[c*OutBits+:OutBits];
        end
    endgenerate

    lrtc_join #(
        .Streams(2),
        .Width  (Channels * OutBits)
    ) u_join (
        .clk_i      (clk_i),
        .rst_ni     (rst_ni),
        .in_valid_i (in_valid_i),
        .in_ready_o (in_ready_o),
        .in_data_i  (sum),
        .out_valid_o(out_valid_o),
        .out_ready_i(out_ready_i),
        .out_data_o (out_data_o)
    );
endmodule

`default_nettype wire
