/* lrtc_wide_b1.h: XNOR-popcount of several outputs at once. */

/* Set sums[groups] to the lanes where x[n] (1 = +1) agrees with the weights w[groups][n] (1 = -1), a word of each output side
   by side. */
LRTC_APART void lrtc_wide_b1(lrtc_plane *sums, const uint32_t *x, const LRTC_ROM lrtc_plane *w, uint32_t n, uint32_t groups)
{
    uint32_t k;
#define LRTC_WIDE_B1(i) (LRTC_EACH(x[i]) ^ w[i])
    LRTC_WIDE(LRTC_WIDE_B1, 1)
#undef LRTC_WIDE_B1
}
