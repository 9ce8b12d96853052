/* lrtc_chunks.h: sixteen windows side by side, a nibble each in two words, and tables of what four weights may give them
   (Arlazarov, Dinic, Kronrod, Faradzev, 1970). An output's counts are eight words of two times 16 bits: of windows 0 and 4,
   2 and 6, 1 and 5, 3 and 7, then the same of windows 8 to 15. */

/* Exchange the bits `mask` << shift of *a for the bits `mask` of *b. */
static inline void lrtc_exchange(uint32_t *a, uint32_t *b, uint32_t shift, uint32_t mask)
{
    const uint32_t t = ((*a >> shift) ^ *b) & mask;
    *b ^= t;
    *a ^= t << shift;
}

/* Nibble c of word x[p * step] goes to nibble p of y[c], for 8 words. */
static inline void lrtc_turn_nibbles(uint32_t *y, const uint32_t *x, uint32_t step)
{
    uint32_t i;
    for (i = 0; i < 8u; i++, x += step) {
        y[i] = *x;
    }
    for (i = 0; i < 4u; i++) {
        lrtc_exchange(y + i, y + i + 4, 16, 0x0000ffffu);
    }
    for (i = 0; i < 8u; i += 4u) {
        lrtc_exchange(y + i, y + i + 2, 8, 0x00ff00ffu);
        lrtc_exchange(y + i + 1, y + i + 3, 8, 0x00ff00ffu);
        lrtc_exchange(y + i, y + i + 1, 4, 0x0f0f0f0fu);
        lrtc_exchange(y + i + 2, y + i + 3, 4, 0x0f0f0f0fu);
    }
}

/* Entries b .. 2b - 1 of a table are entries 0 .. b - 1 with `more` added; t is at a word of the first, `each` words from one
   to the next. */
#define LRTC_MORE1(t, each, p, b, more) (t)[(each) * ((p) + (b))] = (t)[(each) * (p)] + (more)
#define LRTC_MORE2(t, each, p, b, more) LRTC_MORE1(t, each, p, b, more); LRTC_MORE1(t, each, (p) + 1, b, more)
#define LRTC_MORE4(t, each, p, b, more) LRTC_MORE2(t, each, p, b, more); LRTC_MORE2(t, each, (p) + 2, b, more)
#define LRTC_MORE8(t, each, p, b, more) LRTC_MORE4(t, each, p, b, more); LRTC_MORE4(t, each, (p) + 4, b, more)

/* Where entries begin that bits shift .. shift + 3 of v look up, 1 << log bytes from one to the next: in bytes, so that a
   shift and an AND make it. */
#define LRTC_ENTRY(v, shift, log) \
    (((shift) < (log) ? (v) << (((log) - (shift)) & 31) : (v) >> (((shift) - (log)) & 31)) & entry)

/* The words `at` and at + 1 of that entry are added to the nibbles low and high. Those of all chunks lie side by side, so
   that `at` is part of the loads, on Thumb-1 too. */
#define LRTC_LOOK(v, shift, log, at)                                                              \
    do {                                                                                          \
        const uint8_t *b_ = (const uint8_t *)t + LRTC_ENTRY(v, shift, log);                       \
        const uint32_t *q_ = (const uint32_t *)(const void *)b_;                                  \
        LRTC_KEEP(q_);                                                                            \
        low += q_[at];                                                                            \
        high += q_[(at) + 1];                                                                     \
    } while (0)

/* Nibbles hold three chunks at most: they are added to sums all together, and those at odd places alone, in bytes. */
#define LRTC_WIDEN                                                                                \
    do {                                                                                          \
        all0 += low;                                                                              \
        odd0 += mask & low >> 4;                                                                  \
        all1 += high;                                                                             \
        odd1 += mask & high >> 4;                                                                 \
        low = high = 0;                                                                           \
        LRTC_IN_ORDER;                                                                            \
    } while (0)

/* Add a word of nibbles' sums to the counts of an output. */
static inline void lrtc_add_counts(uint32_t *counts, uint32_t all, uint32_t odd)
{
    const uint32_t even = all - (odd << 4);
    counts[0] += even & 0x00ff00ffu;
    counts[1] += even >> 8 & 0x00ff00ffu;
    counts[2] += odd & 0x00ff00ffu;
    counts[3] += odd >> 8 & 0x00ff00ffu;
}
