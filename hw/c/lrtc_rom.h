/* lrtc_rom.h: where constants lie. An AVR reads its flash by other instructions than its RAM; GCC has an address space for
   its first 64 KiB, __flash. That is not in C99: with -std=c99 instead of gnu99, in C++, or with LRTC_ROM defined as
   nothing, an AVR's constants lie in RAM, and the same text is right. */
#ifndef LRTC_ROM
#if defined(__AVR__) && defined(__FLASH) && !defined(__STRICT_ANSI__) && !defined(__cplusplus)
#define LRTC_ROM __flash
#else
#define LRTC_ROM
#endif
#endif
