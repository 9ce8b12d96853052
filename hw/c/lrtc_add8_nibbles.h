/* lrtc_add8_nibbles.h: the sum of listed planes, eight at a time; carries are kept for later; a list of half bytes. */

/* Add the planes of n words to the counter of 3 bits in slots[0..2]; carries[0..n-1] become its overflows, of weight 8.
   A word is eight steps of four bits, the lowest first: slots from one plane to the next, at first from slots[2]. */
LRTC_APART void lrtc_add8_nibbles(lrtc_plane *carries, const LRTC_ROM uint32_t *list, uint32_t n, lrtc_plane *slots)
{
    lrtc_plane ones = slots[0], twos = slots[1], fours = slots[2];
    const lrtc_plane *place = slots + 2;
#define LRTC_STEP(i) *(place += (steps >> (4 * (i))) & 15u)
#define LRTC_PAIR(carry, i)                          \
    do {                                             \
        const lrtc_plane first_ = LRTC_STEP(i);        \
        const lrtc_plane second_ = LRTC_STEP((i) + 1); \
        LRTC_ADD3(carry, ones, first_, second_);     \
    } while (0)
    for (; n != 0u; n--) {
        const uint32_t steps = *list++;
        lrtc_plane p, q, carry;
        LRTC_PAIR(p, 0);
        LRTC_PAIR(q, 2);
        LRTC_ADD3(carry, twos, p, q);
        LRTC_PAIR(p, 4);
        LRTC_PAIR(q, 6);
        LRTC_ADD3(p, twos, p, q);
        LRTC_ADD3(carry, fours, carry, p);
        *carries++ = carry;
    }
#undef LRTC_STEP
#undef LRTC_PAIR
    slots[0] = ones;
    slots[1] = twos;
    slots[2] = fours;
}
