// Tells the worker's connections when their sockets can be read or written: one edge-triggered epoll set, itself
// watched by the worker's io_context. Asio's own socket operations try before they wait, which on a proxy's
// connections fails nearly every time (the answer is never there yet) and costs a system call a read; here a socket is
// only touched when it is ready. Everything on the worker's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <array>
#include <cstdint>
#include <sys/epoll.h>
#include <vector>

namespace countersign::proxy {

class connection;
class worker;

class poller {
public:
    // Throws boost::system::system_error when the system gives no epoll set.
    poller(boost::asio::io_context& context, worker& owner);
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;

    void start(); // from now on the io_context has one more wait under way, until stop()
    void stop() noexcept;

    // A round: the system is asked once what has happened, all of it is noted, then who waits for it is resumed.
    std::uint64_t round() const noexcept { return round_; } // the one under way, or the last one
    // In a round, and the system had no more to say than what was noted.
    bool knows_all() const noexcept { return knows_all_; }

    // Resumes what connection::cancel() ended. Called by the worker when it has walked its list.
    void resume_cancelled();

private:
    friend class connection;
    using executor = boost::asio::io_context::executor_type;

    // What an event of the system's names: a place, and how many connections had it before. One that is closed is void
    // for good, whatever the system still reports of it: a spawned child may hold the descriptor for a moment longer.
    struct place {
        connection* who = nullptr;
        std::uint32_t generation = 0;
        std::uint32_t next_free = nowhere;
    };
    static constexpr std::uint32_t nowhere = ~std::uint32_t{0};

    bool add(int descriptor, connection& t) noexcept; // false: the system refuses, or no memory
    void forget(connection& t) noexcept;              // it is closed: events at hand for it are void
    connection* find(const epoll_event& e) const noexcept;
    void cancelled(connection& t) { cancelled_.push_back(&t); }
    void wait();
    void turn();
    int dispatch();

    worker& owner_; // whose clock is set for each event
    boost::asio::posix::basic_stream_descriptor<executor> set_;
    std::array<epoll_event, 512> events_;
    std::vector<place> places_; // as many as there were connections at once
    std::uint32_t free_place_ = nowhere;
    std::uint64_t round_ = 0;
    std::vector<connection*> cancelled_;
    bool knows_all_ = false;
    bool stopped_ = false;
};

} // namespace countersign::proxy
