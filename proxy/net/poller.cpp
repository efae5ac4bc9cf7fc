#include "proxy/net/poller.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>
#include <utility>

namespace countersign::proxy {

namespace {

constexpr int most_turns = 16; // without letting timers and posted functions have theirs
constexpr int busy = 1;        // poll again while at least this many events were found

int make_set() {
    const int set = ::epoll_create1(EPOLL_CLOEXEC);
    if (set < 0) {
        throw boost::system::system_error{errno, boost::system::system_category(), "epoll_create1"};
    }
    return set;
}

} // namespace

poller::poller(boost::asio::io_context& context, clock& time, socket_calls& calls)
    : time_(time), calls_(calls), set_(context, make_set()) {}

void poller::start() {
    wait();
}

void poller::stop() noexcept {
    stopped_ = true;
    boost::system::error_code ignored;
    set_.cancel(ignored);
}

void poller::wait() {
    if (stopped_) { // by what the last turn has resumed
        return;
    }
    set_.async_wait(decltype(set_)::wait_read, [this](boost::system::error_code e) {
        if (!e) {
            turn();
            wait();
        }
    });
}

void poller::turn() {
    for (int i = 0; i < most_turns && dispatch() >= busy; ++i) {
    }
}

int poller::dispatch() {
    const int found = calls_.take_events(set_.native_handle(), events_.data(), static_cast<int>(events_.size()));
    const std::span<const epoll_event> events{events_.data(), static_cast<std::size_t>(std::max(found, 0))};
    ++round_;
    knows_all_ = events.size() < events_.size();
    // Noted for all before anybody is resumed: who now takes an idle connection knows whether it is still silent.
    for (const epoll_event& e : events) {
        if (pollable* const p = find(e)) {
            p->note(e.events);
        }
    }
    for (const epoll_event& e : events) {
        time_.refresh();
        if (pollable* const p = find(e)) {
            p->ready_to_read(e.events);
        }
        if (pollable* const p = find(e)) { // reading may have ended it
            p->ready_to_write(e.events);
        }
    }
    knows_all_ = false;
    resume_cancelled();
    return found;
}

bool poller::add(int descriptor, pollable& p) noexcept {
    if (free_place_ == pollable::nowhere) {
        try {
            places_.emplace_back();
        } catch (const std::bad_alloc&) {
            return false;
        }
        free_place_ = static_cast<std::uint32_t>(places_.size() - 1);
    }
    const std::uint32_t index = free_place_;
    place& at = places_[index];
    epoll_event e{};
    e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    e.data.u64 = std::uint64_t{at.generation} << 32 | index;
    if (calls_.watch(set_.native_handle(), descriptor, e) != 0) {
        return false;
    }
    free_place_ = at.next_free;
    at.who = &p;
    p.place_ = index;
    return true;
}

void poller::forget(pollable& p) noexcept {
    if (p.place_ == pollable::nowhere) {
        return;
    }
    const std::uint32_t index = std::exchange(p.place_, pollable::nowhere);
    place& at = places_[index];
    at.who = nullptr;
    ++at.generation;
    at.next_free = std::exchange(free_place_, index);
    std::replace(cancelled_.begin(), cancelled_.end(), &p, static_cast<pollable*>(nullptr));
}

pollable* poller::find(const epoll_event& e) const noexcept {
    const place& at = places_[static_cast<std::uint32_t>(e.data.u64)];
    return at.generation == e.data.u64 >> 32 ? at.who : nullptr;
}

void poller::resume_cancelled() {
    for (std::size_t i = 0; i < cancelled_.size(); ++i) { // it may grow meanwhile
        while (cancelled_[i] && cancelled_[i]->resume_cancelled()) {
        }
    }
    cancelled_.clear();
}

} // namespace countersign::proxy
