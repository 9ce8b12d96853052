`default_nettype none

// A window of elements of any kind → their sum over the valid taps, a channel each, signed and of OutBits. Latency 1.
module lrtc_sumpool #(
    parameter integer Channels = 1,
    parameter integer Taps     = 4,
    parameter integer InBits   = 1,
    parameter integer InKind   = 1,
    parameter integer OutBits  = 4
) (
    input  wire                            clk_i,
    input  wire                            rst_ni,
    input  wire                            in_valid_i,
    output wire                            in_ready_o,
    input  wire [Taps*Channels*InBits-1:0] in_data_i,
    input  wire [                Taps-1:0] in_tap_valid_i,
    output wire                            out_valid_o,
    input  wire                            out_ready_i,
    output wire [    Channels*OutBits-1:0] out_data_o
);
    logic out_valid_q;
    logic [Channels*OutBits-1:0] sum, sum_q;
    wire [Taps*Channels*OutBits-1:0] numbers;
    integer t, c;

    assign in_ready_o  = !out_valid_q || out_ready_i;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = sum_q;

    lrtc_extend #(
        .Count  (Taps * Channels),
        .InBits (InBits),
        .InKind (InKind),
        .OutBits(OutBits)
    ) u_numbers (
        .in_data_i (in_data_i),
        .out_data_o(numbers)
    );

    always_comb begin
        sum = '0;
        for (t = 0; t < Taps; t = t + 1) begin
            for (c = 0; c < Channels; c = c + 1) begin
                sum[c*OutBits+:OutBits] = sum[c*OutBits+:OutBits]
                    + (numbers[(t*Channels+c)*OutBits+:OutBits] & {OutBits{in_tap_valid_i[t]}});
            end
        end
    end

    always_ff @(posedge clk_i) begin
        if (!rst_ni) out_valid_q <= 1'b0;
        else if (in_ready_o) out_valid_q <= in_valid_i;
    end

    always_ff @(posedge clk_i) if (in_ready_o) sum_q <= sum;
endmodule

`default_nettype wire
