// Runs stages as the hardware does: side by side, between streams that hold as many values as planned. One stage runs at a
// time and goes on until it waits, so that a run is repeatable. If all wait, the program ends and says for what.
// Written for lrtc, Apache-2.0.
#ifndef LRTC_SIM_BOUNDED_H
#define LRTC_SIM_BOUNDED_H

#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "hls_stream.h"

namespace lrtc_sim {

class stages : public scheduler {
    struct stage {
        const char *name;
        std::function<void()> body;
        std::condition_variable turn;
        std::thread thread;
        const queue *waits;
        bool for_room, done;
    };

    int images;
    std::vector<std::unique_ptr<stage>> all;
    std::size_t at;  // whose turn it is; as many as there are stages: nobody's
    std::mutex mutex;
    std::condition_variable over;

    static bool can_go(const stage &s)
    {
        return !s.done && (!s.waits || (s.for_room ? !s.waits->full() : s.waits->count != 0));
    }

    // Gives the turn to the next stage that can go on.
    void pass_on()
    {
        bool left = false;
        for (std::size_t k = 1; k <= all.size(); k++) {
            const std::size_t next = (at + k) % all.size();
            left = left || !all[next]->done;
            if (can_go(*all[next])) {
                at = next;
                all[next]->turn.notify_one();
                return;
            }
        }
        if (left) stop();
        at = all.size();
        over.notify_one();
    }

    void stop() const
    {
        std::fprintf(stderr, "lrtc: all stages wait for each other:\n");
        for (const std::unique_ptr<stage> &s : all) {
            if (s->done) continue;
            std::fprintf(stderr, "  %s: the stream %s, which holds %zu values, is %s\n", s->name, s->waits->name,
                         s->waits->count, s->for_room ? "full" : "empty");
        }
        std::_Exit(3);
    }

    void run_one(std::size_t k)
    {
        stage &own = *all[k];
        std::unique_lock<std::mutex> lock(mutex);
        own.turn.wait(lock, [&] { return at == k; });
        for (int n = 0; n < images; n++) own.body();
        own.done = true;
        pass_on();
    }

public:
    // Every stage takes `images` images.
    explicit stages(int images_) : images(images_), at(0) {}

    void add(const char *name, std::function<void()> body)
    {
        all.emplace_back(new stage{name, std::move(body), {}, {}, nullptr, false, false});
    }

    void wait(const queue &stream, bool for_room) override
    {
        stage &own = *all[at];
        const std::size_t k = at;
        std::unique_lock<std::mutex> lock(mutex, std::adopt_lock);
        own.waits = &stream;
        own.for_room = for_room;
        pass_on();
        own.turn.wait(lock, [&] { return at == k; });
        own.waits = nullptr;
        lock.release();
    }

    // Runs all stages until each has taken all images.
    void run()
    {
        scheduled() = this;
        {
            std::unique_lock<std::mutex> lock(mutex);
            for (std::size_t k = 0; k < all.size(); k++) all[k]->thread = std::thread([this, k] { run_one(k); });
            all[0]->turn.notify_one();
            over.wait(lock, [&] { return at == all.size(); });
        }
        for (const std::unique_ptr<stage> &s : all) s->thread.join();
        scheduled() = nullptr;
    }
};

}  // namespace lrtc_sim

#endif
