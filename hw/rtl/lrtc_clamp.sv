`default_nettype none

// `Count` elements of any kind → min(max(x, Low), High) as signed numbers of OutBits, without a clock.
// HasLow or HasHigh 0 leaves that side open.
module lrtc_clamp #(
    parameter integer Count   = 1,
    parameter integer InBits  = 8,
    parameter integer InKind  = 2,
    parameter integer OutBits = 8,
    parameter integer HasLow  = 1,
    parameter integer HasHigh = 0,
    parameter integer Low     = 0,
    parameter integer High    = 0
) (
    input  wire [ Count*InBits-1:0] in_data_i,
    output wire [Count*OutBits-1:0] out_data_o
);
    localparam integer WideBits = 33;  // holds every element and both limits

    genvar c;
    generate
        for (c = 0; c < Count; c = c + 1) begin : gen_element
            wire signed [WideBits-1:0] x;
            lrtc_extend #(
                .Count  (1),
                .InBits (InBits),
                .InKind (InKind),
                .OutBits(WideBits)
            ) u_x (
                .in_data_i (in_data_i[c*InBits+:InBits]),
                .out_data_o(x)
            );
            wire signed [WideBits-1:0] above = (HasLow != 0 && x < WideBits'(Low)) ? WideBits'(Low) : x;
            /* verilator lint_off UNUSEDSIGNAL */  // the clamped number fits OutBits
            wire signed [WideBits-1:0] y = (HasHigh != 0 && above > WideBits'(High)) ? WideBits'(High) : above;
            /* verilator lint_on UNUSEDSIGNAL */
            assign out_data_o[c*OutBits+:OutBits] = y[OutBits-1:0];
        end
    endgenerate
endmodule

`default_nettype wire
