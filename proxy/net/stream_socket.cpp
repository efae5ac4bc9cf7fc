#include "proxy/net/stream_socket.hpp"

#include <cerrno>
#include <utility>

namespace countersign::proxy {

namespace {

bool would_block() noexcept {
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

} // namespace

void drop_front(gather& buffers, std::size_t bytes) noexcept {
    for (asio::const_buffer& b : buffers) {
        const std::size_t n = bytes < b.size() ? bytes : b.size();
        b += n;
        bytes -= n;
    }
}

void stream_socket::open(int descriptor) noexcept {
    descriptor_ = descriptor;
    calls_.set_up(descriptor_);
}

void stream_socket::close() noexcept {
    if (descriptor_ >= 0) {
        calls_.close(std::exchange(descriptor_, -1));
    }
    readable_ = writable_ = true;
    hung_up_ = ended_ = sent_ = false;
}

std::optional<io_result> stream_socket::receive(asio::mutable_buffer into) noexcept {
    const ssize_t n = calls_.receive(descriptor_, into.data(), into.size());
    if (n > 0) {
        const auto bytes = static_cast<std::size_t>(n);
        readable_ = bytes == into.size() || hung_up_; // epoll(7): less than asked for means that it is drained
        return io_result{io_error::none, bytes};
    }
    if (n == 0) {
        ended_ = true;
        return io_result{io_error::closed};
    }
    readable_ = false;
    return would_block() ? std::nullopt : std::optional{io_result{io_error::reset}};
}

std::optional<io_error> stream_socket::send(gather& buffers) noexcept {
    while (size_of(buffers) != 0) {
        std::array<iovec, std::tuple_size_v<gather>> parts;
        std::size_t count = 0;
        for (const asio::const_buffer& b : buffers) {
            if (b.size() != 0) {
                parts[count++] = {const_cast<void*>(b.data()), b.size()};
            }
        }
        msghdr message{};
        message.msg_iov = parts.data();
        message.msg_iovlen = count;
        const ssize_t n = calls_.send(descriptor_, message);
        if (n < 0) {
            writable_ = false;
            return would_block() ? std::nullopt : std::optional{io_error::reset};
        }
        sent_ = true;
        drop_front(buffers, static_cast<std::size_t>(n));
    }
    return io_error::none;
}

void stream_socket::note(std::uint32_t events) noexcept {
    readable_ = readable_ || (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    hung_up_ = hung_up_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    writable_ = writable_ || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
}

} // namespace countersign::proxy
