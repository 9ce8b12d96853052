// Random vectors, extreme numbers among them, for widths.sv.
#include "Vwidths.h"
#include <cstdio>
#include <random>
int main() {
    Vwidths top;
    std::mt19937 rng(1);
    int wrong = 0;
    auto number = [&] { unsigned r = rng(); return r % 4 == 0 ? 0x7fu : r % 4 == 1 ? 0x80u : (r >> 8) & 255u; };
    for (int n = 0; n < 2000; n++) {
        top.x_i = number() | number() << 8 | number() << 16;
        top.w_i = number() | number() << 8 | number() << 16;
        top.valid_i = n % 3 ? rng() & 7 : 7;
        top.eval();
        wrong += top.wrong_o;
    }
    std::printf("%d of 2000 vectors are wrong\n", wrong);
}
