/* lrtc_pad_u8.h: an image in a frame of zeros. */

/* Copy x [rows][length] to `out` [out_rows][out_length] with its corner at (top, left); the rest is 0. */
static inline void lrtc_pad_u8(uint8_t *out, uint32_t out_rows, uint32_t out_length, const uint8_t *x, uint32_t rows,
                               uint32_t length, uint32_t top, uint32_t left)
{
    uint32_t i, row;
    for (i = 0; i < out_rows * out_length; i++) {
        out[i] = 0;
    }
    for (row = 0; row < rows && row + top < out_rows; row++) {
        for (i = 0; i < length && i + left < out_length; i++) {
            out[(row + top) * out_length + left + i] = x[row * length + i];
        }
    }
}
