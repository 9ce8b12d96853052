/* lrtc_wide_t2.h: masked XNOR-popcount of several outputs at once. */

/* Set sums[groups] to the lanes where x[n] (1 = +1) agrees with the weights that are not 0: w[groups][n], the masks (1 = not
   0) of the outputs side by side, then their signs (1 = -1). */
LRTC_APART void lrtc_wide_t2(lrtc_plane *sums, const uint32_t *x, const LRTC_ROM lrtc_plane *w, uint32_t n, uint32_t groups)
{
    uint32_t k;
#define LRTC_WIDE_T2(i) (w[2 * (i)] & (LRTC_EACH(x[i]) ^ w[2 * (i) + 1]))
    LRTC_WIDE(LRTC_WIDE_T2, 2)
#undef LRTC_WIDE_T2
}
