/* lrtc_rows_b1.h: rows of bipolar weights. */

/* Count in k planes (room for 3 at least) the rows [words] whose n offsets are listed. words: room for n / 8 + 8. */
LRTC_APART void lrtc_add_rows_b1(uint32_t *planes, uint32_t k, uint32_t *words, const LRTC_ROM uint32_t *rows,
                                 const lrtc_uint16 *list, uint32_t n)
{
    const uint32_t groups = (n + 7u) >> 3;
    uint32_t ones = planes[0], twos = planes[1], fours = planes[2], carry, i;
#define LRTC_ROW(i) (*(const LRTC_ROM uint32_t *)((const LRTC_ROM uint8_t *)rows + list[i]))
    for (i = 0; i < groups; i++, list += 8) {
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
