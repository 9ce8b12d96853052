/* lrtc_gather_u8.h: the bytes under a window. */

/* Copy the window at output position (oy, ox) to `out` [kernel_rows][kernel_cols][depth]; taps outside the image are 0. */
static inline void lrtc_gather_u8(uint8_t *out, const uint8_t *x, const LRTC_ROM lrtc_window *v, uint32_t oy, uint32_t ox)
{
    uint32_t ky, kx, i;
    for (ky = 0; ky < v->kernel_rows; ky++) {
        const uint32_t row = oy * v->stride_rows + ky * v->dilate_rows - v->top; /* wraps to a large number above the image */
        for (kx = 0; kx < v->kernel_cols; kx++) {
            const uint32_t col = ox * v->stride_cols + kx * v->dilate_cols - v->left;
            const int inside = row < v->rows && col < v->cols;
            const uint8_t *pixel = inside ? x + (row * v->cols + col) * v->depth : x;
            for (i = 0; i < v->depth; i++) {
                *out++ = inside ? pixel[i] : (uint8_t)0;
            }
        }
    }
}
