// The client as an exchange sees it: the bytes of its request, a sink for the answer, and whether anybody is there.
// Implemented by client_connection. One worker's thread.
#pragma once

#include "proxy/body/source.hpp"
#include "proxy/net/read_buffer.hpp"

#include <cstddef>
#include <string_view>

namespace countersign::proxy {

class client : public body::sink {
public:
    // Begins with the request's head; the exchange uses what is behind it, but takes nothing off.
    virtual read_buffer& buffer() noexcept = 0;
    // Waits for bytes of a request's body. A client that sends none for listen.body_timeout: timed_out.
    virtual task<io_error> read_body(asio::mutable_buffer into, std::size_t& bytes) = 0;
    virtual void interrupt_read() noexcept = 0; // a read_body() that waits ends with io_error::cancelled
    // From now on the upstream's deadlines count; a client that hangs up meanwhile has left.
    virtual void await_upstream() noexcept = 0;
    virtual std::string_view peer() const noexcept = 0; // "[address]:port", for the log

    bool is_local() const noexcept { return is_local_; }     // on this machine
    bool is_closing() const noexcept { return is_closing_; } // the proxy drains: this answer is the last one
    bool has_left() const noexcept { return has_left_; }     // nobody is there to be answered, or the proxy stops
    void leave() noexcept { has_left_ = true; }

protected:
    ~client() = default;
    bool is_local_ = false;
    bool is_closing_ = false;
    bool has_left_ = false;
};

// Writes all of it. An error: the client has left.
inline task<io_error> write_to(client& c, gather buffers) {
    std::optional<io_error> e = c.try_write(buffers);
    if (!e) {
        e = co_await c.finish(buffers);
    }
    if (*e != io_error::none) {
        c.leave();
    }
    co_return *e;
}

} // namespace countersign::proxy
