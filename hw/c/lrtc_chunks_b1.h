/* lrtc_chunks_b1.h: tables for bipolar weights. */

/* Tables [16][8 chunks][2] of a word of each of 16 windows, `step` words apart: how many of a chunk's four lanes agree with
   bipolar weights (1 = -1), as in lrtc_count_b1.h. */
LRTC_APART void lrtc_chunks_b1(uint32_t *tables, const uint32_t *x, uint32_t step)
{
    uint32_t half, chunk;
    for (half = 0; half < 2u; half++, x += step << 3) {
        uint32_t y[8], *t = tables + half;
        lrtc_turn_nibbles(y, x, step);
        for (chunk = 0; chunk < 8u; chunk++, t += 2) {
            const uint32_t lanes = y[chunk];
            const uint32_t pairs = (lanes & 0x55555555u) + (lanes >> 1 & 0x55555555u);
            const uint32_t ones = 0x11111111u, twos = 0x22222222u;
            t[0] = (pairs & 0x33333333u) + (pairs >> 2 & 0x33333333u);
            /* a weight -1 takes away what agreed and adds what did not: 1 - 2 * lane */
            LRTC_MORE1(t, 16, 0, 1, ones - (lanes << 1 & twos));
            LRTC_MORE2(t, 16, 0, 2, ones - (lanes & twos));
            LRTC_MORE4(t, 16, 0, 4, ones - (lanes >> 1 & twos));
            LRTC_MORE8(t, 16, 0, 8, ones - (lanes >> 2 & twos));
        }
    }
}

/* Add to the counts of all outputs what n (1..7) words of weights look up; an output's weights are `width` words. */
LRTC_APART void lrtc_look_b1(uint32_t *counts, const uint32_t *tables, const LRTC_ROM uint32_t *w, uint32_t outputs,
                             uint32_t n, uint32_t width)
{
    uint32_t mask = 0x0f0f0f0fu, entry = 15u << 6;
    LRTC_KEEP(entry);
    LRTC_KEEP(mask); /* in registers an AND takes a shift with it */
    for (; outputs != 0u; outputs--, counts += 8, w += width - n) {
        const uint32_t *t = tables;
        const LRTC_ROM uint32_t *const end = w + n;
        uint32_t all0 = 0, all1 = 0, odd0 = 0, odd1 = 0, low = 0, high = 0;
        do {
            const uint32_t v = *w++;
            LRTC_LOOK(v, 0, 6, 0);
            LRTC_LOOK(v, 4, 6, 2);
            LRTC_LOOK(v, 8, 6, 4);
            LRTC_WIDEN;
            LRTC_LOOK(v, 12, 6, 6);
            LRTC_LOOK(v, 16, 6, 8);
            LRTC_LOOK(v, 20, 6, 10);
            LRTC_WIDEN;
            LRTC_LOOK(v, 24, 6, 12);
            LRTC_LOOK(v, 28, 6, 14);
            LRTC_WIDEN;
            t += 256;
        } while (w != end);
        lrtc_add_counts(counts, all0, odd0);
        lrtc_add_counts(counts + 4, all1, odd1);
    }
}
