// The greatest, the least, or the sum of the elements that a window sees, channel by channel; sums over a whole image.
//
// P says the shape of the window (lrtc_window.hpp), Channels, Kind and Bits of an element; sums also SumBits.
#ifndef LRTC_POOL_HPP
#define LRTC_POOL_HPP

#include "lrtc_window.hpp"

namespace lrtc {

// `least[c]`: whether channel c takes the least. Taps in the padding are left out.
template <class P, class Post>
void maxpool(hls::stream<beat<P::PixelBits> > &in, hls::stream<beat<P::Channels * Post::OutBits> > &out,
             const bool (&least)[P::Channels])
{
    typedef element<P::Kind == Bipolar ? int(Unsigned) : int(P::Kind), P::Bits> numbers;  // bits have the order of numbers
    scanner<P> scan;
    for (int i = 0; i < scanner<P>::Positions; i++) {
#pragma HLS PIPELINE II=1
        beat<P::PixelBits> pixel = 0;
        if (scan.real()) pixel = in.read();
        scan.take(pixel);
        if (scan.complete()) {
            beat<P::PixelBits> best = 0;
            for (int c = 0; c < P::Channels; c++) {
#pragma HLS UNROLL
                bool any = false;
                for (int t = 0; t < scanner<P>::Taps; t++) {
#pragma HLS UNROLL
                    const ap_uint<P::Bits> now = lane<P::Bits>(scan.tap(t), c), held = lane<P::Bits>(best, c);
                    const typename numbers::number a = numbers::decode(now), b = numbers::decode(held);
                    const bool better = least[c] ? a < b : a > b;
                    if (scan.inside(t) && (!any || better)) set_lane<P::Bits>(best, c, now);
                    any = any || scan.inside(t);
                }
            }
            out.write(apply_all<Post, P::Channels>(best, 0));
        }
        scan.advance();
    }
}

// Taps in the padding count 0.
template <class P, class Post>
void sumpool(hls::stream<beat<P::PixelBits> > &in, hls::stream<beat<P::Channels * Post::OutBits> > &out)
{
    scanner<P> scan;
    for (int i = 0; i < scanner<P>::Positions; i++) {
#pragma HLS PIPELINE II=1
        beat<P::PixelBits> pixel = 0;
        if (scan.real()) pixel = in.read();
        scan.take(pixel);
        if (scan.complete()) {
            beat<P::Channels * Post::OutBits> found;
            for (int c = 0; c < P::Channels; c++) {
#pragma HLS UNROLL
                ap_int<P::SumBits> sum = 0;
                for (int t = 0; t < scanner<P>::Taps; t++) {
#pragma HLS UNROLL
                    if (scan.inside(t)) sum += element<P::Kind, P::Bits>::decode(lane<P::Bits>(scan.tap(t), c));
                }
                set_lane<Post::OutBits>(found, c, Post::apply(ap_uint<P::SumBits>(sum), 0, c));
            }
            out.write(found);
        }
        scan.advance();
    }
}

// The sums over `Beats` pixels.
template <class Post, int Channels, int Kind, int Bits, int SumBits, int Beats>
void frame_sum(hls::stream<beat<Channels * Bits> > &in, hls::stream<beat<Channels * Post::OutBits> > &out)
{
    ap_int<SumBits> sum[Channels];
#pragma HLS ARRAY_PARTITION variable=sum type=complete
    for (int i = 0; i < Beats; i++) {
#pragma HLS PIPELINE II=1
        const beat<Channels * Bits> pixel = in.read();
        beat<Channels * Post::OutBits> found;
        for (int c = 0; c < Channels; c++) {
#pragma HLS UNROLL
            const typename element<Kind, Bits>::number number = element<Kind, Bits>::decode(lane<Bits>(pixel, c));
            if (i == 0) sum[c] = number;
            else sum[c] += number;
            set_lane<Post::OutBits>(found, c, Post::apply(ap_uint<SumBits>(sum[c]), 0, c));
        }
        if (i == Beats - 1) out.write(found);
    }
}

}  // namespace lrtc

#endif
