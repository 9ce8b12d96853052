// What all stages share: elements in a beat, and the numbers that they stand for.
#ifndef LRTC_STREAM_HPP
#define LRTC_STREAM_HPP

#include <ap_int.h>
#include <hls_stream.h>

namespace lrtc {

// Kinds of elements: a number without sign, a bit (1 is +1, 0 is -1), a number in two's complement.
enum kind { Unsigned = 0, Bipolar = 1, Signed = 2 };

// Element i of a beat of elements of `Bits` bits, the first at the LSBs.
template <int Bits, int Width> ap_uint<Bits> lane(const ap_uint<Width> &beat, int i)
{
#pragma HLS INLINE
    return beat.range((i + 1) * Bits - 1, i * Bits);
}

template <int Bits, int Width> void set_lane(ap_uint<Width> &beat, int i, const ap_uint<Bits> &code)
{
#pragma HLS INLINE
    beat.range((i + 1) * Bits - 1, i * Bits) = code;
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
    static ap_uint<Bits> apply(const ap_uint<Bits> &code, int fold, int lane)
    {
#pragma HLS INLINE
        (void)fold;
        (void)lane;
        return code;
    }
};

// `Post` on all elements of a beat.
template <class Post, int Lanes> ap_uint<Lanes * Post::OutBits> apply_all(const ap_uint<Lanes * Post::InBits> &beat, int fold)
{
#pragma HLS INLINE
    ap_uint<Lanes * Post::OutBits> found;
    for (int i = 0; i < Lanes; i++) {
#pragma HLS UNROLL
        set_lane<Post::OutBits>(found, i, Post::apply(lane<Post::InBits>(beat, i), fold, i));
    }
    return found;
}

}  // namespace lrtc

#endif
