// Drives an emitted accelerator without a simulator's kernel: images in, answers out and compared, stalls, resets, word counts.
// ports.h, written for each design, binds the ports and says how many beats an image has. See README.md.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "Vtop.h"
#include "verilated.h"

struct In {
    const char *name;
    CData *valid, *ready;
    void *data;
    size_t octets, beats;  // of a beat; an image
    std::vector<uint8_t> bytes;
    size_t sent = 0;  // beats since the last reset
    bool offering = false;
};

struct Out {
    const char *name;
    CData *valid, *ready;
    IData *data;
    CData *last;
    size_t beats;  // an image
    std::vector<int32_t> want;
    size_t taken = 0;  // beats since the last reset
    std::vector<uint64_t> ends;  // the cycle of each image's last beat
    bool held = false;
    IData held_data = 0;
    CData held_last = 0;
    uint64_t since = 0;  // the cycle of the last image's end, or reset's
};

#include "ports.h"  // bind_ports, kProbes, probe_words

namespace {

// xorshift64*: the same on every machine
uint64_t random_state = 1;
uint32_t random_bits() {
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return static_cast<uint32_t>((random_state * 2685821657736338717ull) >> 32);
}
bool chance(double share) { return random_bits() < share * 4294967296.0; }
uint32_t below(uint32_t n) { return random_bits() % n; }

// Whether a side sits a cycle out: at random, or hostile: habits that change, some of them none at all for a while.
struct Habit {
    double share;  // of the cycles; negative: hostile
    uint32_t kind = 0, left = 0;
    bool odd = false;
    bool stalls() {
        if (share >= 0) return share > 0 && chance(share);
        if (!left) kind = below(6), left = 1 + below(kind == 1 ? 300 : 60);
        --left;
        odd = !odd;
        switch (kind) {
            case 0: return false;
            case 1: return true;
            case 2: return odd;
            case 3: return chance(0.5);
            case 4: return chance(0.95);
            default: return chance(0.05);
        }
    }
};

[[noreturn]] void fault(uint64_t cycle, const std::string &what) {
    std::printf("fault cycle %llu: %s\n", static_cast<unsigned long long>(cycle), what.c_str());
    std::fflush(stdout);
    std::_Exit(1);
}

template <class T> std::vector<T> read_file(const std::string &path) {
    std::FILE *f = std::fopen(path.c_str(), "rb");
    if (!f) fault(0, "no file " + path);
    std::fseek(f, 0, SEEK_END);
    std::vector<T> found(static_cast<size_t>(std::ftell(f)) / sizeof(T));
    std::rewind(f);
    if (std::fread(found.data(), sizeof(T), found.size(), f) != found.size()) fault(0, "cannot read " + path);
    std::fclose(f);
    return found;
}

}  // namespace

