/* lrtc_count_b1.h: XNOR-popcount. */

/* Number of lanes where an activation agrees with a bipolar weight: x[n] (1 = +1), w[n] (1 = -1), so agreement is
   x ^ w. Tail lanes are 0 in both and count nothing. The dot product of k lanes is 2 * count - k. */
LRTC_INLINE lrtc_count_b1(const uint32_t *x, const LRTC_ROM uint32_t *w, uint32_t n)
{
#define LRTC_MATCH_B1(i) (x[i] ^ w[i])
    if (LRTC_HAS_POPCOUNT) {
        uint32_t total = 0;
#if defined(LRTC_POPCOUNT64) /* two words at once: which is first does not matter */
        for (; n > 1u; n -= 2u, x += 2, w += 2) {
            total += LRTC_POPCOUNT64(LRTC_BOTH(x) ^ LRTC_BOTH(w));
        }
#endif
        for (; n != 0u; n--) {
            total += popcount32(*x++ ^ *w++);
        }
        return total;
    }
    LRTC_COUNT(LRTC_MATCH_B1, n, 1, 1);
#undef LRTC_MATCH_B1
}
