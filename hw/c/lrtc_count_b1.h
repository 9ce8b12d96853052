/* lrtc_count_b1.h: XNOR-popcount. */

/* Number of lanes where an activation agrees with a bipolar weight: x[n] (1 = +1), w[n] (1 = -1), so agreement is
   x ^ w. Tail lanes are 0 in both and count nothing. The dot product of k lanes is 2 * count - k. */
LRTC_INLINE lrtc_count_b1(const uint32_t *x, const uint32_t *w, uint32_t n)
{
    uint32_t ones = 0, twos = 0, fours = 0, eights = 0, total = 0, a, b;
#define LRTC_MATCH_B1(i) (x[i] ^ w[i])
    if (LRTC_HAS_POPCOUNT) {
        for (; n != 0u; n--) {
            total += popcount32(*x++ ^ *w++);
        }
        return total;
    }
    if ((n & 1u) != 0u) {
        ones = LRTC_MATCH_B1(0);
        x += 1;
        w += 1;
    }
    if ((n & 2u) != 0u) {
        LRTC_ADD3(twos, ones, LRTC_MATCH_B1(0), LRTC_MATCH_B1(1));
        x += 2;
        w += 2;
    }
    if ((n & 4u) != 0u) {
        LRTC_ADD3(a, ones, LRTC_MATCH_B1(0), LRTC_MATCH_B1(1));
        LRTC_ADD3(b, ones, LRTC_MATCH_B1(2), LRTC_MATCH_B1(3));
        LRTC_ADD3(fours, twos, a, b);
        x += 4;
        w += 4;
    }
    if ((n & 8u) != 0u) {
        LRTC_ADD8(eights, LRTC_MATCH_B1);
        x += 8;
        w += 8;
    }
    for (n >>= 4; n != 0u; n--) {
        LRTC_ADD8(a, LRTC_MATCH_B1);
        x += 8;
        w += 8;
        LRTC_ADD8(b, LRTC_MATCH_B1);
        x += 8;
        w += 8;
        LRTC_ADD3(a, eights, a, b);
        total += popcount32(a);
    }
    return (total << 4) + lrtc_weigh(ones, twos, fours, eights);
#undef LRTC_MATCH_B1
}
