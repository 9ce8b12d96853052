/* lrtc_count.h: carry-save counting of ones over many words (Harley-Seal; Mula, Kurz, Lemire, 2016).
   Lane j of (ones, twos, fours, eights) is a binary counter of the ones seen in lane j. */

/* Full adder on 32 lanes: sum takes in a and b, carry has twice its weight. Thumb-1 has operations of two operands and
   eight registers: there each is spelled out, and kept as it is, five with no move and none torn apart. */
#if defined(__GNUC__) && defined(__thumb__) && !defined(__thumb2__)
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
        const uint32_t a_ = (a);                     \
        const uint32_t t_ = a_ ^ (b);                \
        carry = a_ ^ (t_ & (a_ ^ sum));              \
        sum ^= t_;                                   \
    } while (0)
#endif

/* Eight words MATCH(0) .. MATCH(7) into the counters; carry leaves with weight 8. */
#define LRTC_ADD8(carry, MATCH)                      \
    do {                                             \
        uint32_t p_, q_, r_;                         \
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
