/* lrtc_pairs_t2.h: ternary activations, ternary weights. */

/* The dot product modulo 2^32: x[2n] and w[2n], both mask (1 = not 0) and sign (1 = -1) in turn. */
LRTC_INLINE lrtc_pairs_t2(const uint32_t *x, const uint32_t *w, uint32_t n)
{
    uint32_t total = 0;
    for (; n != 0u; n--, x += 2, w += 2) {
        const uint32_t both = x[0] & w[0];
        total += popcount32(both) - (popcount32(both & (x[1] ^ w[1])) << 1);
    }
    return total;
}
