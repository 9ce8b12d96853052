/* tiny.c: a discrete neural network compiled by lrtc 0.0.0. Generated: edit the model, not this file.

   C99; no allocation, no library call, no floating point, no recursion. Not re-entrant: one static arena.
   Flash holds 132 bytes of tables beside the code; RAM holds 128 bytes of arena.

   The network as lrtc sees it (b1: -1 or +1; t2: -1, 0 or +1; u, i: integers; H, W, C: rows, columns, channels):

   graph @tiny(%x: u8[4x5x1:HWC]) {
     %w         = const                                   : t2[3x3x3x1:OHW[I/32]]
     %conv1     = conv2d{padding=(1,1,1,1)} %x, %w        : i12[4x5x3:HWC]     # features.0
     %levels    = const                                   : i9[2x3:RC]
     %act1      = threshold %conv1, %levels               : b1[4x5x3:HW[C/32]] # features.1+features.2
     %f         = const                                   : b1[3:C]
     %pool1     = maxpool %act1, %f                       : b1[2x2x3:HW[C/32]] # features.3
     %w_v2      = const                                   : b1[2x2x2x3:OHW[I/32]]
     %conv2     = conv2d{padding=(0,1,0,1)} %pool1, %w_v2 : i5[2x2x2:HWC]      # features.4
     %levels_v2 = const                                   : i3[2x2:RC]
     %act2      = threshold %conv2, %levels_v2            : b1[2x2x2:HW[C/32]] # features.5
     %w_v3      = const                                   : t2[2x2x2x2:OHW[I/32]]
     %fc        = linear %act2, %w_v3                     : i4[2:C]            # head.fc
     %rows      = const                                   : i8[2x2:RC]
     %scale     = affine %fc, %rows                       : i8[2:C]            # head.scale
     return %scale
   }
*/
#include "tiny.h"

/* ---- kernels: the same for every model ------------------------------------------------------------------ */

(verbatim from hw/c)

/* ---- the network ---------------------------------------------------------------------------------------- */

static uint32_t tiny_arena[32];

/* features.0, features.1, features.2
   u8[4x5x1:HWC]
     conv2d, t2[3x3x3x1:OHW[I/32]] padding=(1,1,1,1) -> i12[4x5x3:HWC]
     threshold, i9[2x3:RC] -> b1[4x5x3:HW[C/32]]
   acc[o] = sum of w * x, written out; two neighbouring columns share a word, 16 bits each
   y[o] = +1 where acc[o] >= level[o]: each half starts at 0x8000 - level[o], its top bit tells
   where the threshold is flipped, the weights are negated and the level is 1 - level
*/
LRTC_LAYER tiny_1_conv1(const uint8_t *x, uint8_t *frame, uint32_t *y)
{
    uint32_t oy, pair;
    lrtc_pad_u8(frame, 6u, 8u, x, 4u, 5u, 1u, 1u);
    for (oy = 0; oy < 4u; oy++) {
        const uint8_t *p = frame + oy * 8u;
        for (pair = 0; pair < 3u; pair++, p += 2) {
            /* This column in the low half of a word, the next one in the high half. */
            const uint32_t x0 = (uint32_t)p[0] | (uint32_t)p[1] << 16;
            const uint32_t x1 = (uint32_t)p[1] | (uint32_t)p[2] << 16;
            const uint32_t x2 = (uint32_t)p[2] | (uint32_t)p[3] << 16;
            const uint32_t x3 = (uint32_t)p[8] | (uint32_t)p[9] << 16;
            const uint32_t x4 = (uint32_t)p[9] | (uint32_t)p[10] << 16;
            const uint32_t x5 = (uint32_t)p[10] | (uint32_t)p[11] << 16;
            const uint32_t x6 = (uint32_t)p[16] | (uint32_t)p[17] << 16;
            const uint32_t x7 = (uint32_t)p[17] | (uint32_t)p[18] << 16;
            const uint32_t x8 = (uint32_t)p[18] | (uint32_t)p[19] << 16;
            const uint32_t all = x0 + x1 + x2 + x3 + x4 + x5 + x6 + x7 + x8;
            uint32_t bits0 = 0;
            bits0 = lrtc_push_signs(bits0, 0x80bc80bcu - x0 - x1 + x2 - x3 + x7 - x8); /* 0 */
            bits0 = lrtc_push_signs(bits0, 0x7f7e7f7eu + all - x2 - x3 - x4); /* 1 */
            bits0 = lrtc_push_signs(bits0, 0x7f617f61u - all + ((x1 + x4) << 1) + x3 + x7); /* 2 */
            bits0 >>= 13;
            *y++ = bits0 & 0xffffu;
            if (pair == 2u) {
                break; /* the last column has no neighbour */
            }
            *y++ = bits0 >> 16;
        }
    }
}

/* features.3
   b1[4x5x3:HW[C/32]]
     maxpool, b1[3:C] -> b1[2x2x3:HW[C/32]]
   y[c] = the greatest of +-1 in the window (OR); the least where a channel's direction is -1 (AND)
*/
static const LRTC_ROM uint32_t tiny_2_pool1_least[1] = {
    0x00000002u,
};

static const LRTC_ROM lrtc_window tiny_2_pool1_window = {
    .rows = 4, .cols = 5, .depth = 1,
    .kernel_rows = 2, .kernel_cols = 2, .stride_rows = 2, .stride_cols = 2,
    .dilate_rows = 1, .dilate_cols = 1, .top = 0, .left = 0
};

