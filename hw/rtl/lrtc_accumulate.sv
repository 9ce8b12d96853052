`default_nettype none

// The last stage of lrtc_mvu_core and lrtc_dense_core: Pe sums of dot products, of which one comes a cycle. A sum starts from its
// constant, read in the cycle in which its first dot product comes; after the last one it goes to the output register.
module lrtc_accumulate #(
    parameter integer Pe      = 1,
    parameter integer AccBits = 8,
    parameter integer Single  = 0  // whether every sum has one dot product
) (
    input wire clk_i,
    input wire rst_ni,
    input wire dot_valid_i,
    input wire dot_first_i,
    input wire dot_last_i,
    input wire [Pe*AccBits-1:0] dot_i,
    output wire advance_o,  // all stages before this one may move, and dot_i is taken
    input wire [Pe*AccBits-1:0] const_data_i,
    output wire out_valid_o,
    input wire out_ready_i,
    output wire [Pe*AccBits-1:0] out_data_o
);
    logic valid_q, first_q, last_q, out_valid_q;
    logic [Pe*AccBits-1:0] dot_q, acc_q, out_data_q;
    wire [Pe*AccBits-1:0] acc_d;
    wire out_free = !out_valid_q || out_ready_i;

    assign advance_o = out_free || !(valid_q && last_q);
    assign out_valid_o = out_valid_q;
    assign out_data_o = out_data_q;

    always_ff @(posedge clk_i) begin
        if (!rst_ni) begin
            valid_q     <= 1'b0;
            out_valid_q <= 1'b0;
        end else begin
            if (advance_o) valid_q <= dot_valid_i;
            if (out_free) out_valid_q <= valid_q && last_q;
        end
    end

    always_ff @(posedge clk_i) begin
        if (advance_o && dot_valid_i) begin
            first_q <= dot_first_i;
            last_q  <= dot_last_i;
            dot_q   <= dot_i;
        end
        if (advance_o && valid_q) acc_q <= acc_d;
        if (out_free && valid_q && last_q) out_data_q <= acc_d;
    end

    genvar p;

    generate
        for (p = 0; p < Pe; p = p + 1) begin : gen_acc
            wire first = Single != 0 || first_q;
            wire [AccBits-1:0] start = first ? const_data_i[p*AccBits+:AccBits] : acc_q[p*AccBits+:AccBits];
            assign acc_d[p*AccBits+:AccBits] = start + dot_q[p*AccBits+:AccBits];
        end
    endgenerate
endmodule

`default_nettype wire
