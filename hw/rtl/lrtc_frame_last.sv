`default_nettype none

// Wires, and `out_last_o`: 1 beside the last of every `Beats` beats.
module lrtc_frame_last #(
    parameter integer Width = 8,
    parameter integer Beats = 1
) (
    input  wire             clk_i,
    input  wire             rst_ni,
    input  wire             in_valid_i,
    output wire             in_ready_o,
    input  wire [Width-1:0] in_data_i,
    output wire             out_valid_o,
    input  wire             out_ready_i,
    output wire [Width-1:0] out_data_o,
    output wire             out_last_o
);
    assign in_ready_o  = out_ready_i;
    assign out_valid_o = in_valid_i;
    assign out_data_o  = in_data_i;

    generate
        if (Beats > 1) begin : gen_count
            localparam integer CountBits = $clog2(Beats);
            logic [CountBits-1:0] count_q;
            assign out_last_o = count_q == CountBits'(Beats - 1);
            always_ff @(posedge clk_i) begin
                if (!rst_ni) count_q <= '0;
                else if (in_valid_i && out_ready_i) count_q <= out_last_o ? '0 : count_q + 1'b1;
            end
        end else begin : gen_every
            wire unused = &{1'b0, clk_i, rst_ni};
            assign out_last_o = 1'b1;
        end
    endgenerate
endmodule

`default_nettype wire