LRTC_LAYER tiny_2_pool1(const uint32_t *x, uint32_t *y)
{
    lrtc_maxpool_b1(y, 2u, 2u, x, &tiny_2_pool1_window, tiny_2_pool1_least);
}

/* features.4, features.5
   b1[2x2x3:HW[C/32]]
     conv2d, b1[2x2x2x3:OHW[I/32]] padding=(0,1,0,1) -> i5[2x2x2:HWC]
     threshold, i3[2x2:RC] -> b1[2x2x2:HW[C/32]]
   acc[o] = sum of w * x: 2 * (lanes that agree) - (weights that are not 0)
   y[o] = +1 where acc[o] >= level[o]: where the lanes that agree reach limit[o], which holds all constants
   where the threshold is flipped, the weights are negated and the level is 1 - level
*/
static const LRTC_ROM uint32_t tiny_3_conv2_weights[2][4] = {
    {0x00000005u, 0x00000000u, 0x00000001u, 0x00000006u},
    {0x00000001u, 0x00000002u, 0x00000001u, 0x00000007u},
};

static const LRTC_ROM uint16_t tiny_3_conv2_limit[4][2] = {
    {7, 8},
    {6, 9},
    {7, 9},
    {6, 8},
};

static const LRTC_ROM uint8_t tiny_3_conv2_row_class[2] = {
    0, 1,
};

static const LRTC_ROM uint8_t tiny_3_conv2_col_class[2] = {
    0, 1,
};

static const LRTC_ROM lrtc_window tiny_3_conv2_window = {
    .rows = 2, .cols = 2, .depth = 1,
    .kernel_rows = 2, .kernel_cols = 2, .stride_rows = 1, .stride_cols = 1,
    .dilate_rows = 1, .dilate_cols = 1, .top = 0, .left = 0
};

LRTC_LAYER tiny_3_conv2(const uint32_t *x, uint32_t *window, uint32_t *y)
{
    uint32_t i, first, oy, ox;
    for (oy = 0; oy < 2u; oy++) {
        for (ox = 0; ox < 2u; ox++) {
            const LRTC_ROM uint16_t *limit = tiny_3_conv2_limit[tiny_3_conv2_row_class[oy] * 2u + tiny_3_conv2_col_class[ox]];
            lrtc_gather(window, x, &tiny_3_conv2_window, oy, ox);
            for (first = 0; first < 2u; first += 32u) {
                const uint32_t lanes = 2u - first < 32u ? 2u - first : 32u;
                uint32_t bits = 0;
                for (i = first; i < first + lanes; i++) {
                    bits = lrtc_push_sign(bits, lrtc_count_b1(window, tiny_3_conv2_weights[i], 4u) - (uint32_t)limit[i]);
                }
                *y++ = lrtc_not_negative(bits, lanes);
            }
        }
    }
}

/* head.fc, head.scale
   b1[2x2x2:HW[C/32]]
     linear, t2[2x2x2x2:OHW[I/32]] -> i4[2:C]
     affine, i8[2x2:RC] -> i8[2:C]
   acc[o] = sum of w * x: 2 * (lanes that agree) - (weights that are not 0)
   then acc * multiplier + offset
*/
static const LRTC_ROM uint32_t tiny_4_fc_weights[2][8] = {
    {0x00000003u, 0x00000000u, 0x00000003u, 0x00000003u, 0x00000000u, 0x00000000u, 0x00000002u, 0x00000000u},
    {0x00000001u, 0x00000001u, 0x00000003u, 0x00000003u, 0x00000003u, 0x00000002u, 0x00000003u, 0x00000003u},
};

static const LRTC_ROM uint16_t tiny_4_fc_base[2] = {
    5, 7,
};

static const LRTC_ROM int16_t tiny_4_fc_multiplier[2] = {
    3, -2,
};

static const LRTC_ROM int16_t tiny_4_fc_offset[2] = {
    100, -100,
};

LRTC_LAYER tiny_4_fc(const uint32_t *x, int32_t *y)
{
    uint32_t i;
    const uint32_t *window = x;
    for (i = 0; i < 2u; i++) {
        const uint32_t count = lrtc_count_t2(window, tiny_4_fc_weights[i], 4u);
        const int32_t acc = (int32_t)(2u * count) - (int32_t)tiny_4_fc_base[i];
        const int32_t v1 = lrtc_signed((uint32_t)acc * (uint32_t)tiny_4_fc_multiplier[i] + (uint32_t)tiny_4_fc_offset[i]);
        *y++ = v1;
    }
}

void tiny_run(const uint8_t *input, int32_t *logits)
{
    uint32_t *const arena = tiny_arena;
    tiny_1_conv1(input, (uint8_t *)(arena + 20), arena + 0); /* features.0, features.1, features.2: u8[4x5x1:HWC] -> b1[4x5x3:HW[C/32]] */
    tiny_2_pool1(arena + 0, arena + 20); /* features.3: b1[4x5x3:HW[C/32]] -> b1[2x2x3:HW[C/32]] */
    tiny_3_conv2(arena + 20, arena + 4, arena + 0); /* features.4, features.5: b1[2x2x3:HW[C/32]] -> b1[2x2x2:HW[C/32]] */
    tiny_4_fc(arena + 0, logits); /* head.fc, head.scale: b1[2x2x2:HW[C/32]] -> i8[2:C] */
}

int tiny_classify(const uint8_t *input)
{
    int32_t logits[TINY_CLASSES];
    int best = 0, i;
    tiny_run(input, logits);
    for (i = 1; i < TINY_CLASSES; i++) {
        if (logits[i] > logits[best]) {
            best = i;
        }
    }
    return best;
}
