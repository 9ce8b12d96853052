/* lrtc_rows_t2.h: rows of ternary weights, which count w + 1: one bit for w = 1, one for w >= 0. */

/* Count in k planes (room for 3 at least) the rows [2][rows] whose n offsets are listed. words: room for n / 4 + 8. */
LRTC_APART void lrtc_add_rows_t2(uint32_t *planes, uint32_t k, uint32_t *words, const LRTC_ROM uint32_t *plus,
                                 const LRTC_ROM uint32_t *not_minus, const lrtc_uint16 *list, uint32_t n)
{
    const uint32_t groups = (n + 3u) >> 2;
    uint32_t ones = planes[0], twos = planes[1], fours = planes[2], carry, i;
#define LRTC_ROW(i) (*(const LRTC_ROM uint32_t *)((const LRTC_ROM uint8_t *)((i) & 1 ? not_minus : plus) + list[(i) >> 1]))
    for (i = 0; i < groups; i++, list += 4) {
        LRTC_ADD8(carry, LRTC_ROW);
        words[i] = carry;
    }
#undef LRTC_ROW
    planes[0] = ones;
    planes[1] = twos;
    planes[2] = fours;
    if (k > 3u) {
        lrtc_add_words(planes + 3, k - 3u, words, groups);
    }
}
