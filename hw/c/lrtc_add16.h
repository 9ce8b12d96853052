/* lrtc_add16.h: the sum of listed planes, sixteen at a time; carries are kept for later. */

/* Add the planes of n records to the counter of 4 bits in slots[0..3]; carries[0..n-1] become its overflows, of weight
   16. A record is 17 bytes: slots from the place of the record before to its own, then 16 distances from there, in
   quarters of a slot. */
LRTC_APART void lrtc_add16(lrtc_plane *carries, const LRTC_ROM uint8_t *list, uint32_t n, lrtc_plane *slots)
{
    lrtc_plane ones = slots[0], twos = slots[1], fours = slots[2], eights = slots[3];
    const lrtc_plane *place = slots;
#define LRTC_LISTED(i) (*(const lrtc_plane *)(const void *)((const uint8_t *)place + (uintptr_t)list[(i) + 1] * LRTC_PARTS))
    for (; n != 0u; n--, list += 17) {
        lrtc_plane carry;
        place += list[0];
        LRTC_ADD16(carry, LRTC_LISTED);
        *carries++ = carry;
    }
#undef LRTC_LISTED
    slots[0] = ones;
    slots[1] = twos;
    slots[2] = fours;
    slots[3] = eights;
}
