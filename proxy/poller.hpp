// Tells the worker's connections when their sockets can be read or written: one edge-triggered epoll set, itself
// watched by the worker's io_context. Asio's own socket operations try before they wait, which on a proxy's
// connections fails nearly every time (the answer is never there yet) and costs a system call a read; here a socket is
// only touched when it is ready. Everything on the worker's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <array>
#include <sys/epoll.h>
#include <vector>

namespace countersign::proxy {

class transport;
class worker;

class poller {
public:
    // Throws boost::system::system_error when the system gives no epoll set.
    poller(boost::asio::io_context& context, worker& owner);
    poller(const poller&) = delete;
    poller& operator=(const poller&) = delete;

    void start(); // from now on the io_context has one more wait under way, until stop()
    void stop() noexcept;

    // Resumes what transport::cancel() ended. Called by the worker when it has walked its list.
    void resume_cancelled();

private:
    friend class transport;
    using executor = boost::asio::io_context::executor_type;

    bool add(int descriptor, transport& t) noexcept;
    void forget(transport& t) noexcept; // it is closed: events at hand for it are void
    void cancelled(transport& t) { cancelled_.push_back(&t); }
    void wait();
    void turn();
    int dispatch();

    worker& owner_; // whose clock is set for each event
    boost::asio::posix::basic_stream_descriptor<executor> set_;
    std::array<epoll_event, 128> events_;
    int next_ = 0; // event under way, of count_
    int count_ = 0;
    std::vector<transport*> cancelled_;
    bool stopped_ = false;
};

} // namespace countersign::proxy
