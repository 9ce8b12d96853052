/* lrtc_compiler.h: what is inlined. A layer stays a function of its own, so that profilers and map files show it; a
   counting kernel becomes part of the layer, where the number of words is a constant. */
#if defined(__GNUC__)
#define LRTC_LAYER static __attribute__((noinline)) void
#define LRTC_INLINE static inline __attribute__((always_inline)) uint32_t
#else
#define LRTC_LAYER static void
#define LRTC_INLINE static inline uint32_t
#endif
