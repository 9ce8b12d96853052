/* lrtc_drop.h: planes to packed pixels. */

/* Write planes [32] of 32 outputs to a word of each of n pixels of y [.][depth words], turned where flip says so. */
LRTC_APART void lrtc_drop(uint32_t *y, uint32_t depth, uint32_t n, lrtc_plane *planes, uint32_t flip)
{
    const uint32_t *const pixels = (const uint32_t *)planes;
    uint32_t i;
    lrtc_transpose(planes);
    for (i = 0; i < n; i++, y += depth) {
        *y = pixels[LRTC_TURNED(i)] ^ flip;
    }
}
