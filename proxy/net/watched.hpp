// Deadlines without timers: everything of a worker that may have to end by itself is in one list, which the worker's
// tick walks ten times a second. Setting a deadline is one store.
#pragma once

#include "proxy/net/clock.hpp"

#include <boost/intrusive/list.hpp>

#include <cstdint>

namespace countersign::proxy {

class watched : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    // Called about every 100 ms. May cancel operations (whose handlers run later); must not resume a coroutine.
    virtual void on_tick(steady_time now) = 0;

    // The proxy shuts down: `soon` lets a request under way finish, `now` does not. The same rules.
    enum class ending : std::uint8_t { soon, now };
    virtual void on_ending(ending) {}

    // After the walk, of those that asked for it there. May destroy the object.
    virtual void after_walk() {}

protected:
    ~watched() = default;
};

using watch_list = boost::intrusive::list<watched, boost::intrusive::constant_time_size<false>>;

} // namespace countersign::proxy
