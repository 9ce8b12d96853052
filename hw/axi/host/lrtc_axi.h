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
#define LRTC_AXI_WORDS 0x24u /* written to memories since CONTROL became 1 */
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

#endif
