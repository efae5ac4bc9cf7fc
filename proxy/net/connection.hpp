// One connected stream socket, plain or with TLS over it, as coroutines of a worker use it: read some, write all, wait
// until something can be read or written. Operations are tried at once when the socket is known to be ready and
// otherwise resumed by the worker's poller. One reader and one writer at a time. Buffers are borrowed until the
// operation is done. Everything on the worker's thread.
#pragma once

#include "proxy/net/io_error.hpp"
#include "proxy/net/poller.hpp"
#include "proxy/net/stream_socket.hpp"
#include "proxy/net/task.hpp"
#include "proxy/net/tls_layer.hpp"

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

namespace countersign::proxy {

class connection final : private pollable {
public:
    // Who owns the connection, told of what nobody awaits.
    class observer {
    public:
        virtual void on_progress() noexcept {} // some, but not all, of a write has gone
        virtual void on_unasked() {}           // readable, and nobody is reading. May destroy the connection

    protected:
        ~observer() = default;
    };

    connection(poller& p, observer& owner) noexcept : poller_(p), owner_(owner), socket_(p.calls()) {}
    ~connection() { close(); }
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;

    // Takes over a connected, non-blocking descriptor; closes it when that is not possible.
    io_error adopt(int descriptor);
    // The same for one that was just connected: nothing can have arrived yet.
    io_error adopt_connected(int descriptor);
    // TLS over what is connected. After a failure tls() describes it, until close().
    task<io_error> start_tls(tls_session session, tls_layer::role as);

    class reading;
    class writing;
    class waiting;
    enum class interest : std::uint8_t { read, write, either };
    reading read_some(asio::mutable_buffer into) noexcept; // → io_result: at least one byte, or an error
    writing write_all(const gather& buffers) noexcept;     // → io_error: every byte, or an error
    waiting ready(interest in) noexcept;                   // → io_error: none when it may be tried (again)
    waiting until_readable() noexcept;                     // bytes, an end or an error can be read
    // One attempt: takes what went off the front of `buffers`. nullopt: the rest not now.
    std::optional<io_error> try_write(gather& buffers) noexcept;

    bool is_open() const noexcept { return socket_.is_open(); }
    bool is_readable() const noexcept { return socket_.is_readable() || has_pending(); } // as far as known
    bool hung_up() const noexcept { return socket_.hung_up(); }                          // the other side sends no more
    const tls_layer* tls() const noexcept { return tls_.get(); }
    stream_socket& socket() noexcept { return socket_; }
    const stream_socket& socket() const noexcept { return socket_; }
    void close() noexcept; // REQUIRES: nobody waits
    // Whoever waits, reader and writer, is resumed soon with io_error::cancelled: not before this call has returned.
    void cancel() noexcept;

    // True when there is something to be read, a piece of it, or an end: all but TLS's own business that is whole
    // (tickets, new keys). Bytes that OpenSSL has read ahead count, and an alert at any time does. Asks the system only
    // where the poller has said that there may be something; may take a byte: the connection is of no more use then.
    bool surplus() noexcept;
    // The same without taking anything, for a connection that is used on.
    bool heard() noexcept { return tls_ ? tls_->hears() : socket_.is_readable(); }

private:
    struct pending {
        std::coroutine_handle<> who;
        io_error error = io_error::none;
        bool is_cancelled = false;
    };

    void note(std::uint32_t events) noexcept override { socket_.note(events); }
    void ready_to_read(std::uint32_t events) override;
    void ready_to_write(std::uint32_t events) override;
    bool resume_cancelled() override;
    void resume(pending* who, io_error e);
    bool has_pending() const noexcept { return tls_ && tls_->has_pending(); }
    std::optional<io_result> try_read(asio::mutable_buffer into) noexcept {
        return tls_ ? tls_->read(into) : socket_.receive(into);
    }

    poller& poller_;
    observer& owner_;
    stream_socket socket_;
    std::unique_ptr<tls_layer> tls_;
    pending* reader_ = nullptr;
    pending* writer_ = nullptr; // the same one where either will do
    reading* read_ = nullptr;   // what reader_ reads into; null when it only waits
    writing* write_ = nullptr;
};

class connection::reading : private connection::pending {
public:
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> h) noexcept;
    io_result await_resume() const noexcept { return {error, bytes_}; }

private:
    friend class connection;
    reading(connection& c, asio::mutable_buffer into) noexcept : connection_(c), into_(into) {}
    connection& connection_;
    asio::mutable_buffer into_;
    std::size_t bytes_ = 0;
};

class connection::writing : private connection::pending {
public:
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> h) noexcept;
    io_error await_resume() const noexcept { return error; }

private:
    friend class connection;
    writing(connection& c, const gather& buffers) noexcept : connection_(c), buffers_(buffers) {}
    connection& connection_;
    gather buffers_;
};

class connection::waiting : private connection::pending {
public:
    bool await_ready() const noexcept;
    void await_suspend(std::coroutine_handle<> h) noexcept;
    io_error await_resume() const noexcept { return error; }

private:
    friend class connection;
    waiting(connection& c, interest in) noexcept : connection_(c), interest_(in) {}
    connection& connection_;
    interest interest_;
};

inline connection::reading connection::read_some(asio::mutable_buffer into) noexcept {
    return {*this, into};
}
inline connection::writing connection::write_all(const gather& buffers) noexcept {
    return {*this, buffers};
}
inline connection::waiting connection::ready(interest in) noexcept {
    return {*this, in};
}
inline connection::waiting connection::until_readable() noexcept {
    return {*this, interest::read};
}

} // namespace countersign::proxy
