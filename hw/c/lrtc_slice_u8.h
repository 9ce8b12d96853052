/* lrtc_slice_u8.h: bytes as bit-planes. */

/* Slice x[n] into `out` [planes][words], words = ceil(n / 32): lane i of plane b is bit b of x[i]; tail lanes are 0. */
static inline void lrtc_slice_u8(uint32_t *out, const uint8_t *x, uint32_t n, uint32_t planes)
{
    uint32_t b, i, lane;
    for (b = 0; b < planes; b++) {
        for (i = 0; i < n; i += 32u) {
            const uint32_t lanes = n - i < 32u ? n - i : 32u;
            uint32_t bits = 0;
            for (lane = 0; lane < lanes; lane++) {
                bits |= (((uint32_t)x[i + lane] >> b) & 1u) << lane;
            }
            *out++ = bits;
        }
    }
}
