/* lrtc_count.h: carry-save counting of ones over many words (Harley-Seal; Mula, Kurz, Lemire, 2016).
   Lane j of (ones, twos, fours, eights) is a binary counter of the ones seen in lane j. */

/* What the adders work on: words, or planes of pixels where there are these (lrtc_lanes.h). */
#define LRTC_LANE uint32_t

/* Full adder on 32 lanes: sum takes in a and b, carry has twice its weight. Thumb-1 has operations of two operands and
   eight registers: there each is spelled out, and kept as it is, five with no move and none torn apart. */
#if defined(__GNUC__) && defined(__thumb__) && !defined(__thumb2__) && !defined(LRTC_LANES)
#define LRTC_ADD3(carry, sum, a, b)                  \
    do {                                             \
        uint32_t a_ = (a);                           \
        uint32_t t_ = (b);                           \
        t_ ^= a_;                                    \
        __asm__("" : "+l"(t_));                      \
        a_ ^= sum;                                   \
        __asm__("" : "+l"(a_));                      \
        a_ &= ~t_;                                   \
        a_ ^= sum;                                   \
        __asm__("" : "+l"(a_));                      \
        sum ^= t_;                                   \
        __asm__("" : "+r"(sum));                     \
        carry = a_;                                  \
    } while (0)
#else
#define LRTC_ADD3(carry, sum, a, b)                  \
    do {                                             \
        const LRTC_LANE a_ = (a);                    \
        const LRTC_LANE t_ = a_ ^ (b);               \
        carry = a_ ^ (t_ & (a_ ^ sum));              \
        sum ^= t_;                                   \
    } while (0)
#endif

/* Eight words MATCH(0) .. MATCH(7) into the counters; carry leaves with weight 8. */
#define LRTC_ADD8(carry, MATCH)                      \
    do {                                             \
        LRTC_LANE p_, q_, r_;                        \
        LRTC_ADD3(p_, ones, MATCH(0), MATCH(1));     \
        LRTC_ADD3(q_, ones, MATCH(2), MATCH(3));     \
        LRTC_ADD3(r_, twos, p_, q_);                 \
        LRTC_ADD3(p_, ones, MATCH(4), MATCH(5));     \
        LRTC_ADD3(q_, ones, MATCH(6), MATCH(7));     \
        LRTC_ADD3(p_, twos, p_, q_);                 \
        LRTC_ADD3(carry, fours, r_, p_);             \
    } while (0)

/* popcount(ones) + 2 popcount(twos) + 4 popcount(fours) + 8 popcount(eights), in one go: no field overflows,
   a nibble holds at most 4 + 8, a byte at most 24 + 4 * 24, the halves at most 240 each. */
static inline uint32_t lrtc_weigh(uint32_t ones, uint32_t twos, uint32_t fours, uint32_t eights)
{
    uint32_t low = lrtc_nibbles(ones) + (lrtc_nibbles(twos) << 1);
    uint32_t high = lrtc_nibbles(fours) + (lrtc_nibbles(eights) << 1);
    low = (low & 0x0f0f0f0fu) + ((low >> 4) & 0x0f0f0f0fu);
    high = (high & 0x0f0f0f0fu) + ((high >> 4) & 0x0f0f0f0fu);
    low += high << 2;
    low = (low & 0x00ff00ffu) + ((low >> 8) & 0x00ff00ffu);
    return (low + (low >> 16)) & 0xffffu;
}

/* Return the ones in the words MATCH(0) .. MATCH(n - 1) of x and w, which move by x_step and w_step a word. */
#define LRTC_COUNT(MATCH, n, x_step, w_step)                                     \
    do {                                                                         \
        uint32_t ones = 0, twos = 0, fours = 0, eights = 0, total = 0, k, a, b;  \
        if (((n) & 1u) != 0u) {                                                  \
            ones = MATCH(0);                                                     \
            x += (x_step);                                                       \
            w += (w_step);                                                       \
        }                                                                        \
        if (((n) & 2u) != 0u) {                                                  \
            LRTC_ADD3(twos, ones, MATCH(0), MATCH(1));                           \
            x += 2 * (x_step);                                                   \
            w += 2 * (w_step);                                                   \
        }                                                                        \
        if (((n) & 4u) != 0u) {                                                  \
            LRTC_ADD3(a, ones, MATCH(0), MATCH(1));                              \
            LRTC_ADD3(b, ones, MATCH(2), MATCH(3));                              \
            LRTC_ADD3(fours, twos, a, b);                                        \
            x += 4 * (x_step);                                                   \
            w += 4 * (w_step);                                                   \
        }                                                                        \
        if (((n) & 8u) != 0u) {                                                  \
            LRTC_ADD8(eights, MATCH);                                            \
            x += 8 * (x_step);                                                   \
            w += 8 * (w_step);                                                   \
        }                                                                        \
        for (k = (n) >> 4; k != 0u; k--) {                                       \
            LRTC_ADD8(a, MATCH);                                                 \
            x += 8 * (x_step);                                                   \
            w += 8 * (w_step);                                                   \
            LRTC_ADD8(b, MATCH);                                                 \
            x += 8 * (x_step);                                                   \
            w += 8 * (w_step);                                                   \
            LRTC_ADD3(a, eights, a, b);                                          \
            total += popcount32(a);                                              \
        }                                                                        \
        return (total << 4) + lrtc_weigh(ones, twos, fours, eights);             \
    } while (0)
