/* lrtc_plane.h: the word of pixel-sliced kernels, LRTC_LANES pixels with a bit of each; 32 unless defined before. It is
   LRTC_PARTS words of 32 pixels side by side: shifts never leave one of these. Wider ones than 64 are vectors of GCC and
   Clang, which become the widest registers that the flags of the compiler allow (-mavx2, -mavx512vl, NEON, Helium). */
#ifndef LRTC_LANES
#define LRTC_LANES 32
#endif
#define LRTC_PARTS (LRTC_LANES / 32u)
#if defined(__GNUC__)
#define LRTC_ANYWHERE may_alias, aligned(4) /* in the arena, at any of its words */
#endif
#if LRTC_LANES == 32
typedef uint32_t lrtc_plane;
#define LRTC_EACH(word) (word)
#define LRTC_JOIN(low, high, bit) ((low) >> (bit) | (high) << (32 - (bit)))
#elif LRTC_LANES == 64
#if defined(__GNUC__)
typedef uint64_t __attribute__((LRTC_ANYWHERE)) lrtc_plane;
#else
typedef uint64_t lrtc_plane; /* the compiler must let words of the arena be read so, at any of them */
#endif
#define LRTC_EACH(word) ((uint64_t)(word) * 0x100000001u)
#define LRTC_JOIN(low, high, bit) (((low) >> (bit) & LRTC_EACH(0xffffffffu >> (bit))) | \
                                   ((high) << (32 - (bit)) & LRTC_EACH(0xffffffffu << (32 - (bit)))))
#elif defined(__GNUC__)
typedef uint32_t __attribute__((vector_size(LRTC_LANES / 8), LRTC_ANYWHERE)) lrtc_plane;
#define LRTC_EACH(word) ((word) - (lrtc_plane){0})
#define LRTC_JOIN(low, high, bit) ((low) >> (bit) | (high) << (32 - (bit)))
#else
#error "this compiler has no vectors as GCC and Clang have: compile the network with lanes 32 or 64"
#endif
/* Where pixel i of a plane lies: in which of its words, and from plane 0 of 32 to the word whose pixel 0 it becomes by a
   transpose. */
#if LRTC_LANES == 32
#define LRTC_PART(i) 0u
#define LRTC_TURNED(i) (i)
#else
#define LRTC_PART(i) ((i) >> 5)
#define LRTC_TURNED(i) (((i) & 31u) * LRTC_PARTS + ((i) >> 5))
#endif
