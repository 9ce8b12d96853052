/* console_rtt.c: two rings in RAM that a debug probe reads and writes while the core runs ("RTT": `pyocd rtt`,
   OpenOCD's `rtt`, J-Link). Without a probe the oldest text stays in the ring and the rest is dropped. */
#include "lrtc_board.h"
#include <stdint.h>

#define LRTC_RING 256u

typedef struct {
    const char *name;
    char *buffer;
    uint32_t bytes;
    volatile uint32_t written;
    volatile uint32_t taken;
    uint32_t flags; /* 0: what does not fit is dropped */
} lrtc_ring;

static char lrtc_up[LRTC_RING], lrtc_down[LRTC_RING];

/* The probe finds this block in RAM by its first 16 bytes; they are set last, so that a ring is whole when it is found. */
static struct {
    volatile char id[16];
    int32_t up_rings;
    int32_t down_rings;
    lrtc_ring up;
    lrtc_ring down;
} lrtc_rtt;

static uint32_t lrtc_next(uint32_t at)
{
    return at + 1u == LRTC_RING ? 0u : at + 1u;
}

void lrtc_console_init(void);
void lrtc_console_init(void)
{
    static const char backwards[] = "TTR REGGES"; /* so that flash holds no second block */
    unsigned i;
    lrtc_rtt.up_rings = 1;
    lrtc_rtt.down_rings = 1;
    lrtc_rtt.up.name = "lrtc";
    lrtc_rtt.up.buffer = lrtc_up;
    lrtc_rtt.up.bytes = LRTC_RING;
    lrtc_rtt.down.name = "lrtc";
    lrtc_rtt.down.buffer = lrtc_down;
    lrtc_rtt.down.bytes = LRTC_RING;
    for (i = 0; i < sizeof backwards - 1u; i++) {
        lrtc_rtt.id[i] = backwards[sizeof backwards - 2u - i];
    }
}

void lrtc_put(char c)
{
    const uint32_t at = lrtc_rtt.up.written, next = lrtc_next(at);
    if (next != lrtc_rtt.up.taken) {
        lrtc_up[at] = c;
        lrtc_rtt.up.written = next;
    }
}

int lrtc_get(void)
{
    uint32_t at;
    int c;
    while (lrtc_rtt.down.taken == lrtc_rtt.down.written) {
    }
    at = lrtc_rtt.down.taken;
    c = (unsigned char)lrtc_down[at];
    lrtc_rtt.down.taken = lrtc_next(at);
    return c;
}

void lrtc_exit(int status)
{
    (void)status;
    for (;;) {
    }
}
