/* start.c: start-up of a bare Cortex-M or RISC-V, and a way out through semihosting. No C or compiler library. */
#include <stddef.h>
#include <stdint.h>

#define STARTUP __attribute__((section(".startup"), used))

extern uint32_t lrtc_data_load, lrtc_data_start, lrtc_data_end, lrtc_bss_start, lrtc_bss_end, lrtc_stack_top;

int main(void);
void Reset_Handler(void);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
void lrtc_print(const char *text);

#if defined(__riscv)
static STARTUP int semihost(int operation, const void *argument)
{
    register int a0 __asm__("a0") = operation;
    register const void *a1 __asm__("a1") = argument;
    __asm__ volatile(
        ".option push\n.option norvc\n.balign 16\nslli zero, zero, 0x1f\nebreak\nsrai zero, zero, 7\n.option pop"
        : "+r"(a0) : "r"(a1) : "memory");
    return a0;
}
#else
static STARTUP int semihost(int operation, const void *argument)
{
    register int r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}
#endif

static STARTUP void leave(int status)
{
    uint32_t block[2];
    block[0] = 0x20026u; /* ADP_Stopped_ApplicationExit */
    block[1] = (uint32_t)status;
    (void)semihost(0x20, block); /* SYS_EXIT_EXTENDED */
    for (;;) {
    }
}

STARTUP void lrtc_print(const char *text)
{
    (void)semihost(4, text); /* SYS_WRITE0 */
}

/* The compiler may call these two. volatile: so that it does not turn them into calls of themselves. */
STARTUP void *memcpy(void *to, const void *from, size_t n)
{
    volatile unsigned char *out = to;
    const unsigned char *in = from;
    while (n-- != 0u) {
        *out++ = *in++;
    }
    return to;
}

STARTUP void *memset(void *to, int value, size_t n)
{
    volatile unsigned char *out = to;
    while (n-- != 0u) {
        *out++ = (unsigned char)value;
    }
    return to;
}

static STARTUP void begin(void)
{
    const uint32_t *from = &lrtc_data_load;
    volatile uint32_t *to = &lrtc_data_start;
    while (to < &lrtc_data_end) {
        *to++ = *from++;
    }
    for (to = &lrtc_bss_start; to < &lrtc_bss_end; to++) {
        *to = 0;
    }
    leave(main());
}

#if defined(__riscv)
__attribute__((naked, section(".vectors"), used)) void Reset_Handler(void)
{
    __asm__ volatile("la sp, lrtc_stack_top\nj %0" : : "i"(begin));
}
#else
static const char lrtc_fault_text[] __attribute__((section(".startup.text"))) = "fault\n";

static STARTUP void fault(void)
{
    lrtc_print(lrtc_fault_text);
    leave(99);
}

STARTUP void Reset_Handler(void)
{
#if defined(__ARM_FP) || (defined(__ARM_FEATURE_MVE) && __ARM_FEATURE_MVE)
    /* Before anything that the compiler could turn into vectors: CPACR lets coprocessors 10 and 11 work. */
    *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20;
    __asm__ volatile("dsb\nisb" : : : "memory");
#endif
    begin();
}

__attribute__((section(".vectors"), used)) void (*const lrtc_vectors[16])(void) = {
    (void (*)(void))(uintptr_t)&lrtc_stack_top, Reset_Handler, fault, fault, fault, fault, fault, 0, 0, 0, 0, fault,
    fault, 0, fault, fault};
#endif
