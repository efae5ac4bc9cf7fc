// Tells a worker's connections when their sockets can be read or written: one edge-triggered epoll set, itself watched
// by the worker's io_context. Asio's own socket operations try before they wait, which on a proxy's connections fails
// nearly every time (the answer is never there yet) and costs a system call a read; here a socket is only touched when
// it is ready. Everything on the worker's thread.
#pragma once

#include "proxy/net/clock.hpp"
#include "proxy/net/socket_calls.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <array>
#include <cstdint>
#include <vector>

namespace countersign::proxy {

// What is told. Any of the calls may destroy the object, but note().
class pollable {
protected:
    ~pollable() = default;

private:
    friend class poller;

    virtual void note(std::uint32_t events) noexcept = 0; // what is ready; resumes nobody
    virtual void ready_to_read(std::uint32_t events) = 0;
    virtual void ready_to_write(std::uint32_t events) = 0;
    virtual bool resume_cancelled() = 0; // one of those who waited when cancel() was called; false: none is left

    static constexpr std::uint32_t nowhere = ~std::uint32_t{0};
    std::uint32_t place_ = nowhere;
};

class poller {
public:
    // Throws boost::system::system_error when the system gives no epoll set.
    poller(boost::asio::io_context& context, clock& time, socket_calls& calls = system_sockets());
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;

    void start(); // from now on the io_context has one more wait under way, until stop()
    void stop() noexcept;
    void turn(); // takes what has happened; start() sees to it that it is called

    bool add(int descriptor, pollable& p) noexcept; // false: the system refuses, or no memory
    void forget(pollable& p) noexcept;              // it is closed: events at hand for it are void
    // Whoever waits for `p` is resumed with io_error::cancelled: at the end of the turn under way, or by
    // resume_cancelled().
    void cancel(pollable& p) { cancelled_.push_back(&p); }
    void resume_cancelled();

    // A round: the system is asked once what has happened, all of it is noted, then who waits for it is resumed.
    std::uint64_t round() const noexcept { return round_; } // the one under way, or the last one
    // In a round, and the system had no more to say than what was noted.
    bool knows_all() const noexcept { return knows_all_; }

    socket_calls& calls() noexcept { return calls_; }

private:
    using executor = boost::asio::io_context::executor_type;

    // What an event of the system's names: a place, and how many connections had it before. One that is closed is void
    // for good, whatever the system still reports of it: a spawned child may hold the descriptor for a moment longer.
    struct place {
        pollable* who = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t next_free = pollable::nowhere;
    };

    pollable* find(const epoll_event& e) const noexcept;
    void wait();
    int dispatch();

    clock& time_; // refreshed for each event
    socket_calls& calls_;
    boost::asio::posix::basic_stream_descriptor<executor> set_;
    std::array<epoll_event, 512> events_;
    std::vector<place> places_; // as many as there were connections at once
    std::uint32_t free_place_ = pollable::nowhere;
    std::uint64_t round_ = 0;
    std::vector<pollable*> cancelled_; // null: meanwhile forgotten
    bool knows_all_ = false;
    bool stopped_ = false;
};

} // namespace countersign::proxy
