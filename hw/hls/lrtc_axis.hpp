// Both ends of a network: AXI4-Stream.
#ifndef LRTC_AXIS_HPP
#define LRTC_AXIS_HPP

#include <ap_axi_sdata.h>

#include "lrtc_stream.hpp"

namespace lrtc {

// `Ratio` beats of which the low `Used` bits count become one, the first at the LSBs; `Beats` an image come.
template <int Data, int Used, int Ratio, int Beats>
void from_axis(hls::stream<ap_axiu<Data, 0, 0, 0> > &in, hls::stream<beat<Used * Ratio> > &out)
{
    beat<Used * Ratio> whole = 0;
    int place = 0;
    for (int i = 0; i < Beats; i++) {
#pragma HLS PIPELINE II=1
        const ap_axiu<Data, 0, 0, 0> came = in.read();
        const ap_uint<Used> used = came.data.range(Used - 1, 0);
        set_lane<Used>(whole, place, used);
        if (place == Ratio - 1) out.write(whole);
        place = place == Ratio - 1 ? 0 : place + 1;
    }
}

// Elements one by one, as numbers of 32 bits; TLAST beside the last of `Count`.
template <int Kind, int Bits, int Lanes, int Count>
void to_axis(hls::stream<beat<Lanes * Bits> > &in, hls::stream<ap_axiu<32, 0, 0, 0> > &out)
{
    beat<Lanes * Bits> whole = 0;
    int place = 0;
    for (int i = 0; i < Count; i++) {
#pragma HLS PIPELINE II=1
        if (place == 0) whole = in.read();
        ap_axiu<32, 0, 0, 0> made;
        made.data = ap_uint<32>(ap_int<32>(element<Kind, Bits>::decode(lane<Bits>(whole, place))));
        made.keep = -1;
        made.strb = -1;
        made.last = i == Count - 1 ? 1 : 0;
        out.write(made);
        place = place == Lanes - 1 ? 0 : place + 1;
    }
}

}  // namespace lrtc

#endif
