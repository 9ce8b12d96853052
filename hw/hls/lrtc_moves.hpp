// What only moves elements: in a pixel, at the margins of an image, through blocks of an image.
#ifndef LRTC_MOVES_HPP
#define LRTC_MOVES_HPP

#include "lrtc_stream.hpp"

namespace lrtc {

// Item k of a beat is item `order[k]` of the beat that came.
template <class Post, int In, int Out, int Beats>
void select(hls::stream<beat<In * Post::InBits> > &in, hls::stream<beat<Out * Post::OutBits> > &out,
            const unsigned short (&order)[Out])
{
    for (int i = 0; i < Beats; i++) {
#pragma HLS PIPELINE II=1
        const beat<In * Post::InBits> came = in.read();
        beat<Out * Post::OutBits> found;
        for (int k = 0; k < Out; k++) {
#pragma HLS UNROLL
            set_lane<Post::OutBits>(found, k, Post::apply(lane<Post::InBits>(came, order[k]), 0, k));
        }
        out.write(found);
    }
}

// `value[c]` in the margins around an image of Height x Width pixels.
template <class Post, int Channels, int Height, int Width, int Top, int Bottom, int Left, int Right>
void pad(hls::stream<beat<Channels * Post::InBits> > &in, hls::stream<beat<Channels * Post::OutBits> > &out,
         const ap_uint<Post::InBits> &value)
{
    int y = 0, x = 0;
    for (int i = 0; i < (Top + Height + Bottom) * (Left + Width + Right); i++) {
#pragma HLS PIPELINE II=1
        beat<Channels * Post::InBits> pixel;
        if (y >= Top && y < Top + Height && x >= Left && x < Left + Width) {
            pixel = in.read();
        } else {
            for (int c = 0; c < Channels; c++) {
#pragma HLS UNROLL
                set_lane<Post::InBits>(pixel, c, value);
            }
        }
        out.write(apply_all<Post, Channels>(pixel, 0));
        y = x == Left + Width + Right - 1 ? y + 1 : y;
        x = x == Left + Width + Right - 1 ? 0 : x + 1;
    }
}

// The pixels of an image of Height x Width that lie in no margin.
template <class Post, int Channels, int Height, int Width, int Top, int Bottom, int Left, int Right>
void crop(hls::stream<beat<Channels * Post::InBits> > &in, hls::stream<beat<Channels * Post::OutBits> > &out)
{
    int y = 0, x = 0;
    for (int i = 0; i < Height * Width; i++) {
#pragma HLS PIPELINE II=1
        const beat<Channels * Post::InBits> pixel = in.read();
        if (y >= Top && y < Height - Bottom && x >= Left && x < Width - Right) out.write(apply_all<Post, Channels>(pixel, 0));
        y = x == Width - 1 ? y + 1 : y;
        x = x == Width - 1 ? 0 : x + 1;
    }
}

// Blocks of `Words` beats, each given in another order: nested counters walk over the block, counter a of `count[a]` steps of
// `stride[a]` beats, counter 0 the fastest. A block comes whole before it leaves.
template <int Bits, int Words, int Blocks, int Axes>
void turn(hls::stream<beat<Bits> > &in, hls::stream<beat<Bits> > &out, const int (&count)[Axes], const int (&stride)[Axes])
{
    beat<Bits> block[Words];
#pragma HLS BIND_STORAGE variable=block type=ram_s2p
    for (int b = 0; b < Blocks; b++) {
        int at[Axes];
#pragma HLS ARRAY_PARTITION variable=at type=complete
        int address = 0;
        for (int a = 0; a < Axes; a++) {
#pragma HLS UNROLL
            at[a] = 0;
        }
        for (int i = 0; i < Words; i++) {
#pragma HLS PIPELINE II=1
            block[i] = in.read();
        }
        for (int i = 0; i < Words; i++) {
#pragma HLS PIPELINE II=1
            out.write(block[address]);
            bool carry = true;
            for (int a = 0; a < Axes; a++) {
#pragma HLS UNROLL
                const bool last = at[a] == count[a] - 1;
                if (carry) {
                    address += last ? -(count[a] - 1) * stride[a] : stride[a];
                    at[a] = last ? 0 : at[a] + 1;
                }
                carry = carry && last;
            }
        }
    }
}

}  // namespace lrtc

#endif
