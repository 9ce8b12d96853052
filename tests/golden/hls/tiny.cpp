// tiny: model tiny as a streaming accelerator in C++14 for Vitis HLS. Written by lrtc VERSION; do not edit.
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
// Planned for the same folding in Verilog: an image every N cycles, the first answer N cycles after the
// first byte, 18 products a cycle. Here the most iterations an image are those of tiny_conv_window, 33;
// II = 1 is asked of every loop. What Vitis HLS makes of it is in its reports; lrtc has run C simulation only.

#include "tiny.hpp"

#include "lrtc_axis.hpp"
#include "lrtc_dot.hpp"
#include "lrtc_mvu.hpp"
#include "lrtc_points.hpp"
#include "lrtc_stream.hpp"
#include "lrtc_window.hpp"
#include "tiny_constants.hpp"

// ---- input x
//
// stream:  u8[4x4x1:HWC]

// 16 beats an image; 16 iterations an image
static void in_tiny_x(hls::stream<ap_axiu<8, 0, 0, 0> > &in, hls::stream<ap_uint<8> > &out)
{
    lrtc::from_axis<8, 8, 1, 16>(in, out);
}

// ---- layer conv
//
//   %conv = conv2d{stride=(2,2), padding=(1,1,1,1)} %x, %w  : i12[2x2x4:HWC]  # body.conv
//   %bits = threshold %conv, %t  : b1[2x2x4:HWC]  # body.bits
// origin:  body.conv
// stream:  u8[4x4x1:HWC] -> b1[2x2x4:HWC]
// formula: acc[oy,ox,o] = sum over ky,kx,i of w[o,ky,kx,i] * x[oy*sh+ky*dh-top, ox*sw+kx*dw-left, i]; padding is 0
// formula: z = low + number of levels k with (acc >= level[k,o]) != flip[o]; of b1 bit 1 is +1, bit 0 is -1
// folding: PE = 2 of 4 outputs, SIMD = 3 of 9 inputs: 6 iterations a window, 4 windows

struct tiny_conv_window_shape {
    static const int PixelBits = 8;
    static const int Height = 4;
    static const int Width = 4;
    static const int KernelH = 3;
    static const int KernelW = 3;
    static const int StrideH = 2;
    static const int StrideW = 2;
    static const int PadTop = 1;
    static const int PadLeft = 1;
    static const int DilationH = 1;
    static const int DilationW = 1;
    static const int ScanH = 5;
    static const int ScanW = 5;
    static const int Windows = 4;
    static const int Groups = 1;
    static const int Slices = 1;
    static const int Simd = 3;
    static const int Bits = 8;
    static const int HasPad = 0;
};

struct tiny_conv_mvu_shape {
    static const int Windows = 4;
    static const int Fan = 9;
    static const int Taps = 9;
    static const int Outputs = 4;
    static const int Groups = 1;
    static const int Pe = 2;
    static const int Simd = 3;
    static const int Kind = 0;
    static const int Bits = 8;
    static const int Weight = 1;
    static const int WeightBits = 2;
    static const int AccBits = 12;
    static const int HasPad = 0;
    static const int Gather = 2;
};

struct tiny_conv_post {  // what becomes of an element before it leaves
    static const int InBits = 12, OutBits = 1;
    static ap_uint<1> apply(const ap_uint<12> &code, int fold, int lane)
    {
#pragma HLS INLINE
        (void)fold;
        (void)lane;
        const ap_int<12> x0 = lrtc::element<2, 12>::decode(code);
        const ap_uint<1> y0 = lrtc::threshold<1, 0>(x0, tiny_conv_level[lane][fold], tiny_conv_flip[lane][fold]);
        return y0;
    }
};

// windows of 3x3 pixels, 3 words each; 33 iterations an image
static void tiny_conv_window(hls::stream<ap_uint<8> > &in, hls::stream<ap_uint<24> > &out)
{
    lrtc::window<tiny_conv_window_shape>(in, out);
}

// 2 folds of 2 outputs, 3 steps of 3 inputs each; 24 iterations an image
static void tiny_conv_mvu(hls::stream<ap_uint<24> > &in, hls::stream<ap_uint<4> > &out)
{
#pragma HLS ARRAY_PARTITION variable=tiny_conv_weight type=complete dim=1
#pragma HLS BIND_STORAGE variable=tiny_conv_weight type=rom_1p impl=lutram
#pragma HLS ARRAY_PARTITION variable=tiny_conv_level type=complete dim=1
#pragma HLS BIND_STORAGE variable=tiny_conv_level type=rom_1p impl=lutram
#pragma HLS ARRAY_PARTITION variable=tiny_conv_flip type=complete dim=1
#pragma HLS BIND_STORAGE variable=tiny_conv_flip type=rom_1p impl=lutram
    lrtc::mvu<tiny_conv_mvu_shape, tiny_conv_post>(in, out, tiny_conv_weight);
}

