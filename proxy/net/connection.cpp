#include "proxy/net/connection.hpp"

#include <utility>

namespace countersign::proxy {

namespace {

constexpr std::uint32_t read_events = EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t write_events = EPOLLOUT | EPOLLHUP | EPOLLERR;

} // namespace

io_error connection::adopt(int descriptor) {
    socket_.open(descriptor);
    if (!poller_.add(descriptor, *this)) {
        socket_.close();
        return io_error::connect_failed;
    }
    return io_error::none;
}

io_error connection::adopt_connected(int descriptor) {
    close();
    const io_error e = adopt(descriptor);
    socket_.assume_nothing_to_read(); // should there be something after all, the poller says it
    return e;
}

void connection::close() noexcept {
    poller_.forget(*this);
    tls_.reset();
    socket_.close();
}

task<io_error> connection::start_tls(tls_session session, tls_layer::role as) {
    tls_ = tls_layer::make(socket_, std::move(session), as);
    if (!tls_) {
        co_return io_error::tls_failed;
    }
    for (;;) {
        if (const auto done = tls_->shake_hands()) {
            co_return *done;
        }
        const interest in = tls_->wants_write() ? interest::write : interest::read;
        const io_error e = co_await ready(in);
        if (e != io_error::none) {
            co_return e;
        }
    }
}

std::optional<io_error> connection::try_write(gather& buffers) noexcept {
    return tls_ ? tls_->write(buffers) : socket_.send(buffers);
}

bool connection::surplus() noexcept {
    char byte = 0;
    if (is_readable() && try_read(asio::buffer(&byte, 1))) {
        return true;
    }
    return tls_ && (tls_->was_alerted() || !tls_->is_between_records());
}

void connection::ready_to_read(std::uint32_t events) {
    if ((events & read_events) == 0) {
        return;
    }
    if (!reader_) {
        owner_.on_unasked();
    } else if (!read_) {
        resume(reader_, io_error::none);
    } else if (const auto r = try_read(read_->into_)) {
        read_->bytes_ = r->bytes;
        resume(reader_, r->error);
    }
}

void connection::ready_to_write(std::uint32_t events) {
    if ((events & write_events) == 0 || !writer_) {
        return;
    }
    if (!write_) {
        resume(writer_, io_error::none);
    } else if (const auto e = try_write(write_->buffers_)) {
        resume(writer_, *e);
    } else {
        owner_.on_progress();
    }
}

// May end this object: nothing of it is touched afterwards.
void connection::resume(pending* who, io_error e) {
    if (reader_ == who) {
        reader_ = nullptr;
        read_ = nullptr;
    }
    if (writer_ == who) {
        writer_ = nullptr;
        write_ = nullptr;
    }
    who->error = e;
    who->who.resume();
}

void connection::cancel() noexcept {
    if (reader_) {
        reader_->is_cancelled = true;
    }
    if (writer_) {
        writer_->is_cancelled = true;
    }
    if (reader_ || writer_) {
        poller_.cancel(*this);
    }
}

bool connection::resume_cancelled() {
    pending* const who = writer_ && writer_->is_cancelled ? writer_ : reader_;
    if (!who || !who->is_cancelled) {
        return false;
    }
    resume(who, io_error::cancelled);
    return true;
}

bool connection::reading::await_ready() noexcept {
    if (!connection_.is_readable()) {
        if (connection_.is_open()) {
            return false;
        }
        error = io_error::reset;
        return true;
    }
    const auto r = connection_.try_read(into_);
    if (r) {
        error = r->error;
        bytes_ = r->bytes;
    }
    return r.has_value();
}

void connection::reading::await_suspend(std::coroutine_handle<> h) noexcept {
    who = h;
    connection_.reader_ = this;
    connection_.read_ = this;
}

bool connection::writing::await_ready() noexcept {
    connection_.socket_.forget_sent();
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

bool connection::waiting::await_ready() const noexcept {
    const bool can_read = interest_ != interest::write && connection_.is_readable();
    const bool can_write = interest_ != interest::read && connection_.socket_.is_writable();
    return can_read || can_write;
}

void connection::waiting::await_suspend(std::coroutine_handle<> h) noexcept {
    who = h;
    if (interest_ != interest::write) {
        connection_.reader_ = this;
        connection_.read_ = nullptr;
    }
    if (interest_ != interest::read) {
        connection_.writer_ = this;
        connection_.write_ = nullptr;
    }
}

} // namespace countersign::proxy
