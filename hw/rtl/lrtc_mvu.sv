`default_nettype none

// An lrtc_mvu_core with its start values, by output and class of the window, from `File`.
module lrtc_mvu #(
    parameter integer Fan        = 8,
    parameter integer Taps       = 1,
    parameter integer Outputs    = 4,
    parameter integer Pe         = 1,
    parameter integer Simd       = 1,
    parameter integer InBits     = 1,
    parameter integer InKind     = 1,
    parameter integer WeightKind = 0,
    parameter integer WeightBits = 1,
    parameter integer AccBits    = 8,
    parameter integer HasPad     = 0,
    parameter integer Groups     = 1,
    parameter integer Planes     = 0,
    parameter integer Half       = 0,
    parameter integer ClassBits  = 0,
    parameter         File       = ""
) (
    input wire clk_i,
    input wire rst_ni,
    input wire in_valid_i,
    output wire in_ready_o,
    input wire [Groups*Fan*InBits-1:0] in_data_i,
    input wire [Taps+ClassBits-1:0] in_border_i,  // {class, valid bits of taps}
    output wire weight_en_o,
    output wire [(((Outputs/Pe)*(Fan/Simd) > 1) ? $clog2((Outputs/Pe)*(Fan/Simd)) : 1)-1:0] weight_addr_o,
    input wire [Pe*Simd*((WeightKind == 0) ? 1 : (WeightKind == 1) ? 2 : WeightBits)-1:0] weight_data_i,
    output wire out_valid_o,
    input wire out_ready_i,
    output wire [Pe*AccBits-1:0] out_data_o
);
    wire const_en;
    wire [((ClassBits+$clog2(Outputs/Pe) > 0) ? ClassBits + $clog2(Outputs/Pe) : 1)-1:0] const_addr;
    wire [Pe*AccBits-1:0] const_data;

    lrtc_rom #(
        .Width(Pe*AccBits),
        .Depth((ClassBits > 0) ? 1 << (ClassBits + $clog2(Outputs/Pe)) : Outputs / Pe),
        .File (File)
    ) u_constants (
        .clk_i (clk_i),
        .en_i  (const_en),
        .addr_i(const_addr),
        .data_o(const_data)
    );

    lrtc_mvu_core #(
        .Fan(Fan),
        .Taps(Taps),
        .Outputs(Outputs),
        .Pe(Pe),
        .Simd(Simd),
        .InBits(InBits),
        .InKind(InKind),
        .WeightKind(WeightKind),
        .WeightBits(WeightBits),
        .AccBits(AccBits),
        .HasPad(HasPad),
        .Groups(Groups),
        .Planes(Planes),
        .Half(Half),
        .ClassBits(ClassBits)
    ) u_core (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(in_valid_i),
        .in_ready_o(in_ready_o),
        .in_data_i(in_data_i),
        .in_border_i(in_border_i),
        .weight_en_o(weight_en_o),
        .weight_addr_o(weight_addr_o),
        .weight_data_i(weight_data_i),
        .out_valid_o(out_valid_o),
        .out_ready_i(out_ready_i),
        .out_data_o(out_data_o),
        .const_en_o(const_en),
        .const_addr_o(const_addr),
        .const_data_i(const_data)
    );
endmodule

`default_nettype wire
