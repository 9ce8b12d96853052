/* lrtc_total.h: the sum of all planes. */

/* Set total[0..bits-1] to the complement of the sum of n planes, a multiple of 16; carries: n / 16 planes of scratch. */
LRTC_APART void lrtc_total(lrtc_plane *total, uint32_t bits, const lrtc_plane *planes, uint32_t n, lrtc_plane *carries)
{
    lrtc_plane ones = LRTC_EACH(0u), twos = ones, fours = ones, eights = ones, a;
    uint32_t i, end = 0;
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
        lrtc_plane sum = LRTC_EACH(0u);
        uint32_t next = 0, k = 0;
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
