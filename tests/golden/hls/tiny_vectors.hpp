// Images and what they must give, for the test bench of tiny. Written by lrtc VERSION; do not edit.
#ifndef TINY_VECTORS_HPP
#define TINY_VECTORS_HPP

static const unsigned char tiny_x[2][16] =
    {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
    30, 31}};

static const int tiny_y[2][3] =
    {{1, 2, 3}, {4, -5, 6}};

#endif
