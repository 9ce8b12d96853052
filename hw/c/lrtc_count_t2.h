/* lrtc_count_t2.h: masked XNOR-popcount. */

/* Number of lanes where an activation agrees with a non-zero ternary weight: x[n] (1 = +1), w[2n] = mask (1 = not 0)
   and sign (1 = -1) in turn, so agreement is mask & (x ^ sign). Tail lanes have mask 0. The dot product with k
   non-zero weights is 2 * count - k. */
LRTC_INLINE lrtc_count_t2(const uint32_t *x, const uint32_t *w, uint32_t n)
{
    uint32_t ones = 0, twos = 0, fours = 0, eights = 0, total = 0, a, b;
#define LRTC_MATCH_T2(i) (w[2 * (i)] & (x[i] ^ w[2 * (i) + 1]))
    if (LRTC_HAS_POPCOUNT) {
        for (; n != 0u; n--, w += 2) {
            total += popcount32(w[0] & (*x++ ^ w[1]));
        }
        return total;
    }
    if ((n & 1u) != 0u) {
        ones = LRTC_MATCH_T2(0);
        x += 1;
        w += 2;
    }
    if ((n & 2u) != 0u) {
        LRTC_ADD3(twos, ones, LRTC_MATCH_T2(0), LRTC_MATCH_T2(1));
        x += 2;
        w += 4;
    }
    if ((n & 4u) != 0u) {
        LRTC_ADD3(a, ones, LRTC_MATCH_T2(0), LRTC_MATCH_T2(1));
        LRTC_ADD3(b, ones, LRTC_MATCH_T2(2), LRTC_MATCH_T2(3));
        LRTC_ADD3(fours, twos, a, b);
        x += 4;
        w += 8;
    }
    if ((n & 8u) != 0u) {
        LRTC_ADD8(eights, LRTC_MATCH_T2);
        x += 8;
        w += 16;
    }
    for (n >>= 4; n != 0u; n--) {
        LRTC_ADD8(a, LRTC_MATCH_T2);
        x += 8;
        w += 16;
        LRTC_ADD8(b, LRTC_MATCH_T2);
        x += 8;
        w += 16;
        LRTC_ADD3(a, eights, a, b);
        total += popcount32(a);
    }
    return (total << 4) + lrtc_weigh(ones, twos, fours, eights);
#undef LRTC_MATCH_T2
}
