/* lrtc_bits.h: compare results into words. */

/* Push the sign of `difference` into the top of `bits`; n pushes stand in the top n lanes, the first lowest. */
static inline uint32_t lrtc_push_sign(uint32_t bits, uint32_t difference)
{
    return (bits >> 1) | (difference & 0x80000000u);
}

/* The word that says "not negative" of the n (1..32) values pushed: the first in lane 0, tail lanes 0. */
static inline uint32_t lrtc_not_negative(uint32_t bits, uint32_t n)
{
    return ~bits >> (32u - n);
}

/* Push the signs of both 16-bit halves of `halves` into the tops of both halves of `bits`; 16 pushes fill them. */
static inline uint32_t lrtc_push_signs(uint32_t bits, uint32_t halves)
{
    return (bits >> 1) | (halves & 0x80008000u);
}
