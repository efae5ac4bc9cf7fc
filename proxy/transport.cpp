#include "proxy/transport.hpp"

#include <openssl/err.h>

#include <cerrno>
#include <cstring>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utility>

namespace countersign::proxy {

namespace {

constexpr std::size_t tls_record = 16 * 1024;

void drop_front(gather& buffers, std::size_t bytes) noexcept {
    for (asio::const_buffer& b : buffers) {
        const std::size_t n = bytes < b.size() ? bytes : b.size();
        b += n;
        bytes -= n;
    }
}

bool would_block() noexcept {
    return errno == EAGAIN || errno == EWOULDBLOCK;
}

} // namespace

class transport::until_writable : private transport::pending {
public:
    explicit until_writable(transport& t) noexcept : transport_(t) {}
    bool await_ready() const noexcept { return transport_.writable_; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        who = h;
        transport_.writer_ = this;
        transport_.write_ = nullptr;
    }
    errc await_resume() const noexcept { return error; }

private:
    transport& transport_;
};

transport::~transport() {
    close();
}

errc transport::adopt(int descriptor) {
    if (!poller_.add(descriptor, *this)) {
        ::close(descriptor);
        return errc::connect_failed;
    }
    descriptor_ = descriptor;
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return errc::none;
}

void transport::close() noexcept {
    poller_.forget(*this);
    if (tls_) {
        if (in_order_) {
            keep_session(tls_);
        }
        SSL_free(std::exchange(tls_, nullptr));
    }
    if (descriptor_ >= 0) {
        ::close(std::exchange(descriptor_, -1));
    }
    hung_up_ = ended_ = in_order_ = alerted_ = false;
    readable_ = writable_ = true;
}

void transport::shutdown_send() noexcept {
    ::shutdown(descriptor_, SHUT_WR);
}

void transport::close_with_reset() noexcept {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

errc transport::adopt_connected(int descriptor) {
    close();
    const errc e = adopt(descriptor);
    readable_ = false; // should there be something after all, the poller says it
    return e;
}

task<errc> transport::shake_hands(tls_connection connection) {
    tls_ = connection.release();
    if (!attach_tls(tls_, *this)) {
        co_return errc::tls_failed;
    }
    for (;;) {
        ERR_clear_error();
        const int done = SSL_do_handshake(tls_);
        if (done == 1) {
            in_order_ = true;
            alerted_ = false; // a warning about the name, which some servers begin with
            co_return errc::none;
        }
        bool wants_write = false;
        if (const auto failed = tls_failure(done, wants_write)) {
            co_return *failed == errc::closed ? errc::tls_failed : *failed;
        }
        errc e = errc::none;
        if (wants_write) {
            e = co_await until_writable{*this};
        } else {
            e = co_await until_readable();
        }
        if (e != errc::none) {
            co_return e;
        }
    }
}

// nullopt: it wants to be tried again when the socket is ready.
std::optional<errc> transport::tls_failure(int result, bool& wants_write) noexcept {
    switch (SSL_get_error(tls_, result)) {
    case SSL_ERROR_WANT_READ:
        return std::nullopt;
    case SSL_ERROR_WANT_WRITE:
        wants_write = true;
        return std::nullopt;
    case SSL_ERROR_ZERO_RETURN:
        return errc::closed;
    case SSL_ERROR_SSL:
        in_order_ = false;
        // An end without close_notify: the other side's TCP said that it ended, its TLS did not.
        return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? errc::truncated
                                                                                      : errc::tls_failed;
    default:
        in_order_ = false;
        return errc::reset;
    }
}

std::optional<io_result> transport::try_read(asio::mutable_buffer into) noexcept {
    return tls_ ? try_tls_read(into) : try_receive(into);
}

std::optional<io_result> transport::try_receive(asio::mutable_buffer into) noexcept {
    ssize_t n = 0;
    do {
        n = ::recv(descriptor_, into.data(), into.size(), 0);
    } while (n < 0 && errno == EINTR);
    if (n > 0) {
        const auto bytes = static_cast<std::size_t>(n);
        readable_ = bytes == into.size() || hung_up_; // epoll(7): less than asked for means that it is drained
        return io_result{errc::none, bytes};
    }
    if (n == 0) {
        ended_ = true;
        return io_result{errc::closed};
    }
    readable_ = false;
    return would_block() ? std::nullopt : std::optional{io_result{errc::reset}};
}

std::optional<io_result> transport::try_tls_read(asio::mutable_buffer into) noexcept {
    ERR_clear_error();
    const int n = SSL_read(tls_, into.data(), static_cast<int>(into.size()));
    if (n > 0) {
        return io_result{errc::none, static_cast<std::size_t>(n)};
    }
    bool wants_write = false;
    const auto failed = tls_failure(n, wants_write);
    return failed ? std::optional{io_result{*failed}} : std::nullopt;
}

std::optional<errc> transport::try_write(gather& buffers) noexcept {
    return tls_ ? try_tls_write(buffers) : try_send(buffers);
}

std::optional<errc> transport::try_send(gather& buffers) noexcept {
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
        const ssize_t n = ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
        if (n < 0) {
            if (errno == EINTR) {
                continue;
            }
            writable_ = false;
            return would_block() ? std::nullopt : std::optional{errc::reset};
        }
        sent_ = true;
        drop_front(buffers, static_cast<std::size_t>(n));
    }
    return errc::none;
}

// A head and a small body share a record: they are copied together, since OpenSSL gathers nothing.
std::optional<errc> transport::try_tls_write(gather& buffers) noexcept {
    char record[tls_record];
    while (size_of(buffers) != 0) {
        const std::size_t size = asio::buffer_copy(asio::buffer(record), buffers);
        ERR_clear_error();
        const int n = SSL_write(tls_, record, static_cast<int>(size));
        if (n > 0) {
            sent_ = true;
            drop_front(buffers, static_cast<std::size_t>(n));
            continue;
        }
        bool wants_write = false;
        const auto failed = tls_failure(n, wants_write);
        return failed ? std::optional{*failed == errc::closed ? errc::reset : *failed} : std::nullopt;
    }
    return errc::none;
}

bool transport::surplus() noexcept {
    if (!readable_ && !(tls_ && SSL_has_pending(tls_))) {
        return alerted_;
    }
    char byte = 0;
    if (try_read(asio::buffer(&byte, 1))) {
        return true;
    }
    return tls_ && (alerted_ || !is_between_records(tls_));
}

bool transport::heard() noexcept {
    if (!tls_) {
        return readable_;
    }
    if (!readable_ && !SSL_has_pending(tls_)) {
        return false;
    }
    char byte = 0;
    ERR_clear_error();
    const int n = SSL_peek(tls_, &byte, 1);
    bool wants_write = false;
    return n > 0 || tls_failure(n, wants_write) || !is_between_records(tls_);
}

void transport::note(std::uint32_t events) noexcept {
    readable_ = readable_ || (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    hung_up_ = hung_up_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    writable_ = writable_ || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
}

void transport::ready_to_read(std::uint32_t events) {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) {
        return;
    }
    if (!reader_) {
        on_unasked();
        return;
    }
    if (!read_) {
        resume_reader(errc::none);
    } else if (const auto r = try_read(read_->into_)) {
        read_->result_ = *r;
        resume_reader(r->error);
    }
}

void transport::ready_to_write(std::uint32_t events) {
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) == 0) {
        return;
    }
    if (!writer_) {
        return;
    }
    if (!write_) {
        resume_writer(errc::none);
    } else if (const auto e = try_write(write_->buffers_)) {
        resume_writer(*e);
    } else {
        on_progress();
    }
}

