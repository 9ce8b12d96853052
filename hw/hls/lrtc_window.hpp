// Windows that slide over an image: the pixels of an image come row by row, one position of the padded image an iteration.
//
// P says the shape: PixelBits, Height, Width, KernelH, KernelW, StrideH, StrideW, PadTop, PadLeft, DilationH, DilationW, and
// ScanH, ScanW: the rows and columns of the padded image that are visited.
#ifndef LRTC_WINDOW_HPP
#define LRTC_WINDOW_HPP

#include "lrtc_stream.hpp"

namespace lrtc {

// The rows above the current pixel, a memory each; of narrow images registers, which may be read and written at once.
template <int Bits, int Rows, int Columns, bool Narrow = (Columns < 16)> struct row_memory {
    beat<Bits> data[Rows][Columns];
    row_memory()
    {
#pragma HLS ARRAY_PARTITION variable=data type=complete dim=1
#pragma HLS BIND_STORAGE variable=data type=ram_s2p
    }
    void step(int x, const beat<Bits> &pixel, beat<Bits> (&column)[Rows + 1])
    {
#pragma HLS INLINE
#pragma HLS DEPENDENCE variable=data type=inter dependent=false
        for (int r = 0; r < Rows; r++) {
#pragma HLS UNROLL
            column[r] = data[r][x];
        }
        column[Rows] = pixel;
        for (int r = 0; r < Rows; r++) {
#pragma HLS UNROLL
            data[r][x] = column[r + 1];
        }
    }
};

template <int Bits, int Rows, int Columns> struct row_memory<Bits, Rows, Columns, true> {
    beat<Bits> data[Rows][Columns];
    row_memory()
    {
#pragma HLS ARRAY_PARTITION variable=data type=complete dim=0
    }
    void step(int x, const beat<Bits> &pixel, beat<Bits> (&column)[Rows + 1])
    {
#pragma HLS INLINE
        for (int r = 0; r < Rows; r++) {
#pragma HLS UNROLL
            column[r] = data[r][x];
        }
        column[Rows] = pixel;
        for (int r = 0; r < Rows; r++) {
#pragma HLS UNROLL
            data[r][x] = column[r + 1];
        }
    }
};

template <int Bits, int Columns, bool Narrow> struct row_memory<Bits, 0, Columns, Narrow> {
    void step(int x, const beat<Bits> &pixel, beat<Bits> (&column)[1])
    {
#pragma HLS INLINE
        (void)x;
        column[0] = pixel;
    }
};

template <int Bits, int Columns> struct row_memory<Bits, 0, Columns, true> {
    void step(int x, const beat<Bits> &pixel, beat<Bits> (&column)[1])
    {
#pragma HLS INLINE
        (void)x;
        column[0] = pixel;
    }
};

// Where the scan is, and the pixels that the window at this place sees.
template <class P> struct scanner {
    static const int Taps = P::KernelH * P::KernelW;
    static const int SpanH = (P::KernelH - 1) * P::DilationH + 1;  // rows from the first tap to the last
    static const int SpanW = (P::KernelW - 1) * P::DilationW + 1;
    static const int Positions = P::ScanH * P::ScanW;

    row_memory<P::PixelBits, SpanH - 1, P::ScanW> rows;
    beat<P::PixelBits> window[SpanH][SpanW];
    int y, x, window_y, window_x;  // the position, and the next one that completes a window

    scanner() : y(0), x(0), window_y(SpanH - 1), window_x(SpanW - 1)
    {
#pragma HLS ARRAY_PARTITION variable=window type=complete dim=0
    }

    bool real() const
    {
#pragma HLS INLINE
        return y >= P::PadTop && y < P::PadTop + P::Height && x >= P::PadLeft && x < P::PadLeft + P::Width;
    }
    bool complete() const
    {
#pragma HLS INLINE
        return y == window_y && x == window_x;
    }

    // Takes the pixel of this position, 0 in the padding.
    void take(const beat<P::PixelBits> &pixel)
    {
#pragma HLS INLINE
        beat<P::PixelBits> column[SpanH];
#pragma HLS ARRAY_PARTITION variable=column type=complete
        rows.step(x, pixel, column);
        for (int r = 0; r < SpanH; r++) {
#pragma HLS UNROLL
            for (int c = 0; c + 1 < SpanW; c++) {
#pragma HLS UNROLL
                window[r][c] = window[r][c + 1];
            }
            window[r][SpanW - 1] = column[r];
        }
    }

    // The pixel that tap t of a complete window sees, and whether it lies in the image.
    beat<P::PixelBits> tap(int t) const
    {
#pragma HLS INLINE
        return window[t / P::KernelW * P::DilationH][t % P::KernelW * P::DilationW];
    }
    bool inside(int t) const
    {
#pragma HLS INLINE
        const int row = y - (SpanH - 1) + t / P::KernelW * P::DilationH - P::PadTop;
        const int column = x - (SpanW - 1) + t % P::KernelW * P::DilationW - P::PadLeft;
        return row >= 0 && row < P::Height && column >= 0 && column < P::Width;
    }

    void advance()
    {
#pragma HLS INLINE
        if (x == P::ScanW - 1) {
            window_y = y == window_y ? window_y + P::StrideH : window_y;
            window_x = SpanW - 1;
            y++;
            x = 0;
        } else {
            window_x = x == window_x ? window_x + P::StrideW : window_x;
            x++;
        }
    }
};

// Windows in words for a matrix-vector unit. P says also Groups, Slices (groups in a word), Simd (elements of a group in a
// word), Bits (of an element), HasPad: whether a word ends in one bit for each of its taps, 0 in the padding.
// A window lies group after group, the elements of a group tap by tap.
template <class P> struct window_words {
    static const int Taps = scanner<P>::Taps;
    static const int Channels = P::PixelBits / P::Bits / P::Groups;  // of a group
    static const int Run = P::Simd < Channels ? P::Simd : Channels;  // elements side by side in a pixel and in a word
    static const int WordTaps = P::Simd / Run;
    static const int SliceBits = P::Simd * P::Bits;
    static const int WordBits = P::Slices * SliceBits + (P::HasPad ? WordTaps : 0);
    static const int Words = P::Groups / P::Slices * Taps * Channels / P::Simd;
};

template <class P>
void window(hls::stream<beat<P::PixelBits> > &in, hls::stream<beat<window_words<P>::WordBits> > &out)
{
    typedef window_words<P> W;
    scanner<P> scan;
    int word = 0, tap = 0, channel = 0, group = 0;
    for (int i = 0; i < scanner<P>::Positions + P::Windows * (W::Words - 1); i++) {
#pragma HLS PIPELINE II=1
        if (word == 0) {
            beat<P::PixelBits> pixel = 0;
            if (scan.real()) pixel = in.read();
            scan.take(pixel);
        }
        const bool complete = scan.complete();
        if (complete) {
            beat<P::PixelBits> pixels[W::Taps];
#pragma HLS ARRAY_PARTITION variable=pixels type=complete
            bool inside[W::Taps];
#pragma HLS ARRAY_PARTITION variable=inside type=complete
            for (int t = 0; t < W::Taps; t++) {
#pragma HLS UNROLL
                pixels[t] = scan.tap(t);
                inside[t] = scan.inside(t);
            }
            beat<W::WordBits> found = 0;
            for (int s = 0; s < P::Slices; s++) {
#pragma HLS UNROLL
                for (int t = 0; t < W::WordTaps; t++) {
#pragma HLS UNROLL
                    const int first = ((group + s) * W::Channels + channel) * P::Bits;
                    const int place = s * W::SliceBits + t * W::Run * P::Bits;
                    set_bits<W::Run * P::Bits>(found, place, bits_at<W::Run * P::Bits>(pixels[tap + t], first));
                }
            }
            if (P::HasPad) {
                for (int t = 0; t < W::WordTaps; t++) {
#pragma HLS UNROLL
                    put(found, P::Slices * W::SliceBits + t, inside[tap + t]);
                }
            }
            out.write(found);
            channel = channel + W::Run == W::Channels ? 0 : channel + W::Run;
            if (channel == 0) tap = tap + W::WordTaps == W::Taps ? 0 : tap + W::WordTaps;
            if (channel == 0 && tap == 0) group += P::Slices;
            word++;
        }
        if (!complete || word == W::Words) {
            scan.advance();
            word = 0;
            group = 0;
        }
    }
}

}  // namespace lrtc

#endif
