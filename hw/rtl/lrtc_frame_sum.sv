`default_nettype none

// The sum of `Beats` beats of `Channels` elements of any kind, a channel each, signed and of OutBits: a window as large as
// the image, without keeping it. Latency 1 from the last of them.
module lrtc_frame_sum #(
    parameter integer Channels = 1,
    parameter integer Beats    = 4,
    parameter integer InBits   = 1,
    parameter integer InKind   = 1,
    parameter integer OutBits  = 4
) (
    input  wire                        clk_i,
    input  wire                        rst_ni,
    input  wire                        in_valid_i,
    output wire                        in_ready_o,
    input  wire [ Channels*InBits-1:0] in_data_i,
    output wire                        out_valid_o,
    input  wire                        out_ready_i,
    output wire [Channels*OutBits-1:0] out_data_o
);
    localparam integer CountBits = (Beats > 1) ? $clog2(Beats) : 1;

    logic out_valid_q;
    logic [CountBits-1:0] count_q;
    logic [Channels*OutBits-1:0] sum_q;
    wire [Channels*OutBits-1:0] numbers;

    wire first = count_q == 0;
    wire last = count_q == CountBits'(Beats - 1);
    wire take = in_valid_i && in_ready_o;

    assign in_ready_o  = !out_valid_q || out_ready_i;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = sum_q;

    lrtc_extend #(
        .Count  (Channels),
        .InBits (InBits),
        .InKind (InKind),
        .OutBits(OutBits)
    ) u_numbers (
        .in_data_i (in_data_i),
        .out_data_o(numbers)
    );

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            out_valid_q <= 1'b0;
            count_q     <= '0;
        end else begin
            if (in_ready_o) out_valid_q <= take && last;
            if (take) count_q <= last ? '0 : count_q + 1'b1;
        end
    end

    genvar c;
    generate
        for (c = 0; c < Channels; c = c + 1) begin : gen_channel
            wire [OutBits-1:0] so_far = first ? '0 : sum_q[c*OutBits+:OutBits];
            always_ff @(posedge clk_i) if (take) sum_q[c*OutBits+:OutBits] <= so_far + numbers[c*OutBits+:OutBits];
        end
    endgenerate
endmodule

`default_nettype wire
