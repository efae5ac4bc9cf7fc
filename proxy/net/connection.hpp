// One connected stream socket, plain or with TLS over it, as coroutines of a worker use it: read some, write all, wait
// until readable. Operations are tried at once when the socket is known to be ready and otherwise resumed by the
// worker's poller. One reader and one writer at a time. Buffers are borrowed until the operation is done. Everything
// on the worker's thread.
#pragma once

#include "proxy/net/io_error.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/task.hpp"
#include "proxy/net/tls.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <openssl/ssl.h>

#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace countersign::proxy {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;

struct io_result {
    io_error error = io_error::none;
    std::size_t bytes = 0;
};

using gather = std::array<asio::const_buffer, 4>; // unused ones are empty

inline std::size_t size_of(const gather& buffers) noexcept {
    return buffers[0].size() + buffers[1].size() + buffers[2].size() + buffers[3].size();
}

class connection {
public:
    explicit connection(poller& p) noexcept : poller_(p) {}
    virtual ~connection();
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // Takes over a connected, non-blocking descriptor; closes it when that is not possible.
    io_error adopt(int descriptor);
    // The same for one that was just connected. The poller tells when there is something to read.
    io_error adopt_connected(int descriptor);
    // TLS as client over what is connected. REQUIRES: of make_tls_connection. After a failure it stays where
    // describe_tls_failure() finds it, until close().
    task<io_error> shake_hands(tls_connection connection);

    class reading;
    class writing;
    class waiting;
    reading read_some(asio::mutable_buffer into) noexcept; // → io_result: at least one byte, or an error
    writing write_all(const gather& buffers) noexcept;     // → io_error: every byte, or an error
    waiting until_readable() noexcept;                     // → io_error: bytes, an end or an error can be read

    bool is_open() const noexcept { return descriptor_ >= 0; }
    int descriptor() const noexcept { return descriptor_; }
    SSL* tls() const noexcept { return tls_; }
    bool hung_up() const noexcept { return hung_up_; } // the other side sends no more
    void close() noexcept;                             // REQUIRES: nobody waits
    void cancel() noexcept;                            // who waits is resumed soon with io_error::cancelled
    void shutdown_send() noexcept;
    void close_with_reset() noexcept; // when it is closed, the other side sees a reset

protected:
    virtual void on_progress() {} // some, but not all, of a write has gone
    virtual void on_unasked() {}  // readable, and nobody is reading. May close and destroy the object

    // True when there is something to be read, a piece of it, or an end: all but TLS's own business that is whole
    // (tickets, new keys). Bytes that OpenSSL has read ahead count, and an alert at any time does. Asks the system only
    // where the poller has said that there may be something; may take a byte, so the connection is of no more use then.
    bool surplus() noexcept;
    // The same without taking anything, for a connection that is used on.
    bool heard() noexcept;
    void doubt() noexcept { readable_ = true; }      // the next surplus() asks the system
    bool has_sent() const noexcept { return sent_; } // a byte of what write_all was given last

private:
    friend class poller;
    friend struct tls_socket; // what OpenSSL reads from and writes to (proxy/tls.cpp)

    class until_writable;
    struct pending {
        std::coroutine_handle<> who;
        io_error error = io_error::none;
    };

    void note(std::uint32_t events) noexcept; // what is ready; resumes nobody
    void ready_to_read(std::uint32_t events);
    void ready_to_write(std::uint32_t events);
    void finish_cancelled();
    void resume_reader(io_error e);
    void resume_writer(io_error e);
    // One attempt; nullopt: not now.
    std::optional<io_result> try_read(asio::mutable_buffer into) noexcept;
    std::optional<io_result> try_receive(asio::mutable_buffer into) noexcept;
    std::optional<io_result> try_tls_read(asio::mutable_buffer into) noexcept;
    // Takes what went off the front of `buffers`. nullopt: the rest not now.
    std::optional<io_error> try_write(gather& buffers) noexcept;
    std::optional<io_error> try_send(gather& buffers) noexcept;
    std::optional<io_error> try_tls_write(gather& buffers) noexcept;
    std::optional<io_error> tls_failure(int result, bool& wants_write) noexcept;

    poller& poller_;
    std::uint32_t place_ = poller::nowhere;
    SSL* tls_ = nullptr;
    pending* reader_ = nullptr;
    pending* writer_ = nullptr;
    reading* read_ = nullptr; // what reader_ reads into; null when it only waits
    writing* write_ = nullptr;
    int descriptor_ = -1;
    bool readable_ = true; // as far as known: set by events, cleared by what was read
    bool writable_ = true;
    bool hung_up_ = false;  // the other side has ended its half: there is always an end to read
    bool ended_ = false;    // its end has been read
    bool in_order_ = false; // TLS: nothing has gone wrong, the session may be resumed
    bool alerted_ = false;  // TLS: the other side has sent an alert
    bool sent_ = false;
};

class connection::reading : private connection::pending {
public:
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> h) noexcept;
    io_result await_resume() const noexcept { return result_; }

private:
    friend class connection;
    reading(connection& t, asio::mutable_buffer into) noexcept : connection_(t), into_(into) {}
    connection& connection_;
    asio::mutable_buffer into_;
    io_result result_;
};

class connection::writing : private connection::pending {
public:
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> h) noexcept;
    io_error await_resume() const noexcept { return error; }

private:
    friend class connection;
    writing(connection& t, const gather& buffers) noexcept : connection_(t), buffers_(buffers) {}
    connection& connection_;
    gather buffers_;
};

class connection::waiting : private connection::pending {
public:
    bool await_ready() const noexcept { return connection_.readable_; }
    void await_suspend(std::coroutine_handle<> h) noexcept;
    io_error await_resume() const noexcept { return error; }

private:
    friend class connection;
    explicit waiting(connection& t) noexcept : connection_(t) {}
    connection& connection_;
};

inline connection::reading connection::read_some(asio::mutable_buffer into) noexcept {
    return {*this, into};
}
inline connection::writing connection::write_all(const gather& buffers) noexcept {
    return {*this, buffers};
}
inline connection::waiting connection::until_readable() noexcept {
    return waiting{*this};
}

} // namespace countersign::proxy