// ---- layer fc
//
//   %fc = linear %bits, %w_v2  : i6[3:C]  # body.fc
//   %logits = affine %fc, %s  : i13[3:C]  # scale
// origin:  body.fc
// stream:  b1[2x2x4:HWC] -> i13[3:C]
// formula: acc[o] = sum over all i of w[o,i] * x[i]
// formula: y = acc * multiplier[o] + offset[o]
// folding: PE = 3 of 3 outputs, SIMD = 4 of 16 inputs: 4 iterations a window, 1 windows

struct tiny_fc_mvu_shape {
    static const int Windows = 1;
    static const int Fan = 16;
    static const int Taps = 1;
    static const int Outputs = 3;
    static const int Groups = 1;
    static const int Pe = 3;
    static const int Simd = 4;
    static const int Kind = 1;
    static const int Bits = 1;
    static const int Weight = 0;
    static const int WeightBits = 1;
    static const int AccBits = 6;
    static const int HasPad = 0;
    static const int Gather = 1;
};

struct tiny_fc_post {  // what becomes of an element before it leaves
    static const int InBits = 6, OutBits = 13;
    static ap_uint<13> apply(const ap_uint<6> &code, int fold, int lane)
    {
#pragma HLS INLINE
        (void)fold;
        (void)lane;
        const ap_int<6> x0 = lrtc::element<2, 6>::decode(code);
        const ap_uint<13> y0 = lrtc::affine<13>(x0, tiny_fc_multiplier[lane][fold], tiny_fc_offset[lane][fold]);
        return y0;
    }
};

// 1 folds of 3 outputs, 4 steps of 4 inputs each; 4 iterations an image
static void tiny_fc_mvu(hls::stream<ap_uint<4> > &in, hls::stream<ap_uint<39> > &out)
{
#pragma HLS ARRAY_PARTITION variable=tiny_fc_weight type=complete dim=1
#pragma HLS BIND_STORAGE variable=tiny_fc_weight type=rom_1p impl=lutram
#pragma HLS ARRAY_PARTITION variable=tiny_fc_multiplier type=complete dim=1
#pragma HLS ARRAY_PARTITION variable=tiny_fc_offset type=complete dim=1
    lrtc::mvu<tiny_fc_mvu_shape, tiny_fc_post>(in, out, tiny_fc_weight);
}

// ---- output logits
//
// stream:  i13[3:C]

// 3 beats an image; 3 iterations an image
static void out_tiny_logits(hls::stream<ap_uint<39> > &in, hls::stream<ap_axiu<32, 0, 0, 0> > &out)
{
    lrtc::to_axis<2, 13, 3, 3>(in, out);
}

// ---- the network

void tiny(hls::stream<ap_axiu<8, 0, 0, 0> > &s_axis, hls::stream<ap_axiu<32, 0, 0, 0> > &m_axis)
{
#pragma HLS INTERFACE mode=axis port=s_axis
#pragma HLS INTERFACE mode=axis port=m_axis
#pragma HLS INTERFACE mode=s_axilite port=return
#pragma HLS DATAFLOW
    hls::stream<ap_uint<8>, 2> q_in_tiny_x("q_in_tiny_x");
    hls::stream<ap_uint<24>, 2> q_tiny_conv_window("q_tiny_conv_window");
    hls::stream<ap_uint<4>, 2> q_tiny_conv_mvu("q_tiny_conv_mvu");
    hls::stream<ap_uint<39>, 2> q_tiny_fc_mvu("q_tiny_fc_mvu");
#pragma HLS BIND_STORAGE variable=q_in_tiny_x type=fifo impl=srl
#pragma HLS BIND_STORAGE variable=q_tiny_conv_window type=fifo impl=srl
#pragma HLS BIND_STORAGE variable=q_tiny_conv_mvu type=fifo impl=srl
#pragma HLS BIND_STORAGE variable=q_tiny_fc_mvu type=fifo impl=srl
    in_tiny_x(s_axis, q_in_tiny_x);
    tiny_conv_window(q_in_tiny_x, q_tiny_conv_window);
    tiny_conv_mvu(q_tiny_conv_window, q_tiny_conv_mvu);
    tiny_fc_mvu(q_tiny_conv_mvu, q_tiny_fc_mvu);
    out_tiny_logits(q_tiny_fc_mvu, m_axis);
}
