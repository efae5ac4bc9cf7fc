#include "proxy/net/poller.hpp"

#include "proxy/net/connection.hpp"
#include "proxy/worker.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <cerrno>
#include <new>
#include <span>
#include <utility>

namespace countersign::proxy {

namespace {

constexpr int most_turns = 16; // without letting timers and posted functions have theirs
constexpr int busy = 1;        // events at once: others are likely to have come when these are done

int make_set() {
    const int set = ::epoll_create1(EPOLL_CLOEXEC);
    if (set < 0) {
        throw boost::system::system_error{errno, boost::system::system_category(), "epoll_create1"};
    }
    return set;
}

} // namespace

poller::poller(boost::asio::io_context& context, worker& owner) : owner_(owner), set_(context, make_set()) {}

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
    const int found = ::epoll_wait(set_.native_handle(), events_.data(), static_cast<int>(events_.size()), 0);
    const std::span<const epoll_event> events{events_.data(), static_cast<std::size_t>(std::max(found, 0))};
    ++round_;
    knows_all_ = events.size() < events_.size();
    // Noted for all before anybody is resumed: who now takes an idle connection knows whether it is still silent.
    for (const epoll_event& e : events) {
        if (connection* const t = find(e)) {
            t->note(e.events);
        }
    }
    for (const epoll_event& e : events) {
        owner_.refresh_clock();
        if (connection* const t = find(e)) {
            t->ready_to_read(e.events);
        }
        if (connection* const t = find(e)) { // reading may have ended it
            t->ready_to_write(e.events);
        }
    }
    knows_all_ = false;
    return found;
}

bool poller::add(int descriptor, connection& t) noexcept {
    if (free_place_ == nowhere) {
        try {
            places_.emplace_back();
        } catch (const std::bad_alloc&) {
            return false;
        }
        free_place_ = static_cast<std::uint32_t>(places_.size() - 1);
    }
    const std::uint32_t index = free_place_;
    place& p = places_[index];
    epoll_event e{};
    e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    e.data.u64 = std::uint64_t{p.generation} << 32 | index;
    if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, descriptor, &e) != 0) {
        return false;
    }
    free_place_ = p.next_free;
    p.who = &t;
    t.place_ = index;
    return true;
}

void poller::forget(connection& t) noexcept {
    if (t.place_ == nowhere) {
        return;
    }
    const std::uint32_t index = std::exchange(t.place_, nowhere);
    place& p = places_[index];
    p.who = nullptr;
    ++p.generation;
    p.next_free = std::exchange(free_place_, index);
    std::replace(cancelled_.begin(), cancelled_.end(), &t, static_cast<connection*>(nullptr));
}

connection* poller::find(const epoll_event& e) const noexcept {
    const place& p = places_[static_cast<std::uint32_t>(e.data.u64)];
    return p.generation == e.data.u64 >> 32 ? p.who : nullptr;
}

void poller::resume_cancelled() {
    for (std::size_t i = 0; i < cancelled_.size(); ++i) { // it may grow meanwhile
        if (connection* const t = cancelled_[i]) {
            t->finish_cancelled();
        }
    }
    cancelled_.clear();
}

} // namespace countersign::proxy
