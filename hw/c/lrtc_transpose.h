/* lrtc_transpose.h: 32 planes turned into 32 words, and back. */

/* Exchange the bits `mask` << shift of a for the bits `mask` of b. */
#define LRTC_EXCHANGE(a, b, shift, mask)             \
    do {                                             \
        const lrtc_plane t_ = ((a >> shift) ^ b) & LRTC_EACH(mask); \
        b ^= t_;                                     \
        a ^= t_ << shift;                            \
    } while (0)

/* Transpose 32 words of 32 bits: bit j of word i goes to bit i of word j (Hacker's Delight, 7-3, two steps at once). Each
   word of a wider plane belongs to a transpose of its own. */
LRTC_APART void lrtc_transpose(lrtc_plane *w)
{
    lrtc_plane a, b, c, d;
    uint32_t i;
    for (i = 0; i < 8u; i++) {
        a = w[i];
        b = w[i + 8u];
        c = w[i + 16u];
        d = w[i + 24u];
        LRTC_EXCHANGE(a, c, 16, 0x0000ffffu);
        LRTC_EXCHANGE(b, d, 16, 0x0000ffffu);
        LRTC_EXCHANGE(a, b, 8, 0x00ff00ffu);
        LRTC_EXCHANGE(c, d, 8, 0x00ff00ffu);
        w[i] = a;
        w[i + 8u] = b;
        w[i + 16u] = c;
        w[i + 24u] = d;
    }
    for (i = 0; i < 8u; i++, w += (i & 1u) != 0u ? 1 : 7) {
        a = w[0];
        b = w[2];
        c = w[4];
        d = w[6];
        LRTC_EXCHANGE(a, c, 4, 0x0f0f0f0fu);
        LRTC_EXCHANGE(b, d, 4, 0x0f0f0f0fu);
        LRTC_EXCHANGE(a, b, 2, 0x33333333u);
        LRTC_EXCHANGE(c, d, 2, 0x33333333u);
        w[0] = a;
        w[2] = b;
        w[4] = c;
        w[6] = d;
    }
    for (i = 0, w -= 32; i < 16u; i++, w += 2) {
        a = w[0];
        b = w[1];
        LRTC_EXCHANGE(a, b, 1, 0x55555555u);
        w[0] = a;
        w[1] = b;
    }
}
