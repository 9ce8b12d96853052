/* lrtc_list_t2.h: the ternary inputs that are +1, or those that are -1. */

/* List the inputs of x [pixels][words of 32 channels] (mask and sign in turn) that are -1 if `minus`, else those that
   are +1; return how many there are. */
LRTC_APART uint32_t lrtc_list_t2(lrtc_uint16 *list, const uint32_t *x, uint32_t pixels, uint32_t channels, uint32_t minus)
{
    const uint32_t words = pixels * ((channels + 31u) >> 5);
    lrtc_uint16 *end = list;
    uint32_t i, left = 0, offset = 0, n;
    for (i = 0; i < words; i++, x += 2) {
        uint32_t lanes;
        left = left == 0u ? channels : left;
        lanes = left < 32u ? left : 32u;
        end = lrtc_list_word(end, minus != 0u ? x[1] : x[0] ^ x[1], lanes, offset);
        offset += lanes << 2;
        left -= lanes;
    }
    n = (uint32_t)(end - list);
    lrtc_list_fill(list, n, offset);
    return n;
}
