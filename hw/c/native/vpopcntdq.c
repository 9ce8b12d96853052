/* vpopcntdq.c: the kernel that x86 with AVX-512 VPOPCNTDQ suggests for a 3x3 layer of 64 bits, and a race against it.

   Eight outputs lie in a vector, the image in a frame of zeros, the nine pixels of a window in registers; limits by border
   class hold all constants, so that each output is XOR, count and sum, and one comparison. race.h is generated: the emitted C,
   RACE_LAYER(y, x) that calls its layer on words of 32, RACE_ROWS, RACE_COLS and the tables. Prints the median nanoseconds of both, taken in
   turn; it ends with 1 if an output differs. */
#define _GNU_SOURCE
#include <immintrin.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "race.h"

#define ROUNDS 601
#define FRAME (RACE_COLS + 2)
#define PIXELS (RACE_ROWS * RACE_COLS)

static uint64_t frame[(RACE_ROWS + 2) * FRAME];
static uint32_t image[2 * PIXELS], ours[2 * PIXELS], theirs[2 * PIXELS];

static __attribute__((noinline, optimize("O3"))) void by_vpopcntdq(uint32_t *y, const uint32_t *x)
{
    int row, col, k, g;
    for (row = 0; row < RACE_ROWS; row++) {
        memcpy(frame + (row + 1) * FRAME + 1, x + row * RACE_COLS * 2, RACE_COLS * sizeof *frame);
    }
    for (row = 0; row < RACE_ROWS; row++) {
        for (col = 0; col < RACE_COLS; col++) {
            const uint64_t *const from = frame + row * FRAME + col;
            const int64_t *const limit = race_limit[(row == 0 ? 0 : row == RACE_ROWS - 1 ? 2 : 1) * 3 +
                                                    (col == 0 ? 0 : col == RACE_COLS - 1 ? 2 : 1)];
            uint64_t bits = 0;
            __m512i a[9];
            for (k = 0; k < 9; k++) {
                a[k] = _mm512_set1_epi64((long long)from[k / 3 * FRAME + k % 3]);
            }
            for (g = 0; g < 8; g++) {
                __m512i sum = _mm512_setzero_si512();
                for (k = 0; k < 9; k++) {
                    const __m512i w = _mm512_load_si512(race_weights[g][k]);
                    sum = _mm512_add_epi64(sum, _mm512_popcnt_epi64(_mm512_xor_si512(a[k], w)));
                }
                bits |= (uint64_t)_mm512_cmpge_epi64_mask(sum, _mm512_load_si512(limit + 8 * g)) << (8 * g);
            }
            memcpy(y, &bits, sizeof bits);
            y += 2;
        }
    }
}

static double now(void)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (double)at.tv_sec * 1e9 + (double)at.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    const double d = *(const double *)a - *(const double *)b;
    return (d > 0) - (d < 0);
}

int main(void)
{
    static double mine[ROUNDS], other[ROUNDS];
    uint64_t state = 0x9e3779b97f4a7c15u;
    cpu_set_t here;
    int i;
    CPU_ZERO(&here);
    CPU_SET(sched_getcpu(), &here);
    (void)sched_setaffinity(0, sizeof here, &here);
    for (i = 0; i < 2 * PIXELS; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        image[i] = (uint32_t)(state >> 32);
    }
    for (i = 0; i < ROUNDS; i++) {
        double start = now();
        RACE_LAYER(ours, image);
        mine[i] = now() - start;
        start = now();
        by_vpopcntdq(theirs, image);
        other[i] = now() - start;
        if (memcmp(ours, theirs, sizeof ours) != 0) {
            return 1;
        }
    }
    qsort(mine, ROUNDS, sizeof *mine, by_size);
    qsort(other, ROUNDS, sizeof *other, by_size);
    printf("%.0f %.0f\n", mine[ROUNDS / 2], other[ROUNDS / 2]);
    return 0;
}
