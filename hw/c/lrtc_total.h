/* lrtc_total.h: the sum of all planes. */

/* Set total[0..bits-1] to the complement of the sum of n planes, a multiple of 16; carries: n / 16 words of scratch. */
LRTC_APART void lrtc_total(uint32_t *total, uint32_t bits, const uint32_t *planes, uint32_t n, uint32_t *carries)
{
    uint32_t ones = 0, twos = 0, fours = 0, eights = 0, a, i, end = 0;
#define LRTC_PLANE(i) planes[i]
    for (; n != 0u; n -= 16u, planes += 16) {
        LRTC_ADD16(a, LRTC_PLANE);
        carries[end++] = a;
    }
#undef LRTC_PLANE
    total[0] = ~ones;
    total[1] = ~twos;
    total[2] = ~fours;
    total[3] = ~eights;
    for (i = 4; i < bits; i++) { /* a bit at a time: three planes become one, and one of twice the weight */
        uint32_t sum = 0, next = 0, k = 0;
        for (; k + 1u < end; k += 2) {
            LRTC_ADD3(a, sum, carries[k], carries[k + 1u]);
            carries[next++] = a;
        }
        if (k < end) {
            LRTC_ADD2(a, sum, carries[k]);
            carries[next++] = a;
        }
        total[i] = ~sum;
        end = next;
    }
}
