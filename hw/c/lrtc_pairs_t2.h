/* lrtc_pairs_t2.h: ternary activations, ternary weights. */

/* 32 more than the dot product of each pair of x and w, mask (1 = not 0) and sign (1 = -1): of 2n words, the even ones
   are the lanes whose product is +1, the odd ones those where it is not -1. */
LRTC_INLINE lrtc_pairs_ones(const uint32_t *x, const LRTC_ROM uint32_t *w, uint32_t n)
{
#define LRTC_PRODUCTS(i) (x[(i) & ~1] & w[(i) & ~1])
#define LRTC_MINUS(i) (LRTC_PRODUCTS(i) & (x[(i) | 1] ^ w[(i) | 1]))
#define LRTC_MATCH_PAIRS(i) (((i) & 1) != 0 ? ~LRTC_MINUS(i) : LRTC_PRODUCTS(i) ^ LRTC_MINUS(i))
    LRTC_COUNT(LRTC_MATCH_PAIRS, n, 1, 1);
#undef LRTC_MATCH_PAIRS
#undef LRTC_MINUS
#undef LRTC_PRODUCTS
}

/* The dot product modulo 2^32: x[2n] and w[2n], both mask and sign in turn. */
LRTC_INLINE lrtc_pairs_t2(const uint32_t *x, const LRTC_ROM uint32_t *w, uint32_t n)
{
    uint32_t total = 0;
    if (!LRTC_HAS_POPCOUNT) {
        return lrtc_pairs_ones(x, w, n << 1) - (n << 5);
    }
    for (; n != 0u; n--, x += 2, w += 2) {
        const uint32_t both = x[0] & w[0];
        total += popcount32(both) - (popcount32(both & (x[1] ^ w[1])) << 1);
    }
    return total;
}
