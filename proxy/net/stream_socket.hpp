// A connected, non-blocking stream socket, and what is known of whether it can be read or written: set by the poller's
// events, cleared by what was read and written. Each operation is one attempt. Not thread-safe.
#pragma once

#include "proxy/net/io_error.hpp"
#include "proxy/net/socket_calls.hpp"

#include <boost/asio/buffer.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace countersign::proxy {

namespace asio = boost::asio;

struct io_result {
    io_error error = io_error::none;
    std::size_t bytes = 0;
};

using gather = std::array<asio::const_buffer, 4>; // unused ones are empty

inline std::size_t size_of(const gather& buffers) noexcept {
    return buffers[0].size() + buffers[1].size() + buffers[2].size() + buffers[3].size();
}
void drop_front(gather& buffers, std::size_t bytes) noexcept;

class stream_socket {
public:
    explicit stream_socket(socket_calls& calls) noexcept : calls_(calls) {}
    ~stream_socket() { close(); }
    stream_socket(const stream_socket&) = delete;
    stream_socket& operator=(const stream_socket&) = delete;

    void open(int descriptor) noexcept; // takes it over
    void close() noexcept;
    bool is_open() const noexcept { return descriptor_ >= 0; }
    int descriptor() const noexcept { return descriptor_; }

    // nullopt: not now. At least one byte, or an error; the other side's end is io_error::closed.
    std::optional<io_result> receive(asio::mutable_buffer into) noexcept;
    // Takes what went off the front of `buffers`. nullopt: the rest not now.
    std::optional<io_error> send(gather& buffers) noexcept;

    void note(std::uint32_t events) noexcept; // of epoll's
    void assume_nothing_to_read() noexcept { readable_ = false; }
    void doubt() noexcept { readable_ = true; } // the next receive() asks the system
    bool is_readable() const noexcept { return readable_; }
    bool is_writable() const noexcept { return writable_; }
    bool hung_up() const noexcept { return hung_up_; } // the other side sends no more: there is always an end to read
    bool has_ended() const noexcept { return ended_; } // its end has been read
    bool has_sent() const noexcept { return sent_; }   // a byte since forget_sent()
    void forget_sent() noexcept { sent_ = false; }
    void note_sent() noexcept { sent_ = true; }

    bool has_unread() const noexcept { return calls_.has_unread(descriptor_); }
    bool has_unacknowledged() const noexcept { return is_open() && calls_.has_unacknowledged(descriptor_); }
    void shut_down_sending() noexcept { calls_.shut_down_sending(descriptor_); }
    void reset_on_close() noexcept { calls_.reset_on_close(descriptor_); }

private:
    socket_calls& calls_;
    int descriptor_ = -1;
    bool readable_ = true;
    bool writable_ = true;
    bool hung_up_ = false;
    bool ended_ = false;
    bool sent_ = false;
};

} // namespace countersign::proxy
