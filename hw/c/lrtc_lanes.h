/* lrtc_lanes.h: a plane has a bit of each of some pixels, a number of n bits a pixel is n planes. */
#undef LRTC_LANE
#define LRTC_LANE lrtc_plane

/* Full adder on all lanes, where the processor has any function of three bits: two instructions, not five. */
#if defined(__AVX512VL__) && LRTC_LANES == 128
#define LRTC_TERNARY(a, b, c, f) ((lrtc_plane)_mm_ternarylogic_epi32((__m128i)(a), (__m128i)(b), (__m128i)(c), f))
#elif defined(__AVX512VL__) && LRTC_LANES == 256
#define LRTC_TERNARY(a, b, c, f) ((lrtc_plane)_mm256_ternarylogic_epi32((__m256i)(a), (__m256i)(b), (__m256i)(c), f))
#elif defined(__AVX512F__) && LRTC_LANES == 512
#define LRTC_TERNARY(a, b, c, f) ((lrtc_plane)_mm512_ternarylogic_epi32((__m512i)(a), (__m512i)(b), (__m512i)(c), f))
#endif
#if defined(LRTC_TERNARY)
#include <immintrin.h>
#undef LRTC_ADD3
#define LRTC_ADD3(carry, sum, a, b)                  \
    do {                                             \
        const lrtc_plane a_ = (a), b_ = (b), c_ = sum; \
        sum = LRTC_TERNARY(a_, b_, c_, 0x96);        \
        carry = LRTC_TERNARY(a_, b_, c_, 0xe8);      \
    } while (0)
#endif

/* Half adder on all lanes: sum takes in `in`, carry has twice its weight. */
#define LRTC_ADD2(carry, sum, in)                    \
    do {                                             \
        const lrtc_plane in_ = (in);                 \
        carry = sum & in_;                           \
        sum ^= in_;                                  \
    } while (0)

/* Sixteen planes AT(0) .. AT(15) into the counter ones, twos, fours, eights; carry leaves with weight 16. Vectors of
   processors that start several instructions a cycle get a tree, in which each counter waits for one adder; it takes more
   registers. */
#if LRTC_LANES >= 128 && (defined(__x86_64__) || defined(__aarch64__))
#define LRTC_ADD16(carry, AT)                        \
    do {                                             \
        lrtc_plane two_[8], four_[4], eight_[2];             \
        lrtc_plane p_ = AT(0), q_ = AT(3), r_ = AT(6);\
        LRTC_ADD3(two_[0], p_, AT(1), AT(2));        \
        LRTC_ADD3(two_[1], q_, AT(4), AT(5));        \
        LRTC_ADD3(two_[2], r_, AT(7), AT(8));        \
        LRTC_ADD3(two_[3], p_, q_, r_);              \
        q_ = AT(9);                                  \
        r_ = AT(12);                                 \
        LRTC_ADD3(two_[4], q_, AT(10), AT(11));      \
        LRTC_ADD3(two_[5], r_, AT(13), AT(14));      \
        LRTC_ADD3(two_[6], q_, r_, AT(15));          \
        LRTC_ADD3(two_[7], ones, p_, q_);            \
        LRTC_ADD3(four_[0], two_[0], two_[1], two_[2]);\
        LRTC_ADD3(four_[1], two_[3], two_[4], two_[5]);\
        LRTC_ADD3(four_[2], two_[0], two_[3], two_[6]);\
        LRTC_ADD3(four_[3], twos, two_[0], two_[7]); \
        LRTC_ADD3(eight_[0], four_[0], four_[1], four_[2]);\
        LRTC_ADD3(eight_[1], fours, four_[0], four_[3]);\
        LRTC_ADD3(carry, eights, eight_[0], eight_[1]);\
    } while (0)
#else
#define LRTC_ADD_PAIR(carry, AT, i)                  \
    do {                                             \
        LRTC_ADD3(carry, ones, AT(i), AT((i) + 1));  \
        LRTC_IN_ORDER;                               \
    } while (0)
#define LRTC_ADD16(carry, AT)                        \
    do {                                             \
        lrtc_plane p_, q_, r_, s_;                   \
        LRTC_ADD_PAIR(p_, AT, 0);                    \
        LRTC_ADD_PAIR(q_, AT, 2);                    \
        LRTC_ADD3(r_, twos, p_, q_);                 \
        LRTC_ADD_PAIR(p_, AT, 4);                    \
        LRTC_ADD_PAIR(q_, AT, 6);                    \
        LRTC_ADD3(p_, twos, p_, q_);                 \
        LRTC_ADD3(r_, fours, r_, p_);                \
        LRTC_ADD_PAIR(p_, AT, 8);                    \
        LRTC_ADD_PAIR(q_, AT, 10);                   \
        LRTC_ADD3(s_, twos, p_, q_);                 \
        LRTC_ADD_PAIR(p_, AT, 12);                   \
        LRTC_ADD_PAIR(q_, AT, 14);                   \
        LRTC_ADD3(p_, twos, p_, q_);                 \
        LRTC_ADD3(s_, fours, s_, p_);                \
        LRTC_ADD3(carry, eights, r_, s_);            \
    } while (0)
#endif

/* One bit of a comparison v >= w, from the lowest up: `reached` says so for the bits below, not_w is ~w. */
#if defined(LRTC_TERNARY)
#define LRTC_REACH(reached, v, not_w) (reached = LRTC_TERNARY(reached, v, not_w, 0xe8))
#else
#define LRTC_REACH(reached, v, not_w)                \
    do {                                             \
        const lrtc_plane not_ = (not_w);             \
        const lrtc_plane differ_ = (v) ^ not_;       \
        reached = not_ ^ (differ_ & (not_ ^ reached)); \
    } while (0)
#endif
