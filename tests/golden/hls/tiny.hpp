// tiny: model tiny as a streaming accelerator in C++14 for Vitis HLS. Written by lrtc VERSION; do not edit.
//
// in:  16 bytes an image, in the order rows, columns, channels; images are counted, they need no TLAST
// out: 3 logits an image, sign-extended to 32 bits, TLAST beside the last
#ifndef TINY_HPP
#define TINY_HPP

#include <ap_int.h>
#include <ap_axi_sdata.h>
#include <hls_stream.h>

// Takes an image and answers it.
void tiny(hls::stream<ap_axiu<8, 0, 0, 0> > &s_axis, hls::stream<ap_axiu<32, 0, 0, 0> > &m_axis);

#endif
