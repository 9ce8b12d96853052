/* lrtc_read_b1.h: one packed bipolar value. */

/* Element c of a pixel: +1 or -1. */
static inline int32_t lrtc_read_b1(const uint32_t *x, uint32_t c)
{
    return (int32_t)(((x[c >> 5] >> (c & 31u)) & 1u) << 1) - 1;
}
