/* lrtc_pairs_b1.h: ternary activations, bipolar weights. */

/* Number of lanes not 0 that differ in sign from the weight: x[2n], w[n] (1 = -1). With k lanes not 0 the dot product
   is k - 2 * count. */
LRTC_INLINE lrtc_pairs_b1(const uint32_t *x, const LRTC_ROM uint32_t *w, uint32_t n)
{
#define LRTC_MATCH_PAIR(i) (x[2 * (i)] & (x[2 * (i) + 1] ^ w[i]))
    if (LRTC_HAS_POPCOUNT) {
        uint32_t total = 0;
        for (; n != 0u; n--, x += 2, w++) {
            total += popcount32(LRTC_MATCH_PAIR(0));
        }
        return total;
    }
    LRTC_COUNT(LRTC_MATCH_PAIR, n, 2, 1);
#undef LRTC_MATCH_PAIR
}
