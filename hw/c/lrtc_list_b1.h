/* lrtc_list_b1.h: the inputs that are +1, or those that are -1 if they are fewer. */

/* List them for x [pixels][words of 32 channels]; return how many there are. *flip: all ones if they are -1, else 0. */
LRTC_APART uint32_t lrtc_list_b1(lrtc_uint16 *list, uint32_t *flip, const uint32_t *x, uint32_t pixels, uint32_t channels)
{
    const uint32_t words = pixels * ((channels + 31u) >> 5), all = pixels * channels;
    lrtc_uint16 *end = list;
    uint32_t i, left = 0, offset = 0, n = 0, invert;
    for (i = 0; i < words; i++) {
        n += popcount32(x[i]);
    }
    invert = n > all >> 1 ? 0xffffffffu : 0u;
    for (i = 0; i < words; i++) {
        uint32_t lanes;
        left = left == 0u ? channels : left;
        lanes = left < 32u ? left : 32u;
        end = lrtc_list_word(end, x[i] ^ invert, lanes, offset);
        offset += lanes << 2;
        left -= lanes;
    }
    n = invert != 0u ? all - n : n;
    lrtc_list_fill(list, n, offset);
    *flip = invert;
    return n;
}
