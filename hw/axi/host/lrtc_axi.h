/* An accelerator's registers, for a processor that sees them in its memory.
 *
 *     volatile uint32_t *net = (volatile uint32_t *)0x43c00000;
 *     if (lrtc_axi_there(net)) { lrtc_axi_reset(net); }
 *
 * Link nothing: everything is static. Define LRTC_AXI_READ and LRTC_AXI_WRITE before this file to reach registers another way.
 */
#ifndef LRTC_AXI_H
#define LRTC_AXI_H

#include <stddef.h>
#include <stdint.h>

#ifndef LRTC_AXI_READ
#define LRTC_AXI_READ(regs, offset) ((regs)[(offset) / 4u])
#endif
#ifndef LRTC_AXI_WRITE
#define LRTC_AXI_WRITE(regs, offset, word) ((regs)[(offset) / 4u] = (word))
#endif

#define LRTC_AXI_ID 0x00u      /* 0x4c525443 */
#define LRTC_AXI_VERSION 0x04u /* major, minor, patch in bits 31:24, 23:16, 15:8 */
#define LRTC_AXI_NETWORK 0x08u /* hash of the network */
#define LRTC_AXI_LAYOUT 0x0cu  /* hash of the map of memories, 0: none can be written */
#define LRTC_AXI_CONTROL 0x10u /* bit 0: hold in reset */
#define LRTC_AXI_STATUS 0x14u
#define LRTC_AXI_IMAGES 0x18u /* since the last reset, as the next two */
#define LRTC_AXI_FRAMES 0x1cu
#define LRTC_AXI_CYCLES 0x20u
#define LRTC_AXI_WORDS 0x24u /* written to memories since 1 was written to CONTROL */
#define LRTC_AXI_CHECK 0x28u /* of those words */

#define LRTC_AXI_RUNNING 1u /* bits of STATUS */
#define LRTC_AXI_BUSY 2u
#define LRTC_AXI_INPUT_WAITS 4u
#define LRTC_AXI_ANSWER_WAITS 8u
#define LRTC_AXI_RELOADABLE 16u

typedef volatile uint32_t lrtc_axi_word;

/* Return whether an accelerator of lrtc answers at `regs`. */
static inline int lrtc_axi_there(lrtc_axi_word *regs)
{
    return LRTC_AXI_READ(regs, LRTC_AXI_ID) == 0x4c525443u;
}

/* Hold the network in reset: images inside are given up, counters become 0. */
static inline void lrtc_axi_hold(lrtc_axi_word *regs)
{
    LRTC_AXI_WRITE(regs, LRTC_AXI_CONTROL, 1u);
}

/* Let the network run. */
static inline void lrtc_axi_run(lrtc_axi_word *regs)
{
    LRTC_AXI_WRITE(regs, LRTC_AXI_CONTROL, 0u);
}

/* Reset the network. */
static inline void lrtc_axi_reset(lrtc_axi_word *regs)
{
    lrtc_axi_hold(regs);
    lrtc_axi_run(regs);
}

/* Return how many answers left since the last reset. */
static inline uint32_t lrtc_axi_frames(lrtc_axi_word *regs)
{
    return LRTC_AXI_READ(regs, LRTC_AXI_FRAMES);
}

/* What lrtc_axi_load returns. */
#define LRTC_AXI_OK 0
#define LRTC_AXI_NO_LIST (-1)      /* no list of words to load, or cut short; nothing was written */
#define LRTC_AXI_OTHER_LAYOUT (-2) /* of a network of another shape or compiled with other options; nothing was written */
#define LRTC_AXI_LOST (-3)         /* words were lost; the network is held in reset */

/* Write what NAME_load.h lists into the memories, then let the network run; return LRTC_AXI_OK or what went wrong. */
static inline int lrtc_axi_load(lrtc_axi_word *regs, const uint32_t *words, size_t count)
{
    uint32_t written = 0u;
    uint32_t check = 0u;
    uint32_t memory;
    size_t at = 4u;
    if (count < 4u || words[0] != 0x4c4f4144u) {
        return LRTC_AXI_NO_LIST;
    }
    for (memory = 0u; memory < words[3]; memory++) {
        size_t size;
        if (count - at < 4u || words[at + 1u] == 0u || words[at + 2u] == 0u) {
            return LRTC_AXI_NO_LIST;
        }
        size = count - at - 4u;
        if (words[at + 2u] > size / words[at + 1u]) {
            return LRTC_AXI_NO_LIST;
        }
        at += 4u + (size_t)words[at + 1u] * words[at + 2u];
    }
    if (at != count) {
        return LRTC_AXI_NO_LIST;
    }
    if (LRTC_AXI_READ(regs, LRTC_AXI_LAYOUT) != words[1]) {
        return LRTC_AXI_OTHER_LAYOUT;
    }
    lrtc_axi_hold(regs);
    at = 4u;
    for (memory = 0u; memory < words[3]; memory++) {
        const uint32_t address = words[at];
        const uint32_t rows = words[at + 1u];
        const uint32_t each = words[at + 2u];
        const uint32_t stride = words[at + 3u];
        uint32_t row;
        at += 4u;
        for (row = 0u; row < rows; row++) {
            uint32_t k;
            for (k = 0u; k < each; k++) {
                const uint32_t word = words[at++];
                LRTC_AXI_WRITE(regs, address + 4u * (row * stride + k), word);
                written++;
                check = ((check << 1) | (check >> 31)) ^ word;
            }
        }
    }
    if (LRTC_AXI_READ(regs, LRTC_AXI_WORDS) != written || LRTC_AXI_READ(regs, LRTC_AXI_CHECK) != check) {
        return LRTC_AXI_LOST;
    }
    LRTC_AXI_WRITE(regs, LRTC_AXI_NETWORK, words[2]);
    lrtc_axi_run(regs);
    return LRTC_AXI_OK;
}

#endif
