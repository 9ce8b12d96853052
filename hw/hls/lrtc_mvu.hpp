// A matrix times a window, folded: Pe outputs, Simd of the inputs of each an iteration.
//
// P says Windows (an image), Fan (inputs of an output), Taps (of a window), Outputs, Groups, Pe, Simd, Kind and Bits (of an
// element), Weight (its kind) and WeightBits, AccBits, HasPad (see window_words), Gather (folds that leave as one beat).
#ifndef LRTC_MVU_HPP
#define LRTC_MVU_HPP

#include "lrtc_dot.hpp"

namespace lrtc {

template <class P> struct folded {
    static const int Steps = P::Fan / P::Simd;
    static const int Folds = P::Outputs / P::Pe;
    static const int GroupOutputs = P::Outputs / P::Groups;
    static const int Slices = P::Pe > GroupOutputs ? P::Pe / GroupOutputs : 1;       // groups at work at once
    static const int GroupFolds = P::Pe < GroupOutputs ? GroupOutputs / P::Pe : 1;  // folds that stay with them
    static const int Channels = P::Fan / P::Taps;
    static const int Run = P::Simd < Channels ? P::Simd : Channels;
    static const int SliceBits = P::Simd * P::Bits;
    static const int WordBits = Slices * SliceBits + (P::HasPad ? P::Simd / Run : 0);
    static const int LaneBits = P::Simd * P::WeightBits;  // the weights of one output in one step
    static const int RowBits = LaneBits < 64 ? LaneBits : 64;
    static const int RowWords = (LaneBits + 63) / 64;
    static const int RestBits = LaneBits - (RowWords - 1) * 64;
    static const bool InParts = LaneBits > MaxBits || SliceBits > MaxBits;
};

// The inputs of a step times the weights of one output.
template <class P, bool InParts = folded<P>::InParts> struct one_step {
    static ap_int<P::AccBits> dot(const beat<P::Simd * P::Bits> &x, const beat<P::Simd * P::WeightBits> &w, const beat<P::Simd> &valid)
    {
#pragma HLS INLINE
        return multiply<P::Kind, P::Weight>::template dot<P::Simd, P::Bits, P::WeightBits, P::AccBits>(x, w, valid);
    }
};

// Some lanes at a time where a step has more bits than an ap_uint may; the lanes beyond the last are 0 and not valid.
template <class P> struct one_step<P, true> {
    static const int Lanes = MaxBits / (P::Bits > P::WeightBits ? P::Bits : P::WeightBits);
    static ap_int<P::AccBits> dot(const beat<P::Simd * P::Bits> &x, const beat<P::Simd * P::WeightBits> &w, const beat<P::Simd> &valid)
    {
#pragma HLS INLINE
        ap_int<P::AccBits> sum = 0;
        for (int first = 0; first < P::Simd; first += Lanes) {
#pragma HLS UNROLL
            ap_uint<Lanes * P::Bits> some_x = 0;
            ap_uint<Lanes * P::WeightBits> some_w = 0;
            ap_uint<Lanes> some_valid = 0;
            for (int l = 0; l < Lanes && first + l < P::Simd; l++) {
#pragma HLS UNROLL
                set_lane<P::Bits>(some_x, l, lane<P::Bits>(x, first + l));
                put(some_valid, l, static_cast<bool>(valid[first + l]));
                if (P::Weight == TernaryWeight) {
                    put(some_w, l, static_cast<bool>(w[first + l]));
                    put(some_w, Lanes + l, static_cast<bool>(w[P::Simd + first + l]));
                } else {
                    set_lane<P::WeightBits>(some_w, l, lane<P::WeightBits>(w, first + l));
                }
            }
            sum += multiply<P::Kind, P::Weight>::template dot<Lanes, P::Bits, P::WeightBits, P::AccBits>(some_x, some_w, some_valid);
        }
        return sum;
    }
};

// `weight[p][fold * Steps + step]`: the weights of output fold * Pe + p for the inputs step * Simd …, in words of 64 bits.
template <class P, class Post>
void mvu(hls::stream<beat<folded<P>::WordBits> > &in, hls::stream<beat<P::Gather * P::Pe * Post::OutBits> > &out,
         const ap_uint<folded<P>::RowBits> (&weight)[P::Pe][folded<P>::Folds * folded<P>::Steps][folded<P>::RowWords])
{
    typedef folded<P> F;
    beat<F::WordBits> held[F::Steps];
    ap_int<P::AccBits> acc[P::Pe];
#pragma HLS ARRAY_PARTITION variable=acc type=complete
    beat<P::Gather * P::Pe * Post::OutBits> whole = 0;
    int step = 0, fold = 0, group_fold = 0, row = 0, place = 0;
    for (int i = 0; i < P::Windows * F::Folds * F::Steps; i++) {
#pragma HLS PIPELINE II=1
        beat<F::WordBits> word;
        if (group_fold == 0) {
            word = in.read();
            held[step] = word;
        } else {
            word = held[step];
        }
        beat<P::Simd> valid = 0;
        for (int l = 0; l < P::Simd; l++) {
#pragma HLS UNROLL
            put(valid, l, !P::HasPad || static_cast<bool>(word[P::HasPad ? F::Slices * F::SliceBits + l / F::Run : 0]));
        }
        for (int p = 0; p < P::Pe; p++) {
#pragma HLS UNROLL
            beat<F::LaneBits> weights = 0;
            for (int k = 0; k < F::RowWords - 1; k++) {
#pragma HLS UNROLL
                set_bits<64>(weights, k * 64, weight[p][row][k]);
            }
            set_bits<F::RestBits>(weights, (F::RowWords - 1) * 64, ap_uint<F::RestBits>(weight[p][row][F::RowWords - 1]));
            const beat<F::SliceBits> slice = lane<F::SliceBits>(word, p * F::Slices / P::Pe);
            const ap_int<P::AccBits> dot = one_step<P>::dot(slice, weights, valid);
            if (step == 0) acc[p] = dot;
            else acc[p] += dot;
        }
        row = row == F::Folds * F::Steps - 1 ? 0 : row + 1;
        step++;
        if (step == F::Steps) {
            step = 0;
            for (int p = 0; p < P::Pe; p++) {
#pragma HLS UNROLL
                set_lane<Post::OutBits>(whole, place * P::Pe + p, Post::apply(ap_uint<P::AccBits>(acc[p]), fold, p));
            }
            if (place == P::Gather - 1) out.write(whole);
            place = place == P::Gather - 1 ? 0 : place + 1;
            group_fold = group_fold == F::GroupFolds - 1 ? 0 : group_fold + 1;
            fold = fold == F::Folds - 1 ? 0 : fold + 1;
        }
    }
}

}  // namespace lrtc

#endif
