/* lrtc_maxpool_b1.h: max-pool of packed bipolar values: the greatest of +-1 is OR, the least is AND. */

/* Pool x to y [out_rows][out_cols][depth words]; taps outside the image are left out. `least` [depth]: lanes that take
   the least value instead of the greatest. */
static inline void lrtc_maxpool_b1(uint32_t *y, uint32_t out_rows, uint32_t out_cols, const uint32_t *x,
                                   const LRTC_ROM lrtc_window *v, const LRTC_ROM uint32_t *least)
{
    uint32_t oy, ox, ky, kx, i;
    for (oy = 0; oy < out_rows; oy++) {
        for (ox = 0; ox < out_cols; ox++) {
            for (i = 0; i < v->depth; i++) {
                uint32_t any = 0, all = 0xffffffffu;
                for (ky = 0; ky < v->kernel_rows; ky++) {
                    const uint32_t row = oy * v->stride_rows + ky - v->top;
                    for (kx = 0; kx < v->kernel_cols; kx++) {
                        const uint32_t col = ox * v->stride_cols + kx - v->left;
                        if (row < v->rows && col < v->cols) {
                            const uint32_t lanes = x[(row * v->cols + col) * v->depth + i];
                            any |= lanes;
                            all &= lanes;
                        }
                    }
                }
                *y++ = any ^ ((any ^ all) & least[i]);
            }
        }
    }
}
