`default_nettype none

// The taps of a window, those in the padding (`in_tap_valid_i` 0) replaced by `Value`, without a clock.
module lrtc_fill #(
    parameter integer             Taps  = 1,
    parameter integer             Width = 8,
    parameter         [Width-1:0] Value = '0
) (
    input  wire [Taps*Width-1:0] in_data_i,
    input  wire [      Taps-1:0] in_tap_valid_i,
    output wire [Taps*Width-1:0] out_data_o
);
    genvar t;
    generate
        for (t = 0; t < Taps; t = t + 1) begin : gen_tap
            assign out_data_o[t*Width+:Width] = in_tap_valid_i[t] ? in_data_i[t*Width+:Width] : Value;
        end
    endgenerate
endmodule

`default_nettype wire
