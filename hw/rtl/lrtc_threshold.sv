`default_nettype none

// An lrtc_threshold_core with its levels from row `beat mod Folds` of `File`.
module lrtc_threshold #(
    parameter integer Pe      = 1,
    parameter integer Folds   = 1,
    parameter integer AccBits = 8,
    parameter integer Levels  = 1,
    parameter integer OutBits = 1,
    parameter integer Low     = 0,
    parameter         File    = ""
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
    wire [Pe*(Levels*(AccBits+1)+1)-1:0] const_data;

    lrtc_rom #(
        .Width(Pe*(Levels*(AccBits+1)+1)),
        .Depth(Folds),
        .File (File)
    ) u_constants (
        .clk_i (clk_i),
        .en_i  (const_en),
        .addr_i(const_addr),
        .data_o(const_data)
    );

    lrtc_threshold_core #(
        .Pe(Pe),
        .Folds(Folds),
        .AccBits(AccBits),
        .Levels(Levels),
        .OutBits(OutBits),
        .Low(Low)
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
