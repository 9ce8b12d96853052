// Beats of another size: some side by side, one in parts, or neither.
#ifndef LRTC_WIDTH_HPP
#define LRTC_WIDTH_HPP

#include "lrtc_stream.hpp"

namespace lrtc {

// `Ratio` beats of `Width` bits become one, the first at the LSBs; `Beats` an image come.
template <int Width, int Ratio, int Beats>
void upsize(hls::stream<beat<Width> > &in, hls::stream<beat<Width * Ratio> > &out)
{
    static_assert(Beats % Ratio == 0, "whole groups of beats");
    beat<Width * Ratio> whole = 0;
    int place = 0;
    for (int i = 0; i < Beats; i++) {
#pragma HLS PIPELINE II=1
        set_lane<Width>(whole, place, in.read());
        if (place == Ratio - 1) out.write(whole);
        place = place == Ratio - 1 ? 0 : place + 1;
    }
}

// One beat of `Width * Ratio` bits becomes `Ratio`, its LSBs first; `Beats` an image leave.
template <int Width, int Ratio, int Beats>
void downsize(hls::stream<beat<Width * Ratio> > &in, hls::stream<beat<Width> > &out)
{
    static_assert(Beats % Ratio == 0, "whole groups of beats");
    beat<Width * Ratio> whole = 0;
    int place = 0;
    for (int i = 0; i < Beats; i++) {
#pragma HLS PIPELINE II=1
        if (place == 0) whole = in.read();
        out.write(lane<Width>(whole, place));
        place = place == Ratio - 1 ? 0 : place + 1;
    }
}

// Beats of `In` items of `Width` bits become beats of `Out` items, neither a multiple of the other; `Items` an image.
template <int Width, int In, int Out, int Items>
void regroup(hls::stream<beat<Width * In> > &in, hls::stream<beat<Width * Out> > &out)
{
    static_assert(Items % In == 0 && Items % Out == 0, "whole beats on both sides");
    const int Room = In + Out - 1;
    beat<Width> held[Room];
#pragma HLS ARRAY_PARTITION variable=held type=complete
    int count = 0;
    for (int i = 0; i < Items / In + Items / Out; i++) {
#pragma HLS PIPELINE II=1
        if (count < Out) {
            const beat<Width * In> came = in.read();
            for (int k = 0; k < In; k++) {
#pragma HLS UNROLL
                held[count + k] = lane<Width>(came, k);
            }
            count += In;
        } else {
            beat<Width * Out> made;
            for (int k = 0; k < Out; k++) {
#pragma HLS UNROLL
                set_lane<Width>(made, k, held[k]);
            }
            for (int k = 0; k + Out < Room; k++) {
#pragma HLS UNROLL
                held[k] = held[k + Out];
            }
            count -= Out;
            out.write(made);
        }
    }
}

}  // namespace lrtc

#endif
