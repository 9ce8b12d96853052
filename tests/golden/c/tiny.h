/* tiny.h: a discrete neural network compiled by lrtc 0.0.0. Generated: edit the model, not this file. */
#ifndef TINY_H
#define TINY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define TINY_INPUT_BYTES 20 /* u8[4x5x1:HWC] */
#define TINY_CLASSES 2
#define TINY_ARENA_BYTES 128 /* static RAM */

/* What a caller promises, since nothing here checks it: no pointer is NULL, each leads to as many bytes or integers as
   is said below, the latter aligned as int32_t, the former at any address; none of these overlap; each byte is within
   its range. Calls must not overlap in time, nor come from an interrupt amid another: they share one arena. A call
   takes a bounded stack, which `lrtc size` prints for each core, and always returns. */

/* Compute the logits [TINY_CLASSES] of one input. `input` holds TINY_INPUT_BYTES bytes, 0..255 each, in the
   order row, column, channel; real data x becomes round(x / 0.00392156863), clamped to that range. */
void tiny_run(const uint8_t *input, int32_t *logits);

/* Return the class of one input: the index of the greatest logit, the lowest such index when several are equal. */
int tiny_classify(const uint8_t *input);

/* Return how many logits differ from those expected, 0 when all is well. In tiny_test.c. */
int tiny_selftest(void);

#ifdef __cplusplus
}
#endif

#endif
