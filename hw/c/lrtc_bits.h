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

#if defined(__GNUC__) && defined(__thumb__) && !defined(__thumb2__)
#define LRTC_KEEP(value) __asm__ volatile("" : "+r"(value) : : "memory")
#elif defined(__GNUC__)
#define LRTC_KEEP(value) __asm__("" : "+r"(value))
#else
#define LRTC_KEEP(value) ((void)0)
#endif

/* Put the signs of both 16-bit halves of `halves` k (0..15) below the tops of both halves of `bits`, where zeros are. GCC
   would shift before it masks, which takes an instruction more where a shift is free. */
static inline uint32_t lrtc_put_signs(uint32_t bits, uint32_t halves, uint32_t k)
{
    halves &= 0x80008000u;
    LRTC_KEEP(halves);
    bits |= halves >> k;
    LRTC_KEEP(bits);
    return bits;
}
