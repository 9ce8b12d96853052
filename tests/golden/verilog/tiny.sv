// tiny: model tiny as a streaming accelerator. Written by lrtc VERSION; do not edit.
//
//   graph @tiny(%x: u8[4x4x1:HWC]) {
//     %w      = const                                          : t2[4x3x3x1:OHWI]
//     %conv   = conv2d{stride=(2,2), padding=(1,1,1,1)} %x, %w : i12[2x2x4:HWC] # body.conv
//     %t      = const                                          : i9[2x4:RC]
//     %bits   = threshold %conv, %t                            : b1[2x2x4:HWC]  # body.bits
//     %w_v2   = const                                          : b1[3x2x2x4:OHWI]
//     %fc     = linear %bits, %w_v2                            : i6[3:C]        # body.fc
//     %s      = const                                          : i11[2x3:RC]
//     %logits = affine %fc, %s                                 : i13[3:C]       # scale
//     return %logits
//   }
//
// in:  16 bytes an image, in the order rows, columns, channels; images are counted, they need no TLAST
// out: 3 logits an image, sign-extended to 32 bits, TLAST beside the last
//
// An image every 33 cycles, the first answer 53 cycles after the first byte, 18 products a cycle.
// Least cycles an image of every stage alone (the slowest: conv, 33):
//         16  input
//         33  conv
//          4  fc
//          3  output

`default_nettype none

module tiny (
    input  wire        clk_i,
    input  wire        rst_ni,  // synchronous, active low
    input  wire        s_axis_tvalid,
    output wire        s_axis_tready,
    input  wire [7:0]  s_axis_tdata,
    output wire        m_axis_tvalid,
    input  wire        m_axis_tready,
    output wire [31:0] m_axis_tdata,
    output wire        m_axis_tlast
);
    // body.conv: b1[2x2x4:HWC]
    wire conv_out_valid, conv_out_ready;
    wire [3:0] conv_out_data;
    tiny_conv u_conv (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(s_axis_tvalid),
        .in_ready_o(s_axis_tready),
        .in_data_i(s_axis_tdata),
        .out_valid_o(conv_out_valid),
        .out_ready_i(conv_out_ready),
        .out_data_o(conv_out_data)
    );

    // body.fc: i13[3:C]
    wire fc_out_valid, fc_out_ready;
    wire [38:0] fc_out_data;
    tiny_fc u_fc (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(conv_out_valid),
        .in_ready_o(conv_out_ready),
        .in_data_i(conv_out_data),
        .out_valid_o(fc_out_valid),
        .out_ready_i(fc_out_ready),
        .out_data_o(fc_out_data)
    );

    // one logit a beat
    wire logit_valid, logit_ready;
    wire [12:0] logit_data;
    lrtc_downsize #(
        .Width(13),
        .Ratio(3)
    ) m_axis_logit (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(fc_out_valid),
        .in_ready_o(fc_out_ready),
        .in_data_i(fc_out_data),
        .out_valid_o(logit_valid),
        .out_ready_i(logit_ready),
        .out_data_o(logit_data)
    );

    // cuts the path of m_axis_tready
    wire answer_valid, answer_ready;
    wire [12:0] answer_data;
    lrtc_skid_buffer #(
        .Width(13)
    ) m_axis_skid (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(logit_valid),
        .in_ready_o(logit_ready),
        .in_data_i(logit_data),
        .out_valid_o(answer_valid),
        .out_ready_i(answer_ready),
        .out_data_o(answer_data)
    );

    lrtc_frame_last #(
        .Width(32),
        .Beats(3)
    ) m_axis_last (
        .clk_i(clk_i),
        .rst_ni(rst_ni),
        .in_valid_i(answer_valid),
        .in_ready_o(answer_ready),
        .in_data_i({{19{answer_data[12]}}, answer_data}),
        .out_valid_o(m_axis_tvalid),
        .out_ready_i(m_axis_tready),
        .out_data_o(m_axis_tdata),
        .out_last_o(m_axis_tlast)
    );

endmodule

`default_nettype wire
