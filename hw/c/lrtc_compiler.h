/* lrtc_compiler.h: what is inlined. A layer stays a function of its own, so that profilers and map files show it, and so
   does a kernel that several layers call; a counting kernel becomes part of the layer, where the number of words is a
   constant. noipa: GCC 12 at -O2 compiles loops wrongly (ivopts) when it knows at which address of the arena a layer
   reads. */
#if defined(__GNUC__) && __GNUC__ >= 8 && !defined(__clang__)
#define LRTC_APART static __attribute__((noinline, noipa))
#define LRTC_INLINE static inline __attribute__((always_inline)) uint32_t
#elif defined(__GNUC__)
#define LRTC_APART static __attribute__((noinline))
#define LRTC_INLINE static inline __attribute__((always_inline)) uint32_t
#else
#define LRTC_APART static
#define LRTC_INLINE static inline uint32_t
#endif
#define LRTC_LAYER LRTC_APART void
/* A network seldom calls every small function, and Clang says so of inline ones in a source. */
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wunused-function"
#endif
/* No load moves over this. Without it GCC schedules more loads ahead than there are registers. */
#if defined(__GNUC__)
#define LRTC_IN_ORDER __asm__ volatile("" : : : "memory")
#else
#define LRTC_IN_ORDER ((void)0)
#endif
