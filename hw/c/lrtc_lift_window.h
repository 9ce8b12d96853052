/* lrtc_lift_window.h: planes of the window of a block of output pixels; taps outside the image are 0. */

/* Set the planes [kernel_rows][kernel_cols][channels, zeros after every 32 and at the end] of the pixels from `at` on,
   in rows of out_cols; up to 31 planes behind them may be overwritten. turned [kernel_rows][kernel_cols][depth]: planes
   that are complemented, or null. */
LRTC_APART void lrtc_lift_window(lrtc_plane *planes, const uint32_t *x, const LRTC_ROM lrtc_window *v, lrtc_spot at,
                                 uint32_t out_cols, uint32_t channels, const LRTC_ROM uint32_t *turned)
{
    uint32_t ky, kx, c, i;
    for (ky = 0; ky < v->kernel_rows; ky++) {
        for (kx = 0; kx < v->kernel_cols; kx++) {
            for (c = 0; c < channels; c += 32u) {
                uint32_t row = at.row * v->stride_rows + ky * v->dilate_rows - v->top, ox = at.col;
                uint32_t col = ox * v->stride_cols + kx * v->dilate_cols - v->left;
                uint32_t *const words = (uint32_t *)planes;
                const uint32_t turn = turned ? *turned++ : 0u;
                for (i = 0; i < LRTC_LANES; i++) {
                    const int inside = row < v->rows && col < v->cols;
                    words[LRTC_TURNED(i)] = turn ^ (inside ? x[(row * v->cols + col) * v->depth + (c >> 5)] : 0u);
                    col += v->stride_cols;
                    if (++ox == out_cols) {
                        ox = 0;
                        col = kx * v->dilate_cols - v->left;
                        row += v->stride_rows;
                    }
                }
                lrtc_transpose(planes);
                planes += channels - c < 32u ? channels - c : 32u;
                *planes++ = LRTC_EACH(0u);
            }
        }
    }
}
