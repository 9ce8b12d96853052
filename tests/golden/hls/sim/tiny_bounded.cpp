// tiny with every process side by side, as in hardware, between streams that hold no more than planned: a program that
// ends has no queue too short. For C simulation only. Written by lrtc VERSION; do not edit.
#include "../tiny.cpp"

#include "lrtc_bounded.h"

void tiny_bounded(int images, hls::stream<ap_axiu<8, 0, 0, 0> > &s_axis, hls::stream<ap_axiu<32, 0, 0, 0> > &m_axis)
{
    hls::stream<ap_uint<8>, 2> q_in_tiny_x("q_in_tiny_x");
    hls::stream<ap_uint<24>, 2> q_tiny_conv_window("q_tiny_conv_window");
    hls::stream<ap_uint<4>, 2> q_tiny_conv_mvu("q_tiny_conv_mvu");
    hls::stream<ap_uint<39>, 2> q_tiny_fc_mvu("q_tiny_fc_mvu");
    lrtc_sim::stages stages(images);
    stages.add("in_tiny_x", [&] { in_tiny_x(s_axis, q_in_tiny_x); });
    stages.add("tiny_conv_window", [&] { tiny_conv_window(q_in_tiny_x, q_tiny_conv_window); });
    stages.add("tiny_conv_mvu", [&] { tiny_conv_mvu(q_tiny_conv_window, q_tiny_conv_mvu); });
    stages.add("tiny_fc_mvu", [&] { tiny_fc_mvu(q_tiny_conv_mvu, q_tiny_fc_mvu); });
    stages.add("out_tiny_logits", [&] { out_tiny_logits(q_tiny_fc_mvu, m_axis); });
    stages.run();
}
