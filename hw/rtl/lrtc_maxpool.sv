`default_nettype none

// A window of bits → one bit a channel: the OR over the valid taps, or the AND where `AndMask` is 1 (a maximum under a
// decreasing threshold). Latency 1.
module lrtc_maxpool #(
    parameter integer              Channels = 1,
    parameter integer              Taps     = 4,
    parameter         [Channels-1:0] AndMask  = '0
) (
    input  wire                     clk_i,
    input  wire                     rst_ni,
    input  wire                     in_valid_i,
    output wire                     in_ready_o,
    input  wire [Taps*Channels-1:0] in_data_i,
    input  wire [         Taps-1:0] in_tap_valid_i,
    output wire                     out_valid_o,
    input  wire                     out_ready_i,
    output wire [     Channels-1:0] out_data_o
);
    logic out_valid_q;
    logic [Channels-1:0] out_data_q;
    logic [Channels-1:0] any;  // of the bits, inverted where AND is wanted
    integer t;

    assign in_ready_o  = !out_valid_q || out_ready_i;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = out_data_q;

    always_comb begin
        any = '0;
        for (t = 0; t < Taps; t = t + 1) begin
            any = any | ((in_data_i[t*Channels+:Channels] ^ AndMask) & {Channels{in_tap_valid_i[t]}});
        end
    end

    always_ff @(posedge clk_i) begin
        if (!rst_ni) out_valid_q <= 1'b0;
        else if (in_ready_o) out_valid_q <= in_valid_i;
    end

    always_ff @(posedge clk_i) if (in_ready_o) out_data_q <= any ^ AndMask;
endmodule

`default_nettype wire
