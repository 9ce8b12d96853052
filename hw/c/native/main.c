/* main.c: runs a network on this machine: rows of inputs from a file, rows of outputs to a file.

   main INPUTS OUTPUTS [stack | FUNCTIONS]: with `stack` it prints how deep the stack was, which valgrind does not let it look
   at. FUNCTIONS is a file of addresses (hexadecimal, rising): it then executes one instruction at a time (x86-64: the trap
   flag) and prints for each run how many each function had, with those of the functions that it calls and that are not
   listed. network.h is generated. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>

#include "network.h"

#define ROOM 65536u
#define PAINT 0xa5u
#define MOST 4096u

static uint8_t x[NETWORK_TAKEN];
static int32_t logits[NETWORK_GIVEN];

#if defined(__x86_64__)
static unsigned long long address[MOST];
static unsigned long long counted[MOST], back;
static uint32_t functions, current;
static volatile sig_atomic_t inside;

/* Before each instruction: whose is it? Those of main around the run are nobody's. */
static void on_step(int number, siginfo_t *why, void *context)
{
    const greg_t *const registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned long long pc = (unsigned long long)registers[REG_RIP];
    uint32_t low = 0, high = functions;
    (void)number;
    (void)why;
    if (pc == (unsigned long long)(uintptr_t)NETWORK_ENTRY) {
        inside = 1;
        back = *(const unsigned long long *)(uintptr_t)registers[REG_RSP];
    } else if (pc == back) {
        inside = 0;
    }
    while (low < high) {
        const uint32_t half = (low + high) / 2u;
        if (address[half] < pc) {
            low = half + 1u;
        } else {
            high = half;
        }
    }
    if (low < functions && address[low] == pc) {
        current = low;
    }
    counted[current] += inside != 0;
}

static void read_functions(const char *path)
{
    FILE *const list = fopen(path, "r");
    while (list && functions < MOST && fscanf(list, "%llx", &address[functions]) == 1) {
        functions++;
    }
}

/* The run between two changes of the trap flag. */
static __attribute__((noinline)) void step(void)
{
    static uint8_t stack[ROOM];
    const stack_t apart = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction action;
    uint32_t i;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_step;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    (void)sigaltstack(&apart, 0);
    (void)sigaction(SIGTRAP, &action, 0);
    inside = 0;
    memset(counted, 0, sizeof counted);
    __asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
    NETWORK_RUN;
    __asm__ volatile("pushfq\n\tandq $~0x100, (%%rsp)\n\tpopfq" : : : "memory", "cc");
    for (i = 0; i < functions; i++) {
        printf("%llu%c", counted[i], i + 1u < functions ? ' ' : '\n');
    }
}
#else
static void read_functions(const char *path)
{
    (void)path;
}

static void step(void)
{
}
#endif

static inline volatile uint8_t *stack_top(void)
{
    volatile uint8_t *sp;
#if defined(__x86_64__)
    __asm__ volatile("mov %%rsp, %0" : "=r"(sp));
#elif defined(__aarch64__)
    __asm__ volatile("mov %0, sp" : "=r"(sp));
#else
    sp = (volatile uint8_t *)__builtin_frame_address(0);
#endif
    return sp;
}

int main(int count, char **words)
{
    volatile uint8_t *const floor = stack_top() - ROOM;
    const int paint = count > 3 && strcmp(words[3], "stack") == 0, steps = count > 3 && !paint;
    FILE *from, *to;
    uint32_t i, unused = ROOM;
    if (count < 3 || !(from = fopen(words[1], "rb")) || !(to = fopen(words[2], "wb"))) {
        return 2;
    }
    if (steps) {
        read_functions(words[3]);
    }
    while (fread(x, sizeof x, 1, from) == 1) {
        for (i = 0; paint && i < ROOM; i++) {
            floor[i] = PAINT;
        }
        if (steps) {
            step();
        } else {
            NETWORK_RUN;
        }
        for (i = 0; paint && i < unused && floor[i] == PAINT; i++) {
        }
        unused = paint ? i : unused;
        if (fwrite(logits, sizeof logits, 1, to) != 1) {
            return 4;
        }
    }
    if (paint) {
        printf("stack %u\n", (unsigned)(ROOM - unused));
    }
    return fclose(to) != 0;
}
