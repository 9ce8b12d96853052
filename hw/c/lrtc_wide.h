/* lrtc_wide.h: a word of each of several outputs side by side, and ones counted in all of them at once. */

/* Ones in every word of a plane: by the instruction, else by arithmetic (Hacker's Delight, 5-1). */
#if defined(__AVX512VPOPCNTDQ__) && defined(__AVX512VL__) && LRTC_LANES == 128
#define LRTC_ONES(v) ((lrtc_plane)_mm_popcnt_epi32((__m128i)(v)))
#elif defined(__AVX512VPOPCNTDQ__) && defined(__AVX512VL__) && LRTC_LANES == 256
#define LRTC_ONES(v) ((lrtc_plane)_mm256_popcnt_epi32((__m256i)(v)))
#elif defined(__AVX512VPOPCNTDQ__) && LRTC_LANES == 512
#define LRTC_ONES(v) ((lrtc_plane)_mm512_popcnt_epi32((__m512i)(v)))
#elif defined(__aarch64__) && defined(__ARM_NEON) && LRTC_LANES == 128
#include <arm_neon.h>
#define LRTC_ONES(v) ((lrtc_plane)vpaddlq_u16(vpaddlq_u8(vcntq_u8((uint8x16_t)(v)))))
#endif
#if !defined(LRTC_ONES) /* macros: not every caller's flags have registers for a vector that is handed over */
#define LRTC_WIDE_NIBBLES(to, from)                  \
    do {                                             \
        lrtc_plane n_ = (from);                      \
        n_ -= (n_ >> 1) & LRTC_EACH(0x55555555u);    \
        to = (n_ & LRTC_EACH(0x33333333u)) + ((n_ >> 2) & LRTC_EACH(0x33333333u)); \
    } while (0)
#define LRTC_WIDE_ADD_ONES(sum, from)                \
    do {                                             \
        lrtc_plane v_;                               \
        LRTC_WIDE_NIBBLES(v_, from);                 \
        v_ = (v_ + (v_ >> 4)) & LRTC_EACH(0x0f0f0f0fu); \
        v_ += v_ >> 8;                               \
        sum += (v_ + (v_ >> 16)) & LRTC_EACH(0x3fu); \
    } while (0)
/* As lrtc_weigh for one word, without the eights: a nibble holds at most 12, a byte at most 24 + 32. */
#define LRTC_WIDE_WEIGH(to, ones, twos, fours)       \
    do {                                             \
        lrtc_plane low_, mid_, high_;                \
        LRTC_WIDE_NIBBLES(low_, ones);               \
        LRTC_WIDE_NIBBLES(mid_, twos);               \
        LRTC_WIDE_NIBBLES(high_, fours);             \
        low_ += mid_ << 1;                           \
        low_ = (low_ & LRTC_EACH(0x0f0f0f0fu)) + ((low_ >> 4) & LRTC_EACH(0x0f0f0f0fu)); \
        high_ = (high_ + (high_ >> 4)) & LRTC_EACH(0x0f0f0f0fu); \
        low_ += high_ << 2;                          \
        low_ += low_ >> 8;                           \
        to = (low_ + (low_ >> 16)) & LRTC_EACH(0xffu); \
    } while (0)
#endif

/* sums[g] = the ones in MATCH(0) .. MATCH(n - 1), each of which takes `step` planes of w; x is the same for all groups. */
#if defined(LRTC_ONES)
#define LRTC_WIDE(MATCH, step)                       \
    for (; groups != 0u; groups--) {                 \
        lrtc_plane total = LRTC_EACH(0u);            \
        for (k = 0; k < n; k++) {                    \
            total += LRTC_ONES(MATCH(0));            \
            x++;                                     \
            w += (step);                             \
        }                                            \
        x -= n;                                      \
        *sums++ = total;                             \
    }
#else
#define LRTC_WIDE(MATCH, step)                       \
    for (; groups != 0u; groups--) {                 \
        lrtc_plane ones = LRTC_EACH(0u), twos = ones, fours = ones, total = ones, a, b; \
        if ((n & 1u) != 0u) {                        \
            ones = MATCH(0);                         \
            x++;                                     \
            w += (step);                             \
        }                                            \
        if ((n & 2u) != 0u) {                        \
            LRTC_ADD3(twos, ones, MATCH(0), MATCH(1)); \
            x += 2;                                  \
            w += 2 * (step);                         \
        }                                            \
        if ((n & 4u) != 0u) {                        \
            LRTC_ADD3(a, ones, MATCH(0), MATCH(1));  \
            LRTC_ADD3(b, ones, MATCH(2), MATCH(3));  \
            LRTC_ADD3(fours, twos, a, b);            \
            x += 4;                                  \
            w += 4 * (step);                         \
        }                                            \
        for (k = n >> 3; k != 0u; k--) {             \
            LRTC_ADD8(a, MATCH);                     \
            x += 8;                                  \
            w += 8 * (step);                         \
            LRTC_WIDE_ADD_ONES(total, a);            \
        }                                            \
        x -= n;                                      \
        LRTC_WIDE_WEIGH(a, ones, twos, fours);       \
        *sums++ = (total << 3) + a;                  \
    }
#endif
