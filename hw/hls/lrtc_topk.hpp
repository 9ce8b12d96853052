// The places of the greatest elements.
#ifndef LRTC_TOPK_HPP
#define LRTC_TOPK_HPP

#include "lrtc_stream.hpp"

namespace lrtc {

// The indices of the K greatest of Lanes * Beats elements, the greatest first, the lowest index first among equals.
template <int Kind, int Bits, int Lanes, int Beats, int K, int IndexBits>
void topk(hls::stream<beat<Lanes * Bits> > &in, hls::stream<beat<K * IndexBits> > &out)
{
    typedef typename element<Kind, Bits>::number number;
    number best[K];
#pragma HLS ARRAY_PARTITION variable=best type=complete
    ap_uint<IndexBits> index[K];
#pragma HLS ARRAY_PARTITION variable=index type=complete
    beat<Lanes * Bits> came = 0;
    int place = 0;
    for (int i = 0; i < Lanes * Beats; i++) {
#pragma HLS PIPELINE II=1
        if (place == 0) came = in.read();
        number now = element<Kind, Bits>::decode(lane<Bits>(came, place));
        ap_uint<IndexBits> at = i;
        bool moves = false;  // one that is displaced displaces the next one
        for (int k = 0; k < K; k++) {
#pragma HLS UNROLL
            moves = moves || k >= i || now > best[k];
            if (moves) {
                const number old = best[k];
                const ap_uint<IndexBits> old_at = index[k];
                best[k] = now;
                index[k] = at;
                now = old;
                at = old_at;
            }
        }
        place = place == Lanes - 1 ? 0 : place + 1;
    }
    beat<K * IndexBits> found;
    for (int k = 0; k < K; k++) {
#pragma HLS UNROLL
        set_lane<IndexBits>(found, k, index[k]);
    }
    out.write(found);
}

}  // namespace lrtc

#endif
