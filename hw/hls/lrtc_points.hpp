// What is done to one element after another: levels, multiplier and offset, limits.
#ifndef LRTC_POINTS_HPP
#define LRTC_POINTS_HPP

#include "lrtc_stream.hpp"

namespace lrtc {

// Low + the number of levels <= x, where `flip` of those > x. The levels ascend; they are searched, the middle one first.
template <int OutBits, int Low, int Count, int Bits, int LevelBits>
ap_uint<OutBits> threshold(const ap_int<Bits> &x, const ap_int<LevelBits> (&level)[Count], const ap_uint<1> &flip)
{
#pragma HLS INLINE
    int half = 1;
    while (2 * half <= Count) half *= 2;
    int found = 0;
    for (int step = half; step > 0; step /= 2) {
#pragma HLS UNROLL
        const int next = found + step;
        if (next <= Count && x >= level[next <= Count ? next - 1 : 0]) found = next;
    }
    return ap_uint<OutBits>(Low + (flip[0] ? Count - found : found));
}

// x * multiplier + offset
template <int OutBits, int Bits, int MultBits, int OffsetBits>
ap_uint<OutBits> affine(const ap_int<Bits> &x, const ap_int<MultBits> &multiplier, const ap_int<OffsetBits> &offset)
{
#pragma HLS INLINE
    return ap_uint<OutBits>(ap_int<OutBits>(x * multiplier + offset));
}

// min(max(x, Low), High), of what there is
template <int OutBits, int HasLow, int HasHigh, long long Low, long long High, int Bits>
ap_uint<OutBits> clamp(const ap_int<Bits> &x)
{
#pragma HLS INLINE
    const ap_int<34> low = Low, high = High;
    ap_int<34> y = x;
    if (HasLow && y < low) y = low;
    if (HasHigh && y > high) y = high;
    return ap_uint<OutBits>(y);
}

// `Post` on beats of `Lanes` elements; `Folds` beats make a pixel, `Gather` of them leave as one beat; `Beats` an image.
template <class Post, int Lanes, int Folds, int Gather, int Beats>
void points(hls::stream<beat<Lanes * Post::InBits> > &in, hls::stream<beat<Gather * Lanes * Post::OutBits> > &out)
{
    beat<Gather * Lanes * Post::OutBits> whole = 0;
    int fold = 0, place = 0;
    for (int i = 0; i < Beats; i++) {
#pragma HLS PIPELINE II=1
        set_lane<Lanes * Post::OutBits>(whole, place, apply_all<Post, Lanes>(in.read(), fold));
        if (place == Gather - 1) out.write(whole);
        place = place == Gather - 1 ? 0 : place + 1;
        fold = fold == Folds - 1 ? 0 : fold + 1;
    }
}

}  // namespace lrtc

#endif
