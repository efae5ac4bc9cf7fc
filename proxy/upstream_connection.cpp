#include "proxy/upstream_connection.hpp"

#include "proxy/worker.hpp"

#include <fmt/format.h>
#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace countersign::proxy {

namespace {

constexpr steady_time never = steady_time::max();

// co_await: the connector's outcome.
class until_connected {
public:
    until_connected(worker& w, chain::connector& c) noexcept : worker_(w), connector_(c) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiting) {
        connector_.begin([this, waiting](chain::connected c) {
            worker_.refresh_clock();
            outcome_ = c;
            waiting.resume();
        });
    }
    chain::connected await_resume() const noexcept { return outcome_; }

private:
    worker& worker_;
    chain::connector& connector_;
    chain::connected outcome_;
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

upstream_connection::upstream_connection(worker& w, destination_ptr d)
    : connection(w.sockets), worker_(w), destination_(std::move(d)), deadline_(never) {
    w.watched_ones.push_back(*this);
    ++w.metrics.upstream_connections;
}

upstream_connection::~upstream_connection() {
    --worker_.metrics.upstream_connections;
}

upstream_ptr upstream_connection::take_idle(destination& d) noexcept {
    while (!d.idle.empty()) {
        const auto looked_at =
            std::find_if(d.idle.rbegin(), d.idle.rend(), [](const upstream_ptr& c) { return c->was_looked_at(); });
        const bool asks = looked_at == d.idle.rend();
        const auto at = asks ? std::prev(d.idle.end()) : std::prev(looked_at.base());
        upstream_ptr c = std::move(*at);
        d.idle.erase(at);
        if (asks) {
            c->doubt();
        }
        c->idle_ = false;
        c->deadline_ = never;
        if (!c->surplus()) {
            return c;
        }
        c->close();
    }
    return nullptr;
}

// The round under way began after it was kept: had there been anything, the poller would have noted it.
bool upstream_connection::was_looked_at() const noexcept {
    return worker_.sockets.knows_all() && worker_.sockets.round() != kept_in_;
}

task<io_error> upstream_connection::open(steady_time deadline) {
    const auto connect_by = std::min(worker_.now() + destination_->plan.limits.connect, deadline);
    const io_error connected = co_await connect_to_any(connect_by);
    if (connected != io_error::none) {
        co_return connected;
    }
    look_for_dead_peer(descriptor());
    ++worker_.metrics.upstream_connections_total;
    if (destination_->plan.tls_name.empty()) {
        co_return io_error::none;
    }
    co_return co_await secure(std::min(worker_.now() + worker_.config->upstream.tls_timeout, deadline));
}

task<io_error> upstream_connection::await_addresses(steady_time deadline) {
    using standing = chain::known_name::standing;
    destination& d = *destination_;
    standing stands = worker_.look_at_name(d);
    if (stands == standing::unknown) {
        worker_.start_resolving(d);
        if (d.resolving) {
            const io_error e = co_await d.resolved.wait_until(deadline);
            if (e != io_error::none) {
                failure_ = fmt::format("{}: name resolution timed out", d.plan.dial_host);
                co_return e;
            }
        }
        stands = worker_.look_at_name(d);
    }
    if (stands == standing::fresh || stands == standing::stale) {
        co_return io_error::none;
    }
    const io_error e = stands == standing::untrusted ? io_error::address_refused : io_error::resolve_failed;
    const std::string& why = d.name->known.trouble();
    failure_ = fmt::format("{}: {}{}{}", d.plan.dial_host, to_string(e), why.empty() ? "" : ": ", why);
    co_return e;
}

std::vector<tcp::endpoint> upstream_connection::addresses_in_turn() const {
    const std::vector<asio::ip::address>& known = destination_->name->known.addresses();
    std::vector<tcp::endpoint> in_turn;
    for (const asio::ip::address& a : known) {
        in_turn.emplace_back(a, destination_->plan.dial_port);
    }
    if (destination_->reached) {
        const auto first = std::find(known.begin(), known.end(), *destination_->reached) - known.begin();
        if (first != std::ssize(known)) { // else the name does not lead there any more
            std::rotate(in_turn.begin(), in_turn.begin() + first, in_turn.begin() + first + 1);
        }
    }
    return in_turn;
}

task<io_error> upstream_connection::connect_to_any(steady_time deadline) {
    const io_error found = co_await await_addresses(deadline);
    if (found != io_error::none) {
        co_return found;
    }
    const std::vector<tcp::endpoint> addresses = addresses_in_turn();
    deadline_ = deadline;
    connecting_ = std::make_shared<chain::connector>(worker_.context, addresses);
    until_connected over{worker_, *connecting_};
    const chain::connected c = co_await over;
    connecting_ = nullptr;
    deadline_ = never;
    co_return take(c, addresses[c.which]);
}

io_error upstream_connection::take(const chain::connected& c, const tcp::endpoint& address) {
    int error = c.error;
    io_error e = explain(error == ECANCELED ? io_error::cancelled : io_error::connect_failed);
    if (error == 0) {
        e = adopt_connected(c.descriptor);
        error = errno; // of a poller that cannot take it
    }
    if (e == io_error::none) {
        destination_->reached = address.address();
        return e;
    }
    if (destination_->reached == address.address()) {
        destination_->reached.reset();
    }
    const char* const why = e == io_error::timed_out ? "no connection in time" : std::strerror(error);
    failure_ = fmt::format("{}:{}: {}", address.address().to_string(), address.port(), why);
    return e;
}

void upstream_connection::cancel() {
    if (connecting_) {
        connecting_->give_up();
    }
    connection::cancel();
}

task<io_error> upstream_connection::secure(steady_time deadline) {
    const std::string& name = destination_->plan.tls_name;
    tls_connection connection = make_tls_connection(worker_.tls.native_handle(), name, &destination_->ticket, failure_);
    if (!connection) {
        failure_ = fmt::format("TLS with {}: {}", name, failure_);
        co_return io_error::tls_failed;
    }
    deadline_ = deadline;
    const io_error e = explain(co_await shake_hands(std::move(connection)));
    deadline_ = never;
    if (e == io_error::none) {
        co_return e;
    }
    destination_->ticket.reset();
    if (e == io_error::timed_out || e == io_error::cancelled) {
        failure_ = "TLS handshake timed out";
        co_return e;
    }
    failure_ = fmt::format("TLS with {}: {}", name, describe_tls_failure(tls()));
    // Broken off before anything was wrong with the certificate: as if nobody had answered, so worth another attempt.
    const bool broke_off = e == io_error::reset || e == io_error::truncated;
    co_return broke_off&& SSL_get_verify_result(tls()) == X509_V_OK ? io_error::connect_failed : io_error::tls_failed;
}

task<io_error> upstream_connection::write(gather buffers, steady_time deadline) {
    deadline_ = deadline;
    const io_error e = co_await write_all(buffers);
    deadline_ = never;
    if (e == io_error::reset && reused_ && !has_sent()) {
        co_return io_error::closed;
    }
    early_ = e != io_error::none || heard(); // an answer to half a request, too
    co_return explain(e);
}

bool upstream_connection::has_undelivered() const noexcept {
    int bytes = 0;
    return descriptor() >= 0 && ::ioctl(descriptor(), SIOCOUTQ, &bytes) == 0 && bytes > 0;
}

task<io_error> upstream_connection::read_more(steady_time deadline) {
    if (!block_) {
        block_ = worker_.small_blocks.take();
        begin_ = end_ = 0;
    }
    deadline_ = deadline;
    expired_ = false;
    const asio::mutable_buffer into{block_.begin() + end_, room()};
    const io_result r = co_await read_some(into);
    deadline_ = never;
    end_ += r.bytes;
    filled_ = filled_ || room() == 0;
    co_return explain(r.error);
}

std::size_t upstream_connection::room() const noexcept {
    return block_ ? block_.size() - end_ : worker_.small_blocks.block_size();
}

void upstream_connection::use_large_block() {
    block larger = worker_.large_blocks.take();
    const std::string_view kept = bytes();
    std::memcpy(larger.begin(), kept.data(), kept.size());
    block_ = std::move(larger);
    begin_ = 0;
    end_ = kept.size();
}

void upstream_connection::compact() noexcept {
    const std::string_view kept = bytes();
    std::memmove(block_.begin(), kept.data(), kept.size());
    begin_ = 0;
    end_ = kept.size();
}

void upstream_connection::keep() {
    const bool silent = bytes().empty() && !early_ && !surplus();
    block_.release();
    filled_ = false;
    if (!silent || worker_.draining || destination_->idle.size() >= worker_.config->upstream.max_idle_per_host) {
        close();
        return;
    }
    idle_ = reused_ = true;
    kept_in_ = worker_.sockets.round();
    deadline_ = worker_.now() + destination_->plan.limits.idle;
    destination_->idle.emplace_back(this);
}

// Bytes behind an answer, or an end, mean that the two sides do not agree on where it ended (RFC 9112 6.3).
void upstream_connection::on_unasked() {
    if (idle_ && surplus()) {
        retire();
    }
}

void upstream_connection::retire() {
    idle_ = false;
    const upstream_ptr alive{this};
    std::erase(destination_->idle, alive);
    close();
}

io_error upstream_connection::explain(io_error e) const noexcept {
    return e == io_error::cancelled && expired_ ? io_error::timed_out : e;
}

void upstream_connection::on_tick(steady_time now) {
    if (now < deadline_) {
        return;
    }
    deadline_ = never;
    expired_ = true;
    if (idle_) {
        worker_.expired.emplace_back(this); // retired after the walk: it may end here
    } else {
        cancel();
    }
}

void upstream_connection::retire_expired() {
    if (idle_) {
        retire();
    }
}

// A busy one ends with its session. An idle one may belong to a destination that no table knows any more (a reload).
void upstream_connection::on_ending(ending) {
    if (idle_) {
        worker_.expired.emplace_back(this);
    }
}

} // namespace countersign::proxy
