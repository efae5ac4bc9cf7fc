// Moments that coroutines wait for. The owner sees to it that ring() is called in time: a worker by one timer, a
// simulation by its own time. Not thread-safe: one worker's.
#pragma once

#include "proxy/net/clock.hpp"

#include <boost/intrusive/set.hpp>

#include <coroutine>
#include <functional>

namespace countersign::proxy {

class alarm_clock;

// co_await alarm: until its moment, or until it is cancelled.
class alarm : public boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
public:
    alarm(alarm_clock& c, steady_time when) noexcept : clock_(c), when_(when) {}

    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting);
    void await_resume() const noexcept {}

    void cancel() noexcept; // it rings at once: with the next ring()
    bool operator<(const alarm& other) const noexcept { return when_ < other.when_; }

private:
    friend class alarm_clock;
    alarm_clock& clock_;
    steady_time when_;
    std::coroutine_handle<> waiting_;
};

class alarm_clock {
public:
    static constexpr steady_time never = steady_time::max();

    steady_time next() const noexcept { return alarms_.empty() ? never : alarms_.begin()->when_; }
    void ring(steady_time now);       // resumes whose moment has come
    std::function<void()> on_earlier; // next() is earlier than before

private:
    friend class alarm;
    boost::intrusive::multiset<alarm, boost::intrusive::constant_time_size<false>> alarms_;
};

} // namespace countersign::proxy
