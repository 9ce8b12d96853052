// Integers of any width, as far as the code that lrtc emits needs them: C simulation without Vitis HLS. Vitis brings its
// own header of this name; this one is never synthesised. Written for lrtc, Apache-2.0.
//
// A value that nothing was assigned to is a pattern, not 0, so that what depends on it shows. Arithmetic is that of long
// long, for at most 63 bits; wider numbers are only moved, cut and compared. Out of range indices end the program.
#ifndef LRTC_SIM_AP_INT_H
#define LRTC_SIM_AP_INT_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <type_traits>

namespace lrtc_sim {

inline void need(bool truth, const char *what)
{
    if (!truth) {
        std::fprintf(stderr, "lrtc: %s\n", what);
        std::_Exit(3);
    }
}

// `bits` bits (1 to 64) of little-endian words, from bit `at` on.
inline std::uint64_t peek(const std::uint64_t *words, int at, int bits)
{
    const int word = at / 64, shift = at % 64;
    std::uint64_t value = words[word] >> shift;
    if (shift != 0 && shift + bits > 64) value |= words[word + 1] << (64 - shift);
    return bits == 64 ? value : value & ((std::uint64_t(1) << bits) - 1);
}

inline void poke(std::uint64_t *words, int at, int bits, std::uint64_t value)
{
    const int word = at / 64, shift = at % 64;
    const std::uint64_t mask = bits == 64 ? ~std::uint64_t(0) : (std::uint64_t(1) << bits) - 1;
    value &= mask;
    words[word] = (words[word] & ~(mask << shift)) | (value << shift);
    if (shift != 0 && shift + bits > 64) {
        words[word + 1] = (words[word + 1] & ~(mask >> (64 - shift))) | (value >> (64 - shift));
    }
}

inline void move(std::uint64_t *to, int to_at, const std::uint64_t *from, int from_at, int bits)
{
    for (int done = 0; done < bits; done += 64) {
        const int now = bits - done < 64 ? bits - done : 64;
        poke(to, to_at + done, now, peek(from, from_at + done, now));
    }
}

// Some bits of a number, to read or to assign.
template <class Words> struct part {
    Words *words;
    int at, bits;

    part(Words *words_, int at_, int bits_) : words(words_), at(at_), bits(bits_) {}
    part(const part &) = default;
    template <class T> part &operator=(const T &value)
    {
        assign(value, std::is_integral<T>());
        return *this;
    }
    part &operator=(const part &other) { return copy(other.words, other.at, other.bits); }
    operator std::uint64_t() const
    {
        need(bits <= 64, "a part of more than 64 bits is no number");
        return peek(words, at, bits);
    }

private:
    part &copy(const std::uint64_t *from, int from_at, int from_bits)
    {
        const int both = bits < from_bits ? bits : from_bits;
        std::uint64_t zero = 0;
        move(words, at, from, from_at, both);
        for (int k = both; k < bits; k++) move(words, at + k, &zero, 0, 1);
        return *this;
    }
    template <class T> void assign(const T &value, std::true_type)
    {
        const std::uint64_t low = static_cast<std::uint64_t>(value), high = value < T(0) ? ~std::uint64_t(0) : 0;
        for (int done = 0; done < bits; done += 64) {
            poke(words, at + done, bits - done < 64 ? bits - done : 64, done == 0 ? low : high);
        }
    }
    template <class T> void assign(const T &value, std::false_type) { copy(value.words(), 0, T::width); }
};

struct bit {
    std::uint64_t *words;
    int at;

