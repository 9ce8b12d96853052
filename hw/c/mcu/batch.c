/* batch.c: a main for emulated boards: runs the network on every image of batch_data.h (generated) and prints its
   logits, what each run cost, and how deep the stack was. One line of hexadecimal words for each. With BATCH_REPORT, what
   the layers of the last image cost, and what reading the clock adds to each. */
#include <stdint.h>

#include "batch_data.h"

#if defined(__AVR__)
#include <avr/interrupt.h>
#include <avr/io.h>
#include <avr/pgmspace.h>
#include <avr/sleep.h>
#define ROM PROGMEM
#define ROM_BYTE(image, i) pgm_read_byte_far(pgm_get_far_address(lrtc_images) + (image) * BATCH_INPUT + (i))
#define ROOM 1024u
#else
#define ROM
#define ROM_BYTE(image, i) lrtc_images[image][i]
#define ROOM 16384u
#endif
#define PAINT 0xa5u

void lrtc_print(const char *text);

#if defined(__AVR__)
/* Cycles: timer 1 counts them, 16 bits; timer 3 counts every 1024th, which tells how often timer 1 went round; an
   interrupt every 2^26 cycles, how often timer 3 did. */
static volatile uint8_t rounds;

ISR(TIMER3_OVF_vect)
{
    rounds++;
}

static void start_clock(void)
{
    TIMSK3 = (uint8_t)(1u << TOIE3);
    sei();
    UCSR0B = (uint8_t)(1u << TXEN0);
    TCCR3A = 0;
    TCCR1A = 0;
    TCCR3B = 5;
    TCCR1B = 1;
}

static uint32_t clock_now(void)
{
    uint32_t fine, coarse, round;
    cli();
    fine = TCNT1;
    coarse = TCNT3;
    round = rounds + (uint8_t)((TIFR3 & (1u << TOV3)) != 0u && coarse < 0x8000u);
    sei();
    coarse = round << 26 | coarse << 10;
    return fine + ((coarse - fine + 0x8000u) & 0xffff0000u);
}

void lrtc_print(const char *text)
{
    for (; *text != '\0'; text++) {
        while ((UCSR0A & (1u << UDRE0)) == 0u) {
        }
        UDR0 = (uint8_t)*text;
    }
}

static inline volatile uint8_t *stack_top(void)
{
    return (volatile uint8_t *)(SP + 1u);
}

static void leave(void)
{
    cli();
    sleep_enable();
    sleep_cpu();
}
#elif defined(__riscv)
/* Instructions: minstret, exact under QEMU's -icount. */
static void start_clock(void)
{
}

static uint32_t clock_now(void)
{
    uint32_t now;
    __asm__ volatile(".insn i 0x73, 2, %0, x0, -1278" : "=r"(now)); /* csrr now, minstret (0xb02) */
    return now;
}

static inline volatile uint8_t *stack_top(void)
{
    volatile uint8_t *sp;
    __asm__ volatile("mv %0, sp" : "=r"(sp));
    return sp;
}

static void leave(void)
{
}
#else
/* Ticks of 31.25 ns of the system counter of Arm's SSE-300; an instruction takes 64 ns under QEMU's -icount shift=6. */
static void start_clock(void)
{
    *(volatile uint32_t *)0x58100000u = 1u;
}

static uint32_t clock_now(void)
{
    return *(volatile uint32_t *)0x58100008u;
}

static inline volatile uint8_t *stack_top(void)
{
    volatile uint8_t *sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

static void leave(void)
{
}
#endif

static void print_word(char kind, uint32_t word)
{
    char text[12];
    uint8_t i;
    text[0] = kind;
    for (i = 0; i < 8u; i++) {
        const uint8_t digit = (uint8_t)(word >> (28u - 4u * i)) & 15u;
        text[i + 1u] = (char)(digit < 10u ? '0' + digit : 'a' + (digit - 10u));
    }
    text[9] = '\n';
    text[10] = '\0';
    lrtc_print(text);
}

static const uint8_t lrtc_images[BATCH_IMAGES][BATCH_INPUT] ROM = BATCH_X;
static uint8_t x[BATCH_INPUT];
static int32_t logits[BATCH_LOGITS];

#ifdef BATCH_REPORT
uint32_t lrtc_ticks(void);
uint32_t lrtc_ticks(void)
{
    return clock_now();
}

static void print_char(char c)
{
    const char text[2] = {c, '\0'};
    lrtc_print(text);
}
#endif

int main(void)
{
    volatile uint8_t *const top = stack_top();
    volatile uint8_t *const floor = top - ROOM;
    uint32_t image, cost, empty;
    uint16_t i;
    start_clock();
    for (i = 0; i < ROOM; i++) {
        floor[i] = PAINT;
    }
    for (image = 0; image < BATCH_IMAGES; image++) {
        for (i = 0; i < BATCH_INPUT; i++) {
            x[i] = ROM_BYTE(image, i);
        }
        empty = clock_now();
        empty = clock_now() - empty;
        cost = clock_now();
        BATCH_RUN;
        cost = clock_now() - cost - empty;
        for (i = 0; i < BATCH_LOGITS; i++) {
            print_word('y', (uint32_t)logits[i]);
        }
        print_word('c', cost);
    }
    for (i = 0; i < ROOM && floor[i] == PAINT; i++) {
    }
    print_word('s', ROOM - i);
#ifdef BATCH_REPORT
    empty = lrtc_ticks();
    empty = lrtc_ticks() - empty;
    print_word('e', empty);
    BATCH_REPORT(print_char);
#endif
    lrtc_print("end\n");
    leave();
    return 0;
}
