/* lrtc_count_t2.h: masked XNOR-popcount. */

/* Number of lanes where an activation agrees with a non-zero ternary weight: x[n] (1 = +1), w[2n] = mask (1 = not 0)
   and sign (1 = -1) in turn, so agreement is mask & (x ^ sign). Tail lanes have mask 0. The dot product with k
   non-zero weights is 2 * count - k. */
LRTC_INLINE lrtc_count_t2(const uint32_t *x, const LRTC_ROM uint32_t *w, uint32_t n)
{
#define LRTC_MATCH_T2(i) (w[2 * (i)] & (x[i] ^ w[2 * (i) + 1]))
    if (LRTC_HAS_POPCOUNT) {
        uint32_t total = 0;
        for (; n != 0u; n--, w += 2) {
            total += popcount32(w[0] & (*x++ ^ w[1]));
        }
        return total;
    }
    LRTC_COUNT(LRTC_MATCH_T2, n, 1, 2);
#undef LRTC_MATCH_T2
}
