/* lrtc_rows.h: bit-sliced counters: bit j of planes[b] is bit b of what lane j has counted. Rows of weights, one bit an
   output, are added by carry-save adders; carries are put aside and added in turn, so that few counters live at once. */

/* Start k planes of counters at `start`, the same in every lane. */
static inline void lrtc_start(uint32_t *planes, uint32_t k, uint32_t start)
{
    for (; k != 0u; k--, start >>= 1) {
        *planes++ = 0u - (start & 1u);
    }
}

/* Invert k planes: what is added to the counters then is subtracted, once they are inverted again. */
static inline void lrtc_invert(uint32_t *planes, uint32_t k)
{
    for (; k != 0u; k--, planes++) {
        *planes = ~*planes;
    }
}

/* Add n words, each a bit a lane, to counters of k planes; modulo 2^k. `words` are used up, and room for up to 7 more
   words behind them. */
LRTC_APART void lrtc_add_words(uint32_t *planes, uint32_t k, uint32_t *words, uint32_t n)
{
    for (; k >= 3u && n > 1u; k -= 3u, planes += 3) {
        const uint32_t *from = words;
        uint32_t *to = words;
        uint32_t ones = planes[0], twos = planes[1], fours = planes[2], carry;
        for (; (n & 7u) != 0u; n++) {
            words[n] = 0;
        }
        n >>= 3;
#define LRTC_WORD(i) from[i]
        for (; to != words + n; from += 8) {
            LRTC_ADD8(carry, LRTC_WORD);
            *to++ = carry;
        }
#undef LRTC_WORD
        planes[0] = ones;
        planes[1] = twos;
        planes[2] = fours;
    }
    for (; n != 0u; n--) {
        uint32_t b, carry = *words++;
        for (b = 0; b < k; b++) {
            const uint32_t both = planes[b] & carry;
            planes[b] ^= carry;
            carry = both;
        }
    }
}

/* The lanes whose counters of k planes have reached levels that are given as inverted planes. */
LRTC_INLINE lrtc_reached(const uint32_t *planes, const LRTC_ROM uint32_t *inverted, uint32_t k)
{
    uint32_t carry = 0xffffffffu; /* of counter + ~level + 1 */
    for (; k != 0u; k--) {
        const uint32_t level = *inverted++;
        carry = level ^ ((*planes++ ^ level) & (level ^ carry));
    }
    return carry;
}

/* The counter of one lane. */
LRTC_INLINE lrtc_lane(const uint32_t *planes, uint32_t k, uint32_t lane)
{
    uint32_t count = 0;
    while (k != 0u) {
        count = (count << 1) | ((planes[--k] >> lane) & 1u);
    }
    return count;
}
