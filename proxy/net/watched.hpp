// Deadlines without timers: everything of a worker that may have to end by itself is in one list, which the worker's
// tick walks ten times a second. Setting a deadline is one store.
#pragma once

#include <boost/intrusive/list.hpp>

#include <chrono>
#include <cstdint>

namespace countersign::proxy {

using steady_time = std::chrono::steady_clock::time_point;

class watched : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    // Called about every 100 ms. May cancel operations (whose handlers run later); must not resume a coroutine.
    virtual void on_tick(steady_time now) = 0;

    // The proxy shuts down: `soon` lets a request under way finish, `now` does not. The same rules.
    enum class ending : std::uint8_t { soon, now };
    virtual void on_ending(ending) {}

protected:
    ~watched() = default;
};

using watch_list = boost::intrusive::list<watched, boost::intrusive::constant_time_size<false>>;

} // namespace countersign::proxy
