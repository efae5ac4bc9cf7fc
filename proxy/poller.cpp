#include "proxy/poller.hpp"

#include "proxy/transport.hpp"
#include "proxy/worker.hpp"

#include <boost/system/system_error.hpp>

#include <algorithm>
#include <utility>

namespace countersign::proxy {

namespace {

constexpr int most_turns = 64; // without letting timers and posted functions have theirs
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
    count_ = ::epoll_wait(set_.native_handle(), events_.data(), static_cast<int>(events_.size()), 0);
    const int found = count_;
    // Noted for all before anybody is resumed: who now takes an idle connection knows whether it is still silent.
    for (int i = 0; i < count_; ++i) {
        const epoll_event& e = events_[static_cast<std::size_t>(i)];
        static_cast<transport*>(e.data.ptr)->note(e.events);
    }
    for (next_ = 0; next_ < count_; ++next_) {
        epoll_event& e = events_[static_cast<std::size_t>(next_)];
        owner_.refresh_clock();
        if (e.data.ptr) {
            static_cast<transport*>(e.data.ptr)->ready_to_read(e.events);
        }
        if (e.data.ptr) { // reading may have ended it
            static_cast<transport*>(e.data.ptr)->ready_to_write(e.events);
        }
    }
    count_ = 0;
    return found;
}

bool poller::add(int descriptor, transport& t) noexcept {
    epoll_event e{};
    e.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    e.data.ptr = &t;
    return ::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, descriptor, &e) == 0;
}

void poller::forget(transport& t) noexcept {
    for (int i = next_; i < count_; ++i) {
        epoll_event& e = events_[static_cast<std::size_t>(i)];
        if (e.data.ptr == &t) {
            e.data.ptr = nullptr;
        }
    }
    std::replace(cancelled_.begin(), cancelled_.end(), &t, static_cast<transport*>(nullptr));
}

void poller::resume_cancelled() {
    for (std::size_t i = 0; i < cancelled_.size(); ++i) { // it may grow meanwhile
        if (transport* const t = cancelled_[i]) {
            t->finish_cancelled();
        }
    }
    cancelled_.clear();
}

} // namespace countersign::proxy
