/* lrtc_lift_wide.h: packed pixels to planes of more than 32 lanes, with words of zeros around them. */

/* Set planes [channels][stride words of 32 pixels] from x [pixels][depth words], pixel 0 in word `first`; all others are
   0. square: 32 planes of scratch. */
LRTC_APART void lrtc_lift_wide(uint32_t *planes, uint32_t stride, uint32_t first, const uint32_t *x, uint32_t pixels,
                               uint32_t depth, uint32_t channels, lrtc_plane *square)
{
    uint32_t *const words = (uint32_t *)square;
    uint32_t i, c, at;
    for (i = 0; i < channels * stride; i++) {
        planes[i] = 0;
    }
    for (at = 0; at < pixels; at += LRTC_LANES, first += LRTC_PARTS) {
        for (c = 0; c < channels; c++) {
            if ((c & 31u) == 0u) {
                const uint32_t *pixel = x + at * depth + (c >> 5);
                for (i = 0; i < LRTC_LANES && at + i < pixels; i++) {
                    words[LRTC_TURNED(i)] = *pixel;
                    pixel += depth;
                }
                for (; i < LRTC_LANES; i++) {
                    words[LRTC_TURNED(i)] = 0;
                }
                lrtc_transpose(square);
            }
            *(lrtc_plane *)(planes + c * stride + first) = square[c & 31u];
        }
    }
}
