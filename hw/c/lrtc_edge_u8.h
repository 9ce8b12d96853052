/* lrtc_edge_u8.h: a piece of a row of an image that may lie outside it. */

/* Copy `span` pixels of `depth` bytes from column `col` of row `row` of x [rows][cols][depth]; 0 outside the image, where
   row and col may have wrapped below 0. */
static inline void lrtc_edge_u8(uint8_t *out, const uint8_t *x, uint32_t rows, uint32_t cols, uint32_t depth,
                                uint32_t row, uint32_t col, uint32_t span)
{
    uint32_t i;
    for (; span != 0u; span--, col++) {
        const int inside = row < rows && col < cols;
        const uint8_t *pixel = inside ? x + (row * cols + col) * depth : x;
        for (i = 0; i < depth; i++) {
            *out++ = inside ? pixel[i] : (uint8_t)0;
        }
    }
}