void transport::resume_reader(errc e) {
    read_ = nullptr;
    reader_->error = e;
    std::exchange(reader_, nullptr)->who.resume();
}

void transport::resume_writer(errc e) {
    write_ = nullptr;
    writer_->error = e;
    std::exchange(writer_, nullptr)->who.resume();
}

void transport::cancel() noexcept {
    if (reader_ || writer_) {
        poller_.cancelled(*this);
    }
}

void transport::finish_cancelled() {
    if (writer_) {
        resume_writer(errc::cancelled); // may end this object: nothing of it is touched afterwards
    } else if (reader_) {
        if (read_) {
            read_->result_ = {errc::cancelled, 0};
        }
        resume_reader(errc::cancelled);
    }
}

bool transport::reading::await_ready() noexcept {
    const bool pending_tls = transport_.tls_ && SSL_has_pending(transport_.tls_);
    if (!transport_.readable_ && !pending_tls) {
        if (transport_.is_open()) {
            return false;
        }
        result_ = {errc::reset};
        return true;
    }
    const auto r = transport_.try_read(into_);
    if (r) {
        result_ = *r;
    }
    return r.has_value();
}

void transport::reading::await_suspend(std::coroutine_handle<> h) noexcept {
    who = h;
    transport_.reader_ = this;
    transport_.read_ = this;
}

bool transport::writing::await_ready() noexcept {
    transport_.sent_ = false;
    if (!transport_.is_open()) {
        error = errc::reset;
        return true;
    }
    const auto e = transport_.try_write(buffers_);
    if (e) {
        error = *e;
    }
    return e.has_value();
}

void transport::writing::await_suspend(std::coroutine_handle<> h) noexcept {
    who = h;
    transport_.writer_ = this;
    transport_.write_ = this;
}

void transport::waiting::await_suspend(std::coroutine_handle<> h) noexcept {
    who = h;
    transport_.reader_ = this;
    transport_.read_ = nullptr;
}

} // namespace countersign::proxy
