// tiny_conv: layer conv of model tiny. Written by lrtc VERSION; do not edit.
//
//   %conv = conv2d{stride=(2,2), padding=(1,1,1,1)} %x, %w  : i12[2x2x4:HWC]  # body.conv
//   %bits = threshold %conv, %t  : b1[2x2x4:HWC]  # body.bits
//
// origin:  body.conv
// stream:  u8[4x4x1:HWC] -> b1[2x2x4:HWC]
// formula: acc[oy,ox,o] = sum over ky,kx,i of w[o,ky,kx,i] * x[oy*sh+ky*dh-top, ox*sw+kx*dw-left, i]; padding is 0
// formula: z = low + number of levels k with (acc >= level[k,o]) != flip[o]; of b1 bit 1 is +1, bit 0 is -1
// folding: PE = 2 of 4 outputs, SIMD = 3 of 9 inputs: 6 cycles a window, 4 windows; alone 33 cycles an image

`default_nettype none

module tiny_conv (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire in_valid_i,
    output wire in_ready_o,
    input  wire [7:0] in_data_i,
    output wire out_valid_o,
    input  wire out_ready_i,
    output wire [3:0] out_data_o
);
    // windows of 3x3 pixels
    wire window_valid, window_ready;
    wire [71:0] window_data;
    wire [8:0] window_border;
    lrtc_line_buffer #(
        .PixelBits(8),
        .Height(4),
        .Width(4),
        .KernelH(3),
        .KernelW(3),
        .StrideH(2),
        .StrideW(2),
        .PadTop(1),
        .PadBottom(1),
        .PadLeft(1),
        .PadRight(1)
    ) u_line_buffer (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(in_valid_i),
        .in_ready_o(in_ready_o),
        .in_data_i(in_data_i),
        .out_valid_o(window_valid),
        .out_ready_i(window_ready),
        .out_data_o(window_data),
        .out_border_o(window_border)
    );

    // row = fold*3 + step: 3 weights for each of 2 PEs
    wire weight_en;
    wire [2:0] weight_addr;
    wire [11:0] weight_data;
    lrtc_rom #(
        .Width(12),
        .Depth(6),
        .File("tiny_conv_weight.mem")
    ) u_weight (
        .clk_i(clk_i),
        .en_i(weight_en),
        .addr_i(weight_addr),
        .data_o(weight_data)
    );

    // 2 folds of 2 outputs, 3 steps of 3 inputs each
    wire acc_valid, acc_ready;
    wire [23:0] acc_data;
    lrtc_mvu #(
        .Fan(9),
        .Taps(9),
        .Outputs(4),
        .Pe(2),
        .Simd(3),
        .InBits(8),
        .InKind(0),
        .WeightKind(1),
        .WeightBits(2),
        .AccBits(12),
        .HasPad(0),
        .File("tiny_conv_start.mem")
    ) u_mvu (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(window_valid),
        .in_ready_o(window_ready),
        .in_data_i(window_data),
        .in_border_i(window_border),
        .weight_en_o(weight_en),
        .weight_addr_o(weight_addr),
        .weight_data_i(weight_data),
        .out_valid_o(acc_valid),
        .out_ready_i(acc_ready),
        .out_data_o(acc_data)
    );

    // from minus the level on
    wire [1:0] signs_data;
    lrtc_sign #(
        .Count(2),
        .Width(12)
    ) u_signs (
        .in_data_i(acc_data),
        .out_data_o(signs_data)
    );

    // no ready path goes through the layer
    wire part_valid, part_ready;
    wire [1:0] part_data;
    lrtc_skid_buffer #(
        .Width(2)
    ) u_skid (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(acc_valid),
        .in_ready_o(acc_ready),
        .in_data_i(signs_data),
        .out_valid_o(part_valid),
        .out_ready_i(part_ready),
        .out_data_o(part_data)
    );

    // whole pixels
    lrtc_upsize #(
        .Width(2),
        .Ratio(2)
    ) u_pixel (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(part_valid),
        .in_ready_o(part_ready),
        .in_data_i(part_data),
        .out_valid_o(out_valid_o),
        .out_ready_i(out_ready_i),
        .out_data_o(out_data_o)
    );

endmodule

`default_nettype wire
