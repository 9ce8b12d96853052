/* lrtc_add16_far.h: the sum of listed planes, sixteen at a time; carries are kept for later. */

/* Add the planes of n records to the counter of 4 bits in slots[0..3]; carries[0..n-1] become its overflows, of weight
   16. A record is 17 bytes: slots from the place of the record before to its own, then 16 distances from there, in slots. */
LRTC_APART void lrtc_add16_far(uint32_t *carries, const uint8_t *list, uint32_t n, uint32_t *slots)
{
    uint32_t ones = slots[0], twos = slots[1], fours = slots[2], eights = slots[3];
    const uint32_t *place = slots;
#define LRTC_LISTED(i) place[list[(i) + 1]]
#define LRTC_PAIR(carry, i)                                              \
    do {                                                                 \
        LRTC_ADD3(carry, ones, LRTC_LISTED(i), LRTC_LISTED((i) + 1));    \
        LRTC_IN_ORDER;                                                   \
    } while (0)
    for (; n != 0u; n--, list += 17) {
        uint32_t a, b, p, q;
        place += list[0];
        LRTC_PAIR(p, 0);
        LRTC_PAIR(q, 2);
        LRTC_ADD3(a, twos, p, q);
        LRTC_PAIR(p, 4);
        LRTC_PAIR(q, 6);
        LRTC_ADD3(p, twos, p, q);
        LRTC_ADD3(a, fours, a, p);
        LRTC_PAIR(p, 8);
        LRTC_PAIR(q, 10);
        LRTC_ADD3(b, twos, p, q);
        LRTC_PAIR(p, 12);
        LRTC_PAIR(q, 14);
        LRTC_ADD3(p, twos, p, q);
        LRTC_ADD3(b, fours, b, p);
        LRTC_ADD3(a, eights, a, b);
        *carries++ = a;
    }
#undef LRTC_LISTED
#undef LRTC_PAIR
    slots[0] = ones;
    slots[1] = twos;
    slots[2] = fours;
    slots[3] = eights;
}
