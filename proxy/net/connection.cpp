#include "proxy/net/connection.hpp"

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

class connection::until_writable : private connection::pending {
public:
    explicit until_writable(connection& t) noexcept : connection_(t) {}
    bool await_ready() const noexcept { return connection_.writable_; }
    void await_suspend(std::coroutine_handle<> h) noexcept {
        who = h;
        connection_.writer_ = this;
        connection_.write_ = nullptr;
    }
    io_error await_resume() const noexcept { return error; }

private:
    connection& connection_;
};

connection::~connection() {
    close();
}

io_error connection::adopt(int descriptor) {
    if (!poller_.add(descriptor, *this)) {
        ::close(descriptor);
        return io_error::connect_failed;
    }
    descriptor_ = descriptor;
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return io_error::none;
}

void connection::close() noexcept {
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

void connection::shutdown_send() noexcept {
    ::shutdown(descriptor_, SHUT_WR);
}

void connection::close_with_reset() noexcept {
    const linger at_once{1, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

io_error connection::adopt_connected(int descriptor) {
    close();
    const io_error e = adopt(descriptor);
    readable_ = false; // should there be something after all, the poller says it
    return e;
}

task<io_error> connection::shake_hands(tls_connection fresh) {
    tls_ = fresh.release();
    if (!attach_tls(tls_, *this)) {
        co_return io_error::tls_failed;
    }
    for (;;) {
        ERR_clear_error();
        const int done = SSL_do_handshake(tls_);
        if (done == 1) {
            in_order_ = true;
            alerted_ = false; // a warning about the name, which some servers begin with
            co_return io_error::none;
        }
        bool wants_write = false;
        if (const auto failed = tls_failure(done, wants_write)) {
            co_return *failed == io_error::closed ? io_error::tls_failed : *failed;
        }
        io_error e = io_error::none;
        if (wants_write) {
            e = co_await until_writable{*this};
        } else {
            e = co_await until_readable();
        }
        if (e != io_error::none) {
            co_return e;
        }
    }
}

// nullopt: it wants to be tried again when the socket is ready.
std::optional<io_error> connection::tls_failure(int result, bool& wants_write) noexcept {
    switch (SSL_get_error(tls_, result)) {
    case SSL_ERROR_WANT_READ:
        return std::nullopt;
    case SSL_ERROR_WANT_WRITE:
        wants_write = true;
        return std::nullopt;
    case SSL_ERROR_ZERO_RETURN:
        return io_error::closed;
    case SSL_ERROR_SSL:
        in_order_ = false;
        // An end without close_notify: the other side's TCP said that it ended, its TLS did not.
        return ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING ? io_error::truncated
                                                                                      : io_error::tls_failed;
    default:
        in_order_ = false;
        return io_error::reset;
    }
}

std::optional<io_result> connection::try_read(asio::mutable_buffer into) noexcept {
    return tls_ ? try_tls_read(into) : try_receive(into);
}

std::optional<io_result> connection::try_receive(asio::mutable_buffer into) noexcept {
    ssize_t n = 0;
    do {
        n = ::recv(descriptor_, into.data(), into.size(), 0);
    } while (n < 0 && errno == EINTR);
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

std::optional<io_result> connection::try_tls_read(asio::mutable_buffer into) noexcept {
    ERR_clear_error();
    const int n = SSL_read(tls_, into.data(), static_cast<int>(into.size()));
    if (n > 0) {
        return io_result{io_error::none, static_cast<std::size_t>(n)};
    }
    bool wants_write = false;
    const auto failed = tls_failure(n, wants_write);
    return failed ? std::optional{io_result{*failed}} : std::nullopt;
}

std::optional<io_error> connection::try_write(gather& buffers) noexcept {
    return tls_ ? try_tls_write(buffers) : try_send(buffers);
}

std::optional<io_error> connection::try_send(gather& buffers) noexcept {
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
            return would_block() ? std::nullopt : std::optional{io_error::reset};
        }
        sent_ = true;
        drop_front(buffers, static_cast<std::size_t>(n));
    }
    return io_error::none;
}

// A head and a small body share a record: they are copied together, since OpenSSL gathers nothing.
std::optional<io_error> connection::try_tls_write(gather& buffers) noexcept {
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
        return failed ? std::optional{*failed == io_error::closed ? io_error::reset : *failed} : std::nullopt;
    }
    return io_error::none;
}

bool connection::surplus() noexcept {
    if (!readable_ && !(tls_ && SSL_has_pending(tls_))) {
        return alerted_;
    }
    char byte = 0;
    if (try_read(asio::buffer(&byte, 1))) {
        return true;
    }
    return tls_ && (alerted_ || !is_between_records(tls_));
}

bool connection::heard() noexcept {
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

void connection::note(std::uint32_t events) noexcept {
    readable_ = readable_ || (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    hung_up_ = hung_up_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    writable_ = writable_ || (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0;
}

void connection::ready_to_read(std::uint32_t events) {
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) == 0) {
        return;
    }
    if (!reader_) {
        on_unasked();
        return;
    }
    if (!read_) {
        resume_reader(io_error::none);
    } else if (const auto r = try_read(read_->into_)) {
        read_->result_ = *r;
        resume_reader(r->error);
    }
}

void connection::ready_to_write(std::uint32_t events) {
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) == 0) {
        return;
    }
    if (!writer_) {
        return;
    }
    if (!write_) {
        resume_writer(io_error::none);
    } else if (const auto e = try_write(write_->buffers_)) {
        resume_writer(*e);
    } else {
        on_progress();
    }
}

void connection::resume_reader(io_error e) {
    read_ = nullptr;
    reader_->error = e;
    std::exchange(reader_, nullptr)->who.resume();
}

void connection::resume_writer(io_error e) {
    write_ = nullptr;
    writer_->error = e;
    std::exchange(writer_, nullptr)->who.resume();
}

void connection::cancel() noexcept {
    if (reader_ || writer_) {
        poller_.cancelled(*this);
    }
}

void connection::finish_cancelled() {
    if (writer_) {
        resume_writer(io_error::cancelled); // may end this object: nothing of it is touched afterwards
    } else if (reader_) {
        if (read_) {
            read_->result_ = {io_error::cancelled, 0};
        }
        resume_reader(io_error::cancelled);
    }
}

bool connection::reading::await_ready() noexcept {
    const bool pending_tls = connection_.tls_ && SSL_has_pending(connection_.tls_);
    if (!connection_.readable_ && !pending_tls) {
        if (connection_.is_open()) {
            return false;
        }
        result_ = {io_error::reset};
        return true;
    }
    const auto r = connection_.try_read(into_);
    if (r) {
        result_ = *r;
    }
    return r.has_value();
}

void connection::reading::await_suspend(std::coroutine_handle<> h) noexcept {
    who = h;
    connection_.reader_ = this;
    connection_.read_ = this;
}

bool connection::writing::await_ready() noexcept {
    connection_.sent_ = false;
    if (!connection_.is_open()) {
        error = io_error::reset;
        return true;
    }
    const auto e = connection_.try_write(buffers_);
    if (e) {
        error = *e;
    }
    return e.has_value();
}

void connection::writing::await_suspend(std::coroutine_handle<> h) noexcept {
    who = h;
    connection_.writer_ = this;
    connection_.write_ = this;
}

void connection::waiting::await_suspend(std::coroutine_handle<> h) noexcept {
    who = h;
    connection_.reader_ = this;
    connection_.read_ = nullptr;
}

} // namespace countersign::proxy
