/* lrtc_spot.h: a position of the output. */
typedef struct {
    uint32_t row, col;
} lrtc_spot;

/* The position a block of pixels on, in rows of `cols`. */
static inline lrtc_spot lrtc_next(lrtc_spot at, uint32_t cols)
{
    for (at.col += LRTC_LANES; at.col >= cols; at.col -= cols) {
        at.row++;
    }
    return at;
}
