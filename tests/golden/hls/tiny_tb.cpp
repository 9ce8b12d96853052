// Test bench of tiny: 2 images and the answers of lrtc's interpreter. Returns 0 when every value agrees.
// With LRTC_BOUNDED, and sim/tiny_bounded.cpp beside it, the processes run side by side. Written by lrtc VERSION.
#include <cstdio>

#include "tiny.hpp"
#include "tiny_vectors.hpp"

#ifdef LRTC_BOUNDED
void tiny_bounded(int images, hls::stream<ap_axiu<8, 0, 0, 0> > &s_axis, hls::stream<ap_axiu<32, 0, 0, 0> > &m_axis);
#endif

// Sends the elements of an image, those of all inputs in a row, one byte each.
static void tiny_send(const unsigned char *x, hls::stream<ap_axiu<8, 0, 0, 0> > &s_axis)
{
    for (int i = 0; i < 16; i++) {
        ap_axiu<8, 0, 0, 0> beat;
        beat.data = 0;
        for (int k = 0; k < 1; k++) {
            beat.data.range(k * 8 + 7, k * 8) = x[0 + i * 1 + k];
        }
        beat.keep = -1;
        beat.strb = -1;
        beat.last = i == 15 ? 1 : 0;
        s_axis.write(beat);
    }
}

// Takes an image's answers, those of all outputs in a row; returns how often TLAST is not where it belongs.
static int tiny_take(int *y, hls::stream<ap_axiu<32, 0, 0, 0> > &m_axis)
{
    int wrong = 0;
    for (int i = 0; i < 3; i++) {
        const ap_axiu<32, 0, 0, 0> beat = m_axis.read();
        y[0 + i] = ap_int<32>(beat.data).to_int();
        wrong += (beat.last == 1) != (i == 2) ? 1 : 0;
    }
    return wrong;
}

// Answers images, 16 bytes and 3 values each. bounded: all at once, with streams as planned.
int tiny_answers(const unsigned char *x, int *y, int images, bool bounded)
{
    hls::stream<ap_axiu<8, 0, 0, 0> > s_axis("s_axis");
    hls::stream<ap_axiu<32, 0, 0, 0> > m_axis("m_axis");
    int wrong = 0;
    if (bounded) {
#ifdef LRTC_BOUNDED
        for (int n = 0; n < images; n++) {
            tiny_send(x + n * 16, s_axis);
        }
        tiny_bounded(images, s_axis, m_axis);
        for (int n = 0; n < images; n++) {
            wrong += tiny_take(y + n * 3, m_axis);
        }
#else
        std::fprintf(stderr, "built without LRTC_BOUNDED\n");
        wrong++;
#endif
        return wrong;
    }
    for (int n = 0; n < images; n++) {
        tiny_send(x + n * 16, s_axis);
        tiny(s_axis, m_axis);
        wrong += tiny_take(y + n * 3, m_axis);
    }
    return wrong;
}

#ifndef LRTC_NO_MAIN
int main()
{
#ifdef LRTC_BOUNDED
    const bool bounded = true;
#else
    const bool bounded = false;
#endif
    static int y[2][3];
    int wrong = tiny_answers(&tiny_x[0][0], &y[0][0], 2, bounded);
    if (wrong != 0) std::printf("TLAST is not where it belongs, %d times\n", wrong);
    for (int n = 0; n < 2; n++) {
        for (int k = 0; k < 3; k++) {
            if (y[n][k] == tiny_y[n][k]) continue;
            std::printf("image %d, value %d: want %d, got %d\n", n, k, tiny_y[n][k], y[n][k]);
            wrong++;
        }
    }
    std::printf("%s: %s, 2 images\n", "tiny", wrong == 0 ? "PASS" : "FAIL");
    return wrong == 0 ? 0 : 1;
}
#endif
