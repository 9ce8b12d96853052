`default_nettype none

// An lrtc_affine_core with its multipliers and offsets from row `beat mod Folds` of `File`.
module lrtc_affine #(
    parameter integer Pe         = 1,
    parameter integer Folds      = 1,
    parameter integer AccBits    = 8,
    parameter integer OutBits    = 16,
    parameter integer MultBits   = 8,
    parameter integer OffsetBits = 16,
    parameter         File       = ""
) (
    input  wire                  clk_i,
    input  wire                  rst_ni,
    input  wire                  in_valid_i,
    output wire                  in_ready_o,
    input  wire [Pe*AccBits-1:0] in_data_i,
    output wire                  out_valid_o,
    input  wire                  out_ready_i,
    output wire [Pe*OutBits-1:0] out_data_o
);
    wire const_en;
    wire [((Folds > 1) ? $clog2(Folds) : 1)-1:0] const_addr;
    wire [Pe*(MultBits+OffsetBits)-1:0] const_data;

    lrtc_rom #(
        .Width(Pe*(MultBits+OffsetBits)),
        .Depth(Folds),
        .File (File)
    ) u_constants (
        .clk_i (clk_i),
        .en_i  (const_en),
        .addr_i(const_addr),
        .data_o(const_data)
    );

    lrtc_affine_core #(
        .Pe(Pe),
        .Folds(Folds),
        .AccBits(AccBits),
        .OutBits(OutBits),
        .MultBits(MultBits),
        .OffsetBits(OffsetBits)
    ) u_core (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(in_valid_i),
        .in_ready_o(in_ready_o),
        .in_data_i(in_data_i),
        .out_valid_o(out_valid_o),
        .out_ready_i(out_ready_i),
        .out_data_o(out_data_o),
        .const_en_o(const_en),
        .const_addr_o(const_addr),
        .const_data_i(const_data)
    );
endmodule

`default_nettype wire
