// Streams that part and meet: forks, sums, maxima, values side by side, constants.
#ifndef LRTC_BRANCH_HPP
#define LRTC_BRANCH_HPP

#include "lrtc_stream.hpp"

namespace lrtc {

template <class T> void give(const T &value)
{
#pragma HLS INLINE
    (void)value;
}

template <class T, class... Rest> void give(const T &value, hls::stream<T> &first, Rest &...rest)
{
#pragma HLS INLINE
    first.write(value);
    give(value, rest...);
}

// Every beat to every reader; `Beats` an image.
template <int Width, int Beats, class... Outs> void fork(hls::stream<beat<Width> > &in, Outs &...outs)
{
    for (int i = 0; i < Beats; i++) {
#pragma HLS PIPELINE II=1
        const beat<Width> came = in.read();
        give<beat<Width> >(came, outs...);
    }
}

// The sums of two streams, channel by channel.
template <class Post, int Channels, int KindA, int BitsA, int KindB, int BitsB, int SumBits, int Beats>
void add(hls::stream<beat<Channels * BitsA> > &a, hls::stream<beat<Channels * BitsB> > &b,
         hls::stream<beat<Channels * Post::OutBits> > &out)
{
    for (int i = 0; i < Beats; i++) {
#pragma HLS PIPELINE II=1
        const beat<Channels * BitsA> left = a.read();
        const beat<Channels * BitsB> right = b.read();
        beat<Channels * Post::OutBits> found;
        for (int c = 0; c < Channels; c++) {
#pragma HLS UNROLL
            const ap_int<SumBits> sum = element<KindA, BitsA>::decode(lane<BitsA>(left, c)) +
                                        element<KindB, BitsB>::decode(lane<BitsB>(right, c));
            set_lane<Post::OutBits>(found, c, Post::apply(ap_uint<SumBits>(sum), 0, c));
        }
        out.write(found);
    }
}

// The greater of two streams, channel by channel, or the smaller; elements of both that are alike keep their code, else
// the numbers have `Bits` bits.
template <class Post, int Channels, int KindA, int BitsA, int KindB, int BitsB, int Bits, bool Least, int Beats>
void maximum(hls::stream<beat<Channels * BitsA> > &a, hls::stream<beat<Channels * BitsB> > &b,
             hls::stream<beat<Channels * Post::OutBits> > &out)
{
    for (int i = 0; i < Beats; i++) {
#pragma HLS PIPELINE II=1
        const beat<Channels * BitsA> left = a.read();
        const beat<Channels * BitsB> right = b.read();
        beat<Channels * Post::OutBits> found;
        for (int c = 0; c < Channels; c++) {
#pragma HLS UNROLL
            const ap_uint<BitsA> x = lane<BitsA>(left, c);
            const ap_uint<BitsB> y = lane<BitsB>(right, c);
            const auto p = element<KindA, BitsA>::decode(x);
            const auto q = element<KindB, BitsB>::decode(y);
            const bool first = Least ? p <= q : p >= q;
            ap_uint<Bits> chosen;
            if (KindA == KindB && BitsA == BitsB) chosen = first ? ap_uint<Bits>(x) : ap_uint<Bits>(y);
            else chosen = first ? ap_uint<Bits>(p) : ap_uint<Bits>(q);
            set_lane<Post::OutBits>(found, c, Post::apply(chosen, 0, c));
        }
        out.write(found);
    }
}

// Channels of one kind that lie side by side with others, all as codes of Post::InBits bits; see concat.
template <int Channels_, int Kind, int InBits> struct operand {
    static const int Channels = Channels_, Width = Channels_ * InBits;
    template <class Post, class Whole> static void place(Whole &whole, int at, const beat<Width> &came)
    {
#pragma HLS INLINE
        for (int c = 0; c < Channels_; c++) {
#pragma HLS UNROLL
            const ap_uint<InBits> code = lane<InBits>(came, c);
            ap_uint<Post::InBits> same;
            if (InBits == Post::InBits) same = code;  // the same element: no number need be made of it
            else same = ap_uint<Post::InBits>(element<Kind, InBits>::decode(code));
            set_lane<Post::OutBits>(whole, at + c, Post::apply(same, 0, at + c));
        }
    }
};

template <class Post, class Whole> void place_all(Whole &whole, int at)
{
#pragma HLS INLINE
    (void)whole;
    (void)at;
}

template <class Post, class Whole, class First, class... Rest, class In, class... Ins>
void place_all(Whole &whole, int at, In &in, Ins &...ins)
{
#pragma HLS INLINE
    First::template place<Post>(whole, at, in.read());
    place_all<Post, Whole, Rest...>(whole, at + First::Channels, ins...);
}

// The channels of all operands side by side, as elements of Post::InBits bits.
template <class Post, int Channels, int Beats, class... Operands>
void concat(hls::stream<beat<Channels * Post::OutBits> > &out, hls::stream<beat<Operands::Width> > &...ins)
{
    for (int i = 0; i < Beats; i++) {
#pragma HLS PIPELINE II=1
        beat<Channels * Post::OutBits> whole = 0;
        place_all<Post, beat<Channels * Post::OutBits>, Operands...>(whole, 0, ins...);
        out.write(whole);
    }
}

// Beat i is `code[c][i]` of all channels c.
template <int Channels, int Bits, int Beats>
void constants(hls::stream<beat<Channels * Bits> > &out, const ap_uint<Bits> (&code)[Channels][Beats])
{
    for (int i = 0; i < Beats; i++) {
#pragma HLS PIPELINE II=1
        beat<Channels * Bits> made;
        for (int c = 0; c < Channels; c++) {
#pragma HLS UNROLL
            set_lane<Bits>(made, c, code[c][i]);
        }
        out.write(made);
    }
}

}  // namespace lrtc

#endif
