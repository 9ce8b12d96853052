/* lrtc_pairs.h: ones in the words of ternary activations x[2n]: mask (1 = not 0) and sign (1 = -1) in turn. */

/* Number of lanes that are not 0. */
LRTC_INLINE lrtc_nonzero(const uint32_t *x, uint32_t n)
{
    uint32_t total = 0;
    for (; n != 0u; n--, x += 2) {
        total += popcount32(*x);
    }
    return total;
}
