// What all stages share: elements in a beat, and the numbers that they stand for.
#ifndef LRTC_STREAM_HPP
#define LRTC_STREAM_HPP

#include <ap_int.h>
#include <hls_stream.h>

namespace lrtc {

// Kinds of elements: a number without sign, a bit (1 is +1, 0 is -1), a number in two's complement.
enum kind { Unsigned = 0, Bipolar = 1, Signed = 2 };

// A beat that is wider than Vitis HLS lets an ap_uint be (AP_INT_MAX_W goes up to 4,096): parts side by side.
template <int Width> struct wide {
    static const int PartBits = 2048, Parts = (Width + PartBits - 1) / PartBits;
    ap_uint<PartBits> part[Parts];

    wide()
    {
#pragma HLS ARRAY_PARTITION variable=part type=complete
    }
    wide(int number)  // 0 or more
    {
#pragma HLS ARRAY_PARTITION variable=part type=complete
        for (int p = 0; p < Parts; p++) {
#pragma HLS UNROLL
            part[p] = p == 0 ? number : 0;
        }
    }
    bool operator[](int i) const
    {
#pragma HLS INLINE
        return part[i / PartBits][i % PartBits];
    }
    void set(int i, bool bit)
    {
#pragma HLS INLINE
        part[i / PartBits][i % PartBits] = bit;
    }
};

const int MaxBits = 4096;  // of an ap_uint
template <int Width, bool Wide = (Width > MaxBits)> struct beat_type {
    typedef ap_uint<Width> type;
};
template <int Width> struct beat_type<Width, true> {
    typedef wide<Width> type;
};
template <int Width> using beat = typename beat_type<Width>::type;

// `Bits` bits of a beat from bit `low` on.
template <int Bits, int Width> ap_uint<Bits> bits_at(const ap_uint<Width> &all, int low)
{
#pragma HLS INLINE
    return all.range(low + Bits - 1, low);
}

template <int Bits, int Width> void set_bits(ap_uint<Width> &all, int low, const ap_uint<Bits> &code)
{
#pragma HLS INLINE
    all.range(low + Bits - 1, low) = code;
}

template <int Width> void put(ap_uint<Width> &all, int i, bool bit)
{
#pragma HLS INLINE
    all[i] = bit;
}

template <int Width> void put(wide<Width> &all, int i, bool bit)
{
#pragma HLS INLINE
    all.set(i, bit);
}

template <int Bits, int Width> beat<Bits> bits_at(const wide<Width> &all, int low)
{
#pragma HLS INLINE
    beat<Bits> found = 0;
    for (int k = 0; k < Bits; k++) {
#pragma HLS UNROLL
        put(found, k, all[low + k]);
    }
    return found;
}

template <int Bits, int Width> void set_bits(wide<Width> &all, int low, const beat<Bits> &code)
{
#pragma HLS INLINE
    for (int k = 0; k < Bits; k++) {
#pragma HLS UNROLL
        all.set(low + k, static_cast<bool>(code[k]));
    }
}

// Element i of a beat of elements of `Bits` bits, the first at the LSBs.
template <int Bits, class Beat> beat<Bits> lane(const Beat &all, int i)
{
#pragma HLS INLINE
    return bits_at<Bits>(all, i * Bits);
}

template <int Bits, class Beat> void set_lane(Beat &all, int i, const beat<Bits> &code)
{
#pragma HLS INLINE
    set_bits<Bits>(all, i * Bits, code);
}

// The number that a code of `Bits` bits stands for.
template <int Kind, int Bits> struct element {
    static const int NumberBits = Bits + 1;
    typedef ap_int<NumberBits> number;
    static number decode(const ap_uint<Bits> &code)
    {
#pragma HLS INLINE
        return number(code);
    }
};

template <int Bits> struct element<Signed, Bits> {
    static const int NumberBits = Bits;
    typedef ap_int<NumberBits> number;
    static number decode(const ap_uint<Bits> &code)
    {
#pragma HLS INLINE
        return number(code);
    }
};

template <int Bits> struct element<Bipolar, Bits> {
    static_assert(Bits == 1, "a bipolar element is one bit");
    static const int NumberBits = 2;
    typedef ap_int<NumberBits> number;
    static number decode(const ap_uint<Bits> &code)
    {
#pragma HLS INLINE
        return code[0] ? 1 : -1;
    }
};

// What becomes of an element that nothing is done to: `Post` of a stage. fold: which beat of a pixel; lane: which in it.
template <int Bits> struct as_is {
    static const int InBits = Bits, OutBits = Bits;
    static beat<Bits> apply(const beat<Bits> &code, int fold, int lane)
    {
#pragma HLS INLINE
        (void)fold;
        (void)lane;
        return code;
    }
};

// `Post` on all elements of a beat.
template <class Post, int Lanes> beat<Lanes * Post::OutBits> apply_all(const beat<Lanes * Post::InBits> &all, int fold)
{
#pragma HLS INLINE
    beat<Lanes * Post::OutBits> found;
    for (int i = 0; i < Lanes; i++) {
#pragma HLS UNROLL
        set_lane<Post::OutBits>(found, i, Post::apply(lane<Post::InBits>(all, i), fold, i));
    }
    return found;
}

}  // namespace lrtc

#endif
