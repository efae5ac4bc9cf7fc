#include "proxy/upstream_connection.hpp"

#include <cerrno>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <utility>

namespace countersign::proxy {

namespace {

constexpr steady_time never = steady_time::max();

// co_await: what came of a dialling.
class until_connected {
public:
    until_connected(clock& time, dialling& d) noexcept : time_(time), dialling_(d) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        dialling_.begin([this, waiting](dialled d) {
            time_.refresh();
            outcome_ = d;
            waiting.resume();
        });
    }
    dialled await_resume() const noexcept { return outcome_; }

private:
    clock& time_;
    dialling& dialling_;
    dialled outcome_;
};

// Some answers may take an hour (signer/answer_time.hpp), and middle boxes forget connections that are silent for some
// minutes. A peer that is gone is noticed within a minute and a half, idle or with bytes of ours on their way.
void look_for_dead_peer(int descriptor) noexcept {
    constexpr int on = 1, idle_seconds = 45, between_seconds = 15, probes = 3;
    constexpr unsigned unacknowledged_ms = 90'000;
    ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &between_seconds, sizeof between_seconds);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
    ::setsockopt(descriptor, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
}

} // namespace

upstream_connection::upstream_connection(
    const upstream_surroundings& s, keeper& k, std::uint64_t place, std::chrono::milliseconds idle_limit
)
    : around_(s), keeper_(k), place_(place), idle_limit_(idle_limit), connection_(s.sockets, *this), buffer_(s.blocks) {
    s.watched_ones.push_back(*this);
    ++s.metrics.upstream_connections;
}

task<io_error> upstream_connection::connect(
    const std::vector<tcp::endpoint>& addresses, steady_time deadline, std::size_t& which, int& error
) {
    deadline_ = deadline;
    connecting_ = around_.dials.dial(addresses);
    until_connected over{around_.time, *connecting_};
    const dialled d = co_await over;
    connecting_ = nullptr;
    deadline_ = never;
    which = d.which;
    error = d.error;
    if (d.error != 0) {
        co_return explain(d.error == ECANCELED ? io_error::cancelled : io_error::connect_failed);
    }
    const io_error e = connection_.adopt_connected(d.descriptor);
    if (e != io_error::none) {
        error = errno; // of a poller that cannot take it
        co_return e;
    }
    look_for_dead_peer(d.descriptor);
    ++around_.metrics.upstream_connections_total;
    co_return io_error::none;
}

task<io_error>
upstream_connection::secure(tls_session session, std::shared_ptr<session_ticket> ticket, steady_time deadline) {
    ticket_ = std::move(ticket);
    deadline_ = deadline;
    const io_error e = explain(co_await connection_.start_tls(std::move(session), tls_layer::role::client));
    deadline_ = never;
    co_return e;
}

void upstream_connection::cancel() {
    if (connecting_) {
        connecting_->give_up();
    }
    connection_.cancel();
}

std::optional<io_error> upstream_connection::try_write(gather& buffers) noexcept {
    const auto e = connection_.try_write(buffers);
    return e ? std::optional{note_written(*e)} : std::nullopt;
}

task<io_error> upstream_connection::write(gather& buffers, steady_time deadline) {
    deadline_ = deadline;
    is_expired_ = false;
    io_error e = io_error::none;
    std::optional<io_error> written;
    while (!written && e == io_error::none) {
        if (connection_.heard()) {
            spoke_early_ = true;
            e = io_error::answered_early;
        } else {
            e = co_await connection_.ready(connection::interest::either);
            if (e == io_error::none) {
                written = connection_.try_write(buffers);
            }
        }
    }
    deadline_ = never;
    co_return written ? note_written(*written) : explain(e);
}

io_error upstream_connection::note_written(io_error e) noexcept {
    if (e == io_error::reset && is_reused_ && !connection_.socket().has_sent()) {
        return io_error::closed;
    }
    spoke_early_ = e != io_error::none || connection_.heard(); // an answer to half a request, too
    return e;
}

task<io_error> upstream_connection::read_more(steady_time deadline) {
    deadline_ = deadline;
    is_expired_ = false;
    const asio::mutable_buffer into = buffer_.room();
    const io_result r = co_await connection_.read_some(into);
    deadline_ = never;
    buffer_.added(r.bytes);
    co_return explain(r.error);
}

bool upstream_connection::is_silent() noexcept {
    return buffer_.empty() && !spoke_early_ && !connection_.surplus();
}

void upstream_connection::rest() noexcept {
    buffer_.release();
    is_idle_ = is_reused_ = true;
    resting_since_ = around_.sockets.round();
    deadline_ = around_.time.now() + idle_limit_;
}

bool upstream_connection::was_looked_at() const noexcept {
    return around_.sockets.knows_all() && around_.sockets.round() != resting_since_;
}

bool upstream_connection::resume_if_silent(bool ask) noexcept {
    if (ask) {
        connection_.socket().doubt();
    }
    is_idle_ = false;
    deadline_ = never;
    return !connection_.surplus();
}

void upstream_connection::on_unasked() {
    if (is_idle_) {
        if (connection_.surplus()) {
            keeper_.on_spoke(*this);
        }
    } else if (listener_ && connection_.heard()) {
        std::exchange(listener_, nullptr)->on_spoke();
    }
}

io_error upstream_connection::explain(io_error e) const noexcept {
    return e == io_error::cancelled && is_expired_ ? io_error::timed_out : e;
}

void upstream_connection::on_tick(steady_time now) {
    if (now < deadline_) {
        return;
    }
    deadline_ = never;
    is_expired_ = true;
    if (is_idle_) {
        keeper_.on_over(*this);
    } else {
        cancel();
    }
}

// A busy one ends with its exchange.
void upstream_connection::on_ending(ending) {
    if (is_idle_) {
        keeper_.on_over(*this);
    }
}

} // namespace countersign::proxy
