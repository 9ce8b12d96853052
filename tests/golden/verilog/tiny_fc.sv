// tiny_fc: layer fc of model tiny. Written by lrtc VERSION; do not edit.
//
//   %fc = linear %bits, %w_v2  : i6[3:C]  # body.fc
//   %logits = affine %fc, %s  : i13[3:C]  # scale
//
// origin:  body.fc
// stream:  b1[2x2x4:HWC] -> i13[3:C]
// formula: acc[o] = sum over all i of w[o,i] * x[i]
// formula: y = acc * multiplier[o] + offset[o]
// folding: PE = 3 of 3 outputs, SIMD = 4 of 16 inputs: 4 cycles a window, 1 windows; alone 4 cycles an image

`default_nettype none

module tiny_fc (
    input  wire clk_i,
    input  wire rst_ni,
    input  wire in_valid_i,
    output wire in_ready_o,
    input  wire [3:0] in_data_i,
    output wire out_valid_o,
    input  wire out_ready_i,
    output wire [38:0] out_data_o
);
    // all of the input is one window of 4 beats
    wire window_valid, window_ready;
    wire [15:0] window_data;
    lrtc_upsize #(
        .Width(4),
        .Ratio(4)
    ) u_window (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(in_valid_i),
        .in_ready_o(in_ready_o),
        .in_data_i(in_data_i),
        .out_valid_o(window_valid),
        .out_ready_i(window_ready),
        .out_data_o(window_data)
    );

    // row = fold*4 + step: 4 weights for each of 3 PEs
    wire weight_en;
    wire [1:0] weight_addr;
    wire [11:0] weight_data;
    lrtc_rom #(
        .Width(12),
        .Depth(4),
        .File("tiny_fc_weight.mem")
    ) u_weight (
        .clk_i(clk_i),
        .en_i(weight_en),
        .addr_i(weight_addr),
        .data_o(weight_data)
    );

    // 1 folds of 3 outputs, 4 steps of 4 inputs each
    wire acc_valid, acc_ready;
    wire [17:0] acc_data;
    lrtc_mvu #(
        .Fan(16),
        .Taps(1),
        .Outputs(3),
        .Pe(3),
        .Simd(4),
        .InBits(1),
        .InKind(1),
        .WeightKind(0),
        .WeightBits(1),
        .AccBits(6),
        .HasPad(0),
        .File("tiny_fc_start.mem")
    ) u_mvu (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(window_valid),
        .in_ready_o(window_ready),
        .in_data_i(window_data),
        .in_border_i(1'b1),
        .weight_en_o(weight_en),
        .weight_addr_o(weight_addr),
        .weight_data_i(weight_data),
        .out_valid_o(acc_valid),
        .out_ready_i(acc_ready),
        .out_data_o(acc_data)
    );

    wire logits_valid, logits_ready;
    wire [38:0] logits_data;
    lrtc_affine #(
        .Pe(3),
        .Folds(1),
        .AccBits(6),
        .OutBits(13),
        .MultBits(8),
        .OffsetBits(11),
        .File("tiny_fc_affine.mem")
    ) u_affine (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(acc_valid),
        .in_ready_o(acc_ready),
        .in_data_i(acc_data),
        .out_valid_o(logits_valid),
        .out_ready_i(logits_ready),
        .out_data_o(logits_data)
    );

    // no ready path goes through the layer
    lrtc_skid_buffer #(
        .Width(39)
    ) u_skid (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(logits_valid),
        .in_ready_o(logits_ready),
        .in_data_i(logits_data),
        .out_valid_o(out_valid_o),
        .out_ready_i(out_ready_i),
        .out_data_o(out_data_o)
    );

endmodule

`default_nettype wire
