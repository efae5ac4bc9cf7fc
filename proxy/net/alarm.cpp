#include "proxy/net/alarm.hpp"

namespace countersign::proxy {

void alarm::await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    const bool is_first = when_ < clock_.next();
    clock_.alarms_.insert(*this);
    if (is_first && clock_.on_earlier) {
        clock_.on_earlier();
    }
}

void alarm::cancel() noexcept {
    if (!is_linked()) {
        return;
    }
    unlink();
    when_ = steady_time::min();
    clock_.alarms_.insert(*this);
    if (clock_.on_earlier) {
        clock_.on_earlier();
    }
}

void alarm_clock::ring(steady_time now) {
    while (!alarms_.empty() && alarms_.begin()->when_ <= now) {
        alarm& due = *alarms_.begin();
        due.unlink();
        due.waiting_.resume(); // it may end, and others may be set
    }
}

} // namespace countersign::proxy
