// tiny: weights, levels and other constants of model tiny. Written by lrtc VERSION; do not edit.
#ifndef TINY_CONSTANTS_HPP
#define TINY_CONSTANTS_HPP

#include <ap_int.h>

static const ap_int<13> tiny_conv_level[2][2][1] =
    {{{37}, {-9}}, {{54}, {140}}};

static const ap_uint<1> tiny_conv_flip[2][2] =
    {{0, 1}, {1, 1}};

static const ap_uint<6> tiny_conv_weight[2][6][1] =
    {{{0x1ULL}, {0x3fULL}, {0x3fULL}, {0x26ULL}, {0x27ULL}, {0x2ULL}}, {{0x5ULL}, {0x4ULL}, {0x1ULL}, {0xfULL},
    {0x37ULL}, {0x13ULL}}};

static const ap_int<8> tiny_fc_multiplier[3][1] =
    {{-115}, {-106}, {-31}};

static const ap_int<11> tiny_fc_offset[3][1] =
    {{665}, {-198}, {574}};

static const ap_uint<4> tiny_fc_weight[3][4][1] =
    {{{0x6ULL}, {0xeULL}, {0xeULL}, {0x7ULL}}, {{0xdULL}, {0x3ULL}, {0xcULL}, {0x6ULL}}, {{0x3ULL}, {0x7ULL}, {0x9ULL},
    {0xcULL}}};

#endif
