`default_nettype none

// Two entries between a producer and a consumer; every output is a register, so no path crosses it.
// Beats leave in order, one a cycle; latency 1.
module lrtc_skid_buffer #(
    parameter integer Width = 8
) (
    input  wire             clk_i,
    input  wire             rst_ni,
    input  wire             in_valid_i,
    output wire             in_ready_o,
    input  wire [Width-1:0] in_data_i,
    output wire             out_valid_o,
    input  wire             out_ready_i,
    output wire [Width-1:0] out_data_o
);
    logic             out_valid_q;
    logic [Width-1:0] out_data_q;
    logic             skid_free_q;  // the second entry is empty
    logic [Width-1:0] skid_data_q;

    wire out_free = !out_valid_q || out_ready_i;

    assign in_ready_o  = skid_free_q;
    assign out_valid_o = out_valid_q;
    assign out_data_o  = out_data_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            out_valid_q <= 1'b0;
            skid_free_q <= 1'b1;
        end else if (out_free) begin
            out_valid_q <= in_valid_i || !skid_free_q;
            skid_free_q <= 1'b1;
        end else if (in_valid_i) begin
            skid_free_q <= 1'b0;
        end
    end

    always_ff @(posedge clk_i) begin
        if (out_free) out_data_q <= skid_free_q ? in_data_i : skid_data_q;
        if (skid_free_q) skid_data_q <= in_data_i;
    end
endmodule

`default_nettype wire
