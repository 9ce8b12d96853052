/* lrtc_lift.h: packed pixels to planes of 32. */

/* Set planes [words of 32 pixels][channels] from x [pixels][depth words]; as many words again as 32 channels may be
   overwritten behind them. */
LRTC_APART void lrtc_lift(uint32_t *planes, const uint32_t *x, uint32_t pixels, uint32_t depth, uint32_t channels)
{
    uint32_t i, c;
    while (pixels != 0u) {
        const uint32_t n = pixels < 32u ? pixels : 32u;
        for (c = 0; c < channels; c += 32u) {
            const uint32_t *pixel = x + (c >> 5);
            for (i = 0; i < n; i++, pixel += depth) {
                planes[c + i] = *pixel;
            }
            for (; i < 32u; i++) {
                planes[c + i] = 0;
            }
            lrtc_transpose(planes + c);
        }
        planes += channels;
        x += n * depth;
        pixels -= n;
    }
}
