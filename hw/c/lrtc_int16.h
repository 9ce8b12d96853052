/* lrtc_int16.h: integers of 16 bits in the arena, whose words may be read as anything. */
#if defined(__GNUC__)
typedef int16_t __attribute__((may_alias)) lrtc_int16;
typedef uint16_t __attribute__((may_alias)) lrtc_uint16;
#else
typedef int16_t lrtc_int16;
typedef uint16_t lrtc_uint16;
#endif