    bit(std::uint64_t *words_, int at_) : words(words_), at(at_) {}
    bit(const bit &) = default;
    operator bool() const { return ((words[at / 64] >> (at % 64)) & 1) != 0; }
    bit &operator=(bool value)
    {
        poke(words, at, 1, value ? 1 : 0);
        return *this;
    }
    bit &operator=(const bit &other) { return *this = static_cast<bool>(other); }
};

template <int W, bool S> class number {
    static_assert(W >= 1, "a number has at least one bit");
    static const int Words = (W + 63) / 64;
    std::uint64_t data[Words];  // bits beyond W are 0

    void fill(std::uint64_t low, std::uint64_t rest)
    {
        data[0] = low;
        for (int k = 1; k < Words; k++) data[k] = rest;
        trim();
    }
    void trim()
    {
        if (W % 64 != 0) data[Words - 1] &= ~std::uint64_t(0) >> ((64 - W % 64) % 64);
    }

public:
    static const int width = W;

    number() { fill(UINT64_C(0xa5c3a5c3a5c3a5c3), UINT64_C(0x5a3c5a3c5a3c5a3c)); }
    template <class T, class = typename std::enable_if<std::is_integral<T>::value>::type> number(T value)
    {
        fill(static_cast<std::uint64_t>(value), value < T(0) ? ~std::uint64_t(0) : 0);
    }
    template <int W2, bool S2> number(const number<W2, S2> &other)
    {
        const std::uint64_t sign = S2 && other.test(W2 - 1) ? ~std::uint64_t(0) : 0;
        const int both = W < W2 ? W : W2;
        for (int k = 0; k < Words; k++) data[k] = sign;
        move(data, 0, other.words(), 0, both);
        trim();
    }
    template <class Other> number(const part<Other> &other)
    {
        for (int k = 0; k < Words; k++) data[k] = 0;
        move(data, 0, other.words, other.at, W < other.bits ? W : other.bits);
    }
    number(const bit &other) { fill(other ? 1 : 0, 0); }

    const std::uint64_t *words() const { return data; }
    bool test(int at) const
    {
        need(at >= 0 && at < W, "there is no such bit");
        return ((data[at / 64] >> (at % 64)) & 1) != 0;
    }

    part<std::uint64_t> range(int high, int low)
    {
        need(low >= 0 && low <= high && high < W, "there are no such bits");
        return part<std::uint64_t>(data, low, high - low + 1);
    }
    part<const std::uint64_t> range(int high, int low) const
    {
        need(low >= 0 && low <= high && high < W, "there are no such bits");
        return part<const std::uint64_t>(data, low, high - low + 1);
    }
    bit operator[](int at)
    {
        need(at >= 0 && at < W, "there is no such bit");
        return bit(data, at);
    }
    bool operator[](int at) const { return test(at); }

    typedef typename std::conditional<W == 64 && !S, unsigned long long, long long>::type value_type;
    operator value_type() const
    {
        static_assert(W <= 64, "only numbers of at most 64 bits are computed with");
        if (S && W < 64 && test(W - 1)) return static_cast<value_type>(data[0] | ~std::uint64_t(0) << (W % 64));
        return static_cast<value_type>(data[0]);
    }
    long long to_int64() const { return static_cast<long long>(static_cast<value_type>(*this)); }
    int to_int() const { return static_cast<int>(to_int64()); }

    template <class T> number &operator+=(const T &other) { return *this = number(*this + other); }
    template <class T> number &operator-=(const T &other) { return *this = number(*this - other); }

    number operator~() const
    {
        number found(*this);
        for (int k = 0; k < Words; k++) found.data[k] = ~data[k];
        found.trim();
        return found;
    }
    friend number operator&(const number &a, const number &b)
    {
        number found(a);
        for (int k = 0; k < Words; k++) found.data[k] &= b.data[k];
        return found;
    }
    friend number operator|(const number &a, const number &b)
    {
        number found(a);
        for (int k = 0; k < Words; k++) found.data[k] |= b.data[k];
        return found;
    }
    friend number operator^(const number &a, const number &b)
    {
        number found(a);
        for (int k = 0; k < Words; k++) found.data[k] ^= b.data[k];
        return found;
    }
};

}  // namespace lrtc_sim

template <int W> using ap_uint = lrtc_sim::number<W, false>;
template <int W> using ap_int = lrtc_sim::number<W, true>;

#endif
