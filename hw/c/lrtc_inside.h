/* lrtc_inside.h: where the columns of a kernel are inside the image. */

/* Set masks [kernel columns]: the lanes of a block from column `col` on, in rows of `cols`, where the column is inside. */
LRTC_APART void lrtc_inside(lrtc_plane *masks, uint32_t kernel, uint32_t dilate, uint32_t left, uint32_t col, uint32_t cols)
{
    uint32_t k, i;
    for (k = 0; k < kernel; k++) {
        uint32_t *const lanes = (uint32_t *)(masks + k);
        uint32_t at = col;
        masks[k] = LRTC_EACH(0u);
        for (i = 0; i < LRTC_LANES; i++) {
            lanes[LRTC_PART(i)] |= (uint32_t)(at + k * dilate - left < cols) << (i & 31u);
            at = at + 1u == cols ? 0u : at + 1u;
        }
    }
}
