// Dot products of some lanes. Bits meet bits as XNOR and popcount; numbers are negated, left out, or multiplied.
#ifndef LRTC_DOT_HPP
#define LRTC_DOT_HPP

#include "lrtc_stream.hpp"

namespace lrtc {

// Kinds of weights: a bit; two bits (all mask bits first, then all sign bits); a number in two's complement.
enum weight_kind { BipolarWeight = 0, TernaryWeight = 1, SignedWeight = 2 };

template <int Bits> int popcount(const ap_uint<Bits> &word)
{
#pragma HLS INLINE
    int count = 0;
    for (int i = 0; i < Bits; i++) {
#pragma HLS UNROLL
        count += word[i] ? 1 : 0;
    }
    return count;
}

// The sum over lanes of element times weight; lanes whose bit in `valid` is 0 are left out (they are 0 if numbers).
template <int Kind, int WeightKind> struct multiply {
    template <int Lanes, int Bits, int WeightBits, int AccBits>
    static ap_int<AccBits> dot(const ap_uint<Lanes * Bits> &x, const ap_uint<Lanes * WeightBits> &w, const ap_uint<Lanes> &valid)
    {
#pragma HLS INLINE
        ap_int<AccBits> sum = 0;
        for (int i = 0; i < Lanes; i++) {
#pragma HLS UNROLL
            const typename element<Kind, Bits>::number number = element<Kind, Bits>::decode(lane<Bits>(x, i));
            const ap_int<WeightBits> weight = lane<WeightBits>(w, i);
            if (valid[i]) sum += number * weight;
        }
        return sum;
    }
};

template <> struct multiply<Bipolar, BipolarWeight> {
    template <int Lanes, int Bits, int WeightBits, int AccBits>
    static ap_int<AccBits> dot(const ap_uint<Lanes> &x, const ap_uint<Lanes> &w, const ap_uint<Lanes> &valid)
    {
#pragma HLS INLINE
        const ap_uint<Lanes> agree = ~(x ^ w) & valid;
        return 2 * popcount<Lanes>(agree) - popcount<Lanes>(valid);
    }
};

template <> struct multiply<Bipolar, TernaryWeight> {
    template <int Lanes, int Bits, int WeightBits, int AccBits>
    static ap_int<AccBits> dot(const ap_uint<Lanes> &x, const ap_uint<2 * Lanes> &w, const ap_uint<Lanes> &valid)
    {
#pragma HLS INLINE
        const ap_uint<Lanes> mask = w.range(Lanes - 1, 0), sign = w.range(2 * Lanes - 1, Lanes);
        const ap_uint<Lanes> counted = mask & valid;
        const ap_uint<Lanes> agree = (x ^ sign) & counted;
        return 2 * popcount<Lanes>(agree) - popcount<Lanes>(counted);
    }
};

template <int Kind> struct multiply<Kind, BipolarWeight> {
    template <int Lanes, int Bits, int WeightBits, int AccBits>
    static ap_int<AccBits> dot(const ap_uint<Lanes * Bits> &x, const ap_uint<Lanes> &w, const ap_uint<Lanes> &valid)
    {
#pragma HLS INLINE
        ap_int<AccBits> sum = 0;
        (void)valid;
        for (int i = 0; i < Lanes; i++) {
#pragma HLS UNROLL
            const typename element<Kind, Bits>::number number = element<Kind, Bits>::decode(lane<Bits>(x, i));
            if (w[i]) sum += number;
            else sum -= number;
        }
        return sum;
    }
};

template <int Kind> struct multiply<Kind, TernaryWeight> {
    template <int Lanes, int Bits, int WeightBits, int AccBits>
    static ap_int<AccBits> dot(const ap_uint<Lanes * Bits> &x, const ap_uint<2 * Lanes> &w, const ap_uint<Lanes> &valid)
    {
#pragma HLS INLINE
        ap_int<AccBits> sum = 0;
        (void)valid;
        for (int i = 0; i < Lanes; i++) {
#pragma HLS UNROLL
            const typename element<Kind, Bits>::number number = element<Kind, Bits>::decode(lane<Bits>(x, i));
            if (w[i] && !w[Lanes + i]) sum += number;
            if (w[i] && w[Lanes + i]) sum -= number;
        }
        return sum;
    }
};

}  // namespace lrtc

#endif
