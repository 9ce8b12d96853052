/* lrtc_word.h: 32 lanes in a word. C99, unsigned shifts only; without a popcount instruction no library is called. */
#include <stdint.h>

/* Number of ones in each nibble (0..4). */
static inline uint32_t lrtc_nibbles(uint32_t v)
{
    v -= (v >> 1) & 0x55555555u;
    return (v & 0x33333333u) + ((v >> 2) & 0x33333333u);
}

#if defined(__POPCNT__) || defined(__aarch64__) || (defined(__riscv_zbb) && defined(__GNUC__))
enum { LRTC_HAS_POPCOUNT = 1 };

/* Number of ones, by the instruction. */
static inline uint32_t popcount32(uint32_t v)
{
    return (uint32_t)__builtin_popcount(v);
}
#if defined(__x86_64__)
/* Two words of an array, in registers of 64 bits. */
typedef uint64_t __attribute__((may_alias, aligned(4))) lrtc_both;
#define LRTC_BOTH(p) (*(const lrtc_both *)(const void *)(p))
#define LRTC_POPCOUNT64(v) ((uint32_t)__builtin_popcountll(v))
#endif
#else
enum { LRTC_HAS_POPCOUNT = 0 };

/* Number of ones, without the instruction (Hacker's Delight, 5-1). */
static inline uint32_t popcount32(uint32_t v)
{
    v = lrtc_nibbles(v);
    v = (v + (v >> 4)) & 0x0f0f0f0fu;
    return (v * 0x01010101u) >> 24;
}
#endif
