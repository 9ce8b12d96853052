/* lrtc_read_t2.h: one packed ternary value. */

/* Element c of a pixel x[2 * words], mask (1 = not 0) and sign (1 = -1) in turn: -1, 0 or +1. */
static inline int32_t lrtc_read_t2(const uint32_t *x, uint32_t c)
{
    const uint32_t *pair = x + ((c >> 5) << 1);
    const uint32_t mask = (pair[0] >> (c & 31u)) & 1u, sign = (pair[1] >> (c & 31u)) & 1u;
    return (int32_t)mask - (int32_t)(sign << 1);
}
