/* lrtc_chunks_t2.h: tables for ternary weights. */

/* Tables [16][8 chunks][2][2] of a word of each of 16 windows, `step` words apart: how many lanes are +1 among some of a
   chunk's four, and how many are -1. */
LRTC_APART void lrtc_chunks_t2(uint32_t *tables, const uint32_t *x, uint32_t step)
{
    uint32_t half, chunk;
    for (half = 0; half < 2u; half++, x += step << 3) {
        uint32_t y[8], *t = tables + half;
        lrtc_turn_nibbles(y, x, step);
        for (chunk = 0; chunk < 8u; chunk++, t += 4) {
            const uint32_t lanes = y[chunk], ones = 0x11111111u;
            t[0] = t[2] = 0;
            LRTC_MORE1(t, 32, 0, 1, lanes & ones);
            LRTC_MORE2(t, 32, 0, 2, lanes >> 1 & ones);
            LRTC_MORE4(t, 32, 0, 4, lanes >> 2 & ones);
            LRTC_MORE8(t, 32, 0, 8, lanes >> 3 & ones);
            LRTC_MORE1(t + 2, 32, 0, 1, ~lanes & ones);
            LRTC_MORE2(t + 2, 32, 0, 2, ~lanes >> 1 & ones);
            LRTC_MORE4(t + 2, 32, 0, 4, ~lanes >> 2 & ones);
            LRTC_MORE8(t + 2, 32, 0, 8, ~lanes >> 3 & ones);
        }
    }
}

/* Add to the counts of all outputs what n (1..7) pairs of words of weights, mask and sign, look up; an output's weights are
   `width` words. */
LRTC_APART void lrtc_look_t2(uint32_t *counts, const uint32_t *tables, const LRTC_ROM uint32_t *w, uint32_t outputs,
                             uint32_t n, uint32_t width)
{
#define LRTC_LOOK_BOTH(shift, at)                                                                 \
    do {                                                                                          \
        LRTC_LOOK(plus, shift, 7, at);                                                            \
        LRTC_LOOK(minus, shift, 7, (at) + 2);                                                     \
    } while (0)
    uint32_t mask = 0x0f0f0f0fu, entry = 15u << 7;
    LRTC_KEEP(entry);
    LRTC_KEEP(mask); /* in registers an AND takes a shift with it */
    for (; outputs != 0u; outputs--, counts += 8, w += width - 2u * n) {
        const uint32_t *t = tables;
        const LRTC_ROM uint32_t *const end = w + 2u * n;
        uint32_t all0 = 0, all1 = 0, odd0 = 0, odd1 = 0, low = 0, high = 0;
        do {
            const uint32_t minus = w[1], plus = w[0] ^ minus;
            w += 2;
            LRTC_LOOK_BOTH(0, 0);
            LRTC_LOOK_BOTH(4, 4);
            LRTC_LOOK_BOTH(8, 8);
            LRTC_WIDEN;
            LRTC_LOOK_BOTH(12, 12);
            LRTC_LOOK_BOTH(16, 16);
            LRTC_LOOK_BOTH(20, 20);
            LRTC_WIDEN;
            LRTC_LOOK_BOTH(24, 24);
            LRTC_LOOK_BOTH(28, 28);
            LRTC_WIDEN;
            t += 512;
        } while (w != end);
        lrtc_add_counts(counts, all0, odd0);
        lrtc_add_counts(counts + 4, all1, odd1);
    }
#undef LRTC_LOOK_BOTH
}
