/* console_semihosting.c: the console of a debugger or an emulator. Without one attached the core stops here. */
#include "lrtc_board.h"
#include <stdint.h>

static char lrtc_line[81];
static unsigned lrtc_used;

static int lrtc_semihost(int operation, const void *argument)
{
#if defined(__riscv)
    register int a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(
        ".option push\n.option norvc\n.balign 16\nslli zero, zero, 0x1f\nebreak\nsrai zero, zero, 7\n.option pop"
        : "+r"(a0) : "r"(a1) : "memory");
    return a0;
#else
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
#endif
}

static void lrtc_flush(void)
{
    lrtc_line[lrtc_used] = '\0';
    lrtc_used = 0;
    (void)lrtc_semihost(4, lrtc_line); /* SYS_WRITE0 */
}

void lrtc_put(char c)
{
    lrtc_line[lrtc_used++] = c;
    if (c == '\n' || lrtc_used == sizeof lrtc_line - 1u) {
        lrtc_flush();
    }
}

int lrtc_get(void)
{
    return lrtc_semihost(7, 0); /* SYS_READC */
}

uint32_t lrtc_ticks(void);
uint32_t lrtc_ticks(void)
{
    uint32_t ticks[2];
    (void)lrtc_semihost(0x30, ticks); /* SYS_ELAPSED: here the emulator's instructions */
    return ticks[0];
}

void lrtc_exit(int status)
{
    uint32_t block[2];
    lrtc_flush();
    block[0] = 0x20026u; /* ADP_Stopped_ApplicationExit */
    block[1] = (uint32_t)status;
    (void)lrtc_semihost(0x20, block); /* SYS_EXIT_EXTENDED */
    for (;;) {
    }
}
