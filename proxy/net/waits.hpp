// What a coroutine of a worker awaits besides sockets: a moment in time, and an event that others bring about. Not
// thread-safe: everything happens on the worker's thread.
#pragma once

#include "proxy/net/io_error.hpp"

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>

#include <chrono>
#include <coroutine>
#include <utility>

namespace countersign::proxy {

// co_await pause(timer): until the timer's expiry, or until it is cancelled.
class pause {
public:
    using timer = boost::asio::basic_waitable_timer<
        std::chrono::steady_clock,
        boost::asio::wait_traits<std::chrono::steady_clock>,
        boost::asio::io_context::executor_type>;

    explicit pause(timer& t) noexcept : timer_(t) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        waiting_ = waiting;
        timer_.async_wait(completion{this});
    }
    void await_resume() const noexcept {}

private:
    struct completion {
        pause* self;
        void operator()(boost::system::error_code) const { self->waiting_.resume(); }
    };
    timer& timer_;
    std::coroutine_handle<> waiting_;
};

// Coroutines that wait for one event: wake_all() resumes them, in order. A waiter that gave up is resumed by
// expire(). Waiters live in the frames of those who wait.
class wait_queue {
public:
    using clock = std::chrono::steady_clock;

    class waiter {
    public:
        waiter(wait_queue& queue, clock::time_point deadline) noexcept : queue_(queue), deadline_(deadline) {}
        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> waiting) noexcept {
            waiting_ = waiting;
            next_ = nullptr;
            *queue_.last_ = this;
            queue_.last_ = &next_;
        }
        io_error await_resume() const noexcept { return error_; } // none, timed_out or cancelled

    private:
        friend class wait_queue;
        wait_queue& queue_;
        clock::time_point deadline_;
        std::coroutine_handle<> waiting_;
        waiter* next_ = nullptr;
        io_error error_ = io_error::none;
    };

    wait_queue() = default;
    wait_queue(const wait_queue&) = delete;
    wait_queue& operator=(const wait_queue&) = delete;

    waiter wait_until(clock::time_point deadline) noexcept { return {*this, deadline}; }
    void wake_all(io_error with = io_error::none) {
        resume_if([](const waiter&) { return true; }, with);
    }
    void expire(clock::time_point now) {
        if (first_) {
            resume_if([now](const waiter& w) { return w.deadline_ <= now; }, io_error::timed_out);
        }
    }

private:
    // Takes the chosen ones out first: a resumed coroutine may wait here again.
    template <class Choose>
    void resume_if(Choose choose, io_error with) {
        waiter* chosen = nullptr;
        waiter** chosen_last = &chosen;
        waiter** place = &first_;
        while (waiter* const w = *place) {
            if (choose(*w)) {
                *place = w->next_;
                w->next_ = nullptr;
                w->error_ = with;
                *chosen_last = w;
                chosen_last = &w->next_;
            } else {
                place = &w->next_;
            }
        }
        last_ = place;
        while (chosen) {
            waiter* const w = std::exchange(chosen, chosen->next_);
            w->waiting_.resume();
        }
    }

    waiter* first_ = nullptr;
    waiter** last_ = &first_;
};

} // namespace countersign::proxy
