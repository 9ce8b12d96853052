/* lrtc_inside.h: where the columns of a kernel are inside the image. */

/* Set masks [kernel columns]: the lanes of 32 pixels from column `col` on, in rows of `cols`, where the column is inside. */
LRTC_APART void lrtc_inside(uint32_t *masks, uint32_t kernel, uint32_t dilate, uint32_t left, uint32_t col, uint32_t cols)
{
    uint32_t k, i;
    for (k = 0; k < kernel; k++) {
        uint32_t lanes = 0, at = col;
        for (i = 0; i < 32u; i++) {
            lanes |= (uint32_t)(at + k * dilate - left < cols) << i;
            at = at + 1u == cols ? 0u : at + 1u;
        }
        masks[k] = lanes;
    }
}
