// Drives the serial line of a board's top: bytes of a file in, one after the other, the bytes that come back out.
// Built by lrtc with Verilator with the prefix Vboard; CLOCKS_PER_BIT is a macro.
// Arguments: the file to send, how many bytes to wait for, cycles to wait for the last one, and a list of
// "AT:CYCLES" pauses before byte AT. Prints the bytes that came as decimal numbers, and the cycles in all.

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "verilated.h"
#include "Vboard.h"

namespace {

constexpr int kBits = 10;  // start, 8 data, stop

std::vector<uint8_t> ReadFile(const char* path) {
    std::vector<uint8_t> bytes;
    std::FILE* file = std::fopen(path, "rb");
    if (file == nullptr) std::exit(2);
    for (int c; (c = std::fgetc(file)) != EOF;) bytes.push_back(static_cast<uint8_t>(c));
    std::fclose(file);
    return bytes;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 4) return 2;
    const std::vector<uint8_t> sent = ReadFile(argv[1]);
    const size_t wanted = std::strtoull(argv[2], nullptr, 10);
    const uint64_t patience = std::strtoull(argv[3], nullptr, 10);
    std::vector<uint64_t> pauses(sent.size() + 1, 0);
    for (int i = 4; i < argc; i++) {
        char* rest = nullptr;
        const size_t at = std::strtoull(argv[i], &rest, 10);
        if (at > sent.size() || *rest != ':') return 2;
        pauses[at] = std::strtoull(rest + 1, nullptr, 10);
    }

    auto context = std::make_unique<VerilatedContext>();
    auto top = std::make_unique<Vboard>(context.get());
    size_t byte = 0, came = 0;
    uint64_t sending = 0, quiet = 0, cycle = 0;
    uint64_t pause = 100;  // until the power-on reset is over
    int listening = -1, value = 0;
    top->rx_i = 1;
    while (came < wanted && quiet < patience) {
        if (pause > 0) {
            pause--;
        } else if (byte < sent.size()) {
            const uint64_t bit = sending / CLOCKS_PER_BIT;
            const int line = bit == 0 ? 0 : bit == kBits - 1 ? 1 : sent[byte] >> (bit - 1) & 1;
            top->rx_i = static_cast<uint8_t>(line);
            if (++sending == static_cast<uint64_t>(kBits) * CLOCKS_PER_BIT) {
                sending = 0;
                byte++;
                pause = pauses[byte];
            }
        } else {
            top->rx_i = 1;
            quiet++;
        }
        top->clk_i = 0;
        top->eval();
        top->clk_i = 1;
        top->eval();
        cycle++;
        if (listening < 0) {
            if (top->tx_o == 0) {
                listening = 0;
                value = 0;
            }
            continue;
        }
        if (++listening % CLOCKS_PER_BIT != CLOCKS_PER_BIT / 2) continue;  // the middle of a bit
        const int bit = listening / CLOCKS_PER_BIT;  // 0: start, 1 to 8: data, 9: stop
        if (bit >= 1 && bit <= 8) value |= top->tx_o << (bit - 1);
        if (bit == 9) {
            if (top->tx_o == 1) {
                std::printf("%d\n", value);
                came++;
            }
            listening = -1;
        }
    }
    std::printf("cycles %llu\n", static_cast<unsigned long long>(cycle));
    return came == wanted ? 0 : 1;
}
