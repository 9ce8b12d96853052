// Streams for C simulation without Vitis HLS, which brings its own header of this name. Written for lrtc, Apache-2.0.
//
// Stages that are called one after the other find streams without end, as in Vitis; to read an empty one ends the program.
// Under `lrtc_sim::stages` (lrtc_bounded.h) a stream holds `Depth` values, and who reads an empty or writes a full one waits.
// A stream that is gone while it holds values ends the program: a stage made more than the next one took.
#ifndef LRTC_SIM_HLS_STREAM_H
#define LRTC_SIM_HLS_STREAM_H

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <deque>

namespace lrtc_sim {

struct queue {
    const char *name;
    std::size_t depth;  // 0: any number of values
    std::size_t count;
    std::size_t most;

    queue(const char *name_, std::size_t depth_) : name(name_), depth(depth_), count(0), most(0) {}
    bool full() const { return depth != 0 && count >= depth; }
};

struct scheduler {
    virtual ~scheduler() {}
    virtual void wait(const queue &stream, bool for_room) = 0;  // returns when a value, or room, has come
};

// Who schedules the stages; nobody where they are called one after the other.
inline scheduler *&scheduled()
{
    static scheduler *current = nullptr;
    return current;
}

}  // namespace lrtc_sim

namespace hls {

template <class T, int Depth = 0> class stream;

template <class T> class stream<T, 0> {
    std::deque<T> values;
    lrtc_sim::queue state;

public:
    explicit stream(const char *name = "", std::size_t depth = 0) : state(name, depth) {}
    stream(const stream &) = delete;
    stream &operator=(const stream &) = delete;
    ~stream()
    {
        if (values.empty()) return;
        std::fprintf(stderr, "lrtc: %zu values are left in the stream %s\n", values.size(), state.name);
        std::_Exit(3);
    }

    bool empty() const { return values.empty(); }
    std::size_t size() const { return values.size(); }

    T read()
    {
        if (values.empty() && lrtc_sim::scheduled()) lrtc_sim::scheduled()->wait(state, false);
        if (values.empty()) {
            std::fprintf(stderr, "lrtc: the stream %s is read while it is empty\n", state.name);
            std::_Exit(3);
        }
        const T value = values.front();
        values.pop_front();
        state.count = values.size();
        return value;
    }
    void read(T &value) { value = read(); }

    void write(const T &value)
    {
        if (lrtc_sim::scheduled() && state.full()) lrtc_sim::scheduled()->wait(state, true);
        values.push_back(value);
        state.count = values.size();
        if (state.count > state.most) state.most = state.count;
    }
};

template <class T, int Depth> class stream : public stream<T, 0> {
public:
    explicit stream(const char *name = "") : stream<T, 0>(name, Depth) {}
};

}  // namespace hls

#endif
