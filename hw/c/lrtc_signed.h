/* lrtc_signed.h: from arithmetic modulo 2^32 back to a signed integer. */

/* The int32_t congruent to v; the conversion by a cast alone is left to the compiler's choice above 0x7fffffff. */
static inline int32_t lrtc_signed(uint32_t v)
{
    return v <= 0x7fffffffu ? (int32_t)v : -(int32_t)(0xffffffffu - v) - 1;
}