// argv: images, source share, sink share (negative: hostile), seed, least cycles, cycles between resets (0: none), patience
int main(int argc, char **argv) {
    if (argc != 8) return 2;
    const size_t images = std::strtoull(argv[1], nullptr, 10);
    const double source_share = std::atof(argv[2]), sink_share = std::atof(argv[3]);
    random_state = std::strtoull(argv[4], nullptr, 10) * 0x9E3779B97F4A7C15ull + 1;
    const uint64_t least = std::strtoull(argv[5], nullptr, 10), reset_every = std::strtoull(argv[6], nullptr, 10);
    const uint64_t patience = std::strtoull(argv[7], nullptr, 10);

    Verilated::randReset(2);
    Verilated::randSeed(1);
    Vtop top;
    std::vector<In> ins;
    std::vector<Out> outs;
    bind_ports(top, ins, outs);
    for (size_t k = 0; k < ins.size(); ++k) ins[k].bytes = read_file<uint8_t>("in" + std::to_string(k) + ".bin");
    for (size_t k = 0; k < outs.size(); ++k) outs[k].want = read_file<int32_t>("want" + std::to_string(k) + ".bin");
    std::vector<Habit> in_habits(ins.size(), Habit{source_share}), out_habits(outs.size(), Habit{sink_share});
    std::vector<uint64_t> words(kProbes, 0);
    uint64_t cycle = 0, quiet = 0, first_in = 0, first_out = 0, resets = 0, done_before = 0;
    uint64_t longest = 64;  // cycles of an image
    bool in_seen = false, out_seen = false;
    size_t offset = 0;  // the image that frame 0 since the last reset is
    uint64_t next_reset = reset_every ? 1 + below(static_cast<uint32_t>(reset_every)) : ~0ull;

    top.clk_i = 0;
    auto tick = [&] {
        top.clk_i = 1;
        top.eval();
        top.clk_i = 0;
        ++cycle;
    };
    auto reset = [&](uint32_t cycles) {
        top.rst_ni = 0;
        for (In &in : ins) *in.valid = 0, in.sent = 0, in.offering = false;
        for (Out &out : outs) *out.ready = 0, out.taken = 0, out.held = false, out.since = cycle;
        for (uint32_t k = 0; k < cycles; ++k) top.eval(), tick();
        top.rst_ni = 1;
        std::fill(words.begin(), words.end(), 0);
    };
    auto count_words = [&] {
        bool any = false;
        if (kProbes) {
            const uint32_t *probe = probe_words(top);
            for (size_t w = 0; w * 32 < kProbes; ++w)
                for (uint32_t bits = probe[w]; bits; bits &= bits - 1) ++words[w * 32 + __builtin_ctz(bits)], any = true;
        }
        return any;
    };
    reset(4);
    cycle = 0;
    for (Out &out : outs) out.since = 0;

    // Frames go on until the images are through and `least` cycles are over; then every side ends the same frame.
    size_t frames = images;
    for (;;) {
        size_t started = 0;
        for (In &in : ins) started = std::max(started, (in.sent + in.offering + in.beats - 1) / in.beats);
        if (cycle < least) frames = std::max(images, started + 1);
        bool ended = true;
        for (size_t k = 0; k < ins.size(); ++k) {
            In &in = ins[k];
            const bool more = in.sent < frames * in.beats;
            if (!in.offering && more && !in_habits[k].stalls()) {
                const size_t beat = (in.sent + offset * in.beats) % (images * in.beats);
                std::memcpy(in.data, in.bytes.data() + beat * in.octets, in.octets);
                in.offering = true;
            }
            *in.valid = in.offering;
            ended = ended && !more;
        }
        for (size_t k = 0; k < outs.size(); ++k) {
            *outs[k].ready = !out_habits[k].stalls();
            ended = ended && outs[k].taken == frames * outs[k].beats;
        }
        if (ended && cycle >= least) break;
        top.eval();
        ++quiet;
        count_words();
        for (Out &out : outs) {
            if (!*out.valid) {
                if (out.held) fault(cycle, std::string(out.name) + "_tvalid fell before the beat was taken");
                continue;
            }
            if (out.held && (*out.data != out.held_data || *out.last != out.held_last))
                fault(cycle, std::string(out.name) + " changed before it was taken");
            out.held = true, out.held_data = *out.data, out.held_last = *out.last;
            if (!*out.ready) continue;
            out.held = false;
            const size_t frame = out.taken / out.beats, beat = out.taken % out.beats;
            if (frame >= frames) fault(cycle, "a beat came after the last image");
            const bool last = beat == out.beats - 1;
            if (*out.last != last) fault(cycle, "TLAST is wrong at beat " + std::to_string(beat) + " of an image");
            const int32_t want = out.want[(frame + offset) % images * out.beats + beat];
            if (static_cast<int32_t>(*out.data) != want)
                fault(cycle, std::string(out.name) + " differs at image " + std::to_string((frame + offset) % images) + ", beat " +
                                 std::to_string(beat) + ": want " + std::to_string(want) + ", got " +
                                 std::to_string(static_cast<int32_t>(*out.data)));
            if (!out_seen) first_out = cycle, out_seen = true;
            ++out.taken;
            quiet = 0;
            if (last) {
                out.ends.push_back(cycle);
                longest = std::max(longest, cycle - out.since);
                out.since = cycle;
            }
        }
        std::vector<bool> moved(ins.size());
        for (size_t k = 0; k < ins.size(); ++k) moved[k] = ins[k].offering && *ins[k].ready;
        tick();
        for (size_t k = 0; k < ins.size(); ++k)
            if (moved[k]) {
                if (!in_seen) first_in = cycle - 1, in_seen = true;
                ++ins[k].sent, ins[k].offering = false;
                quiet = 0;
            }
        if (quiet > patience) fault(cycle, "nothing has moved for " + std::to_string(patience) + " cycles");
        if (cycle >= next_reset && cycle < least) {
            done_before += outs.back().taken / outs.back().beats;
            offset = below(static_cast<uint32_t>(images));
            reset(1 + below(4));
            ++resets;
            next_reset = cycle + 1 + below(static_cast<uint32_t>(2 * reset_every));
            frames = images;
        }
    }
    for (In &in : ins) *in.valid = 0;
    for (Out &out : outs) *out.ready = 1;
    // A last image's pixels that no answer waits for, as those that a stride skips, come to an end inside. No stream sits
    // out as many cycles as an image takes.
    const uint64_t end = cycle;
    for (uint64_t still = 0; still < longest; ++still) {
        top.eval();
        if (count_words()) still = 0;
        for (Out &out : outs)
            if (*out.valid) fault(cycle, "a beat came after the last image");
        tick();
        if (cycle - end > patience + longest) fault(cycle, "streams inside go on after the last image");
    }
    std::printf("cycles %llu\nframes %llu\nresets %llu\nlatency %lld\nsegment %llu\n", static_cast<unsigned long long>(end),
                static_cast<unsigned long long>(done_before + frames), static_cast<unsigned long long>(resets),
                static_cast<long long>(first_out - first_in), static_cast<unsigned long long>(frames));
    for (size_t k = 0; k < kProbes; ++k) std::printf("words %zu %llu\n", k, static_cast<unsigned long long>(words[k]));
    std::FILE *f = std::fopen("ends.bin", "wb");
    for (Out &out : outs)
        if (!f || std::fwrite(out.ends.data(), sizeof(uint64_t), out.ends.size(), f) != out.ends.size()) return 3;
    std::fclose(f);
    return 0;
}
