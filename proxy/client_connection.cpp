#include "proxy/client_connection.hpp"

#include "proxy/net/address.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <span>

namespace countersign::proxy {

namespace {

using namespace std::chrono_literals;

constexpr auto look_for_client_after = 1s; // while its request is under way upstream
constexpr auto linger_time = 1s;
constexpr std::size_t linger_bytes = 4 << 20;
constexpr auto first_request_limit = 5s; // of a client that was connected before the proxy began to drain
constexpr steady_time never = steady_time::max();

// "[address]:port", without allocating; how much of it fits.
std::size_t write_peer(const tcp::endpoint& peer, std::span<char> to) noexcept {
    std::array<char, INET6_ADDRSTRLEN> host{};
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(peer.data());
    const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(peer.data());
    const bool is_v4 = peer.data()->sa_family == AF_INET;
    const void* const address = is_v4 ? static_cast<const void*>(&v4->sin_addr) : &v6->sin6_addr;
    if (::inet_ntop(peer.data()->sa_family, address, host.data(), host.size()) == nullptr) {
        return 0;
    }
    const auto written = is_v4 ? fmt::format_to_n(to.data(), to.size(), "{}:{}", host.data(), peer.port())
                               : fmt::format_to_n(to.data(), to.size(), "[{}]:{}", host.data(), peer.port());
    return std::min(written.size, to.size());
}

} // namespace

void serve_client(int descriptor, const tcp::endpoint& peer, worker_state& w, exchange_store& store) {
    auto c = std::make_unique<client_connection>(peer, w, store);
    if (c->adopt(descriptor) == io_error::none) {
        c.release(); // its own from here on
    }
}

client_connection::client_connection(const tcp::endpoint& peer, worker_state& w, exchange_store& store) noexcept
    : worker_(w), store_(store), connection_(w.sockets, *this), buffer_(w.blocks) {
    is_local_ = is_loopback(peer.address());
    peer_size_ = static_cast<std::uint8_t>(write_peer(peer, peer_text_));
    enter(phase::idle);
    deadline_ = since_ + w.config->listen.header_timeout;
    w.watched_ones.push_back(*this);
    w.client_came();
    if (w.draining) { // it was waiting to be accepted
        on_ending(ending::soon);
    }
}

client_connection::~client_connection() {
    connection_.close();
    worker_.client_went();
}

// The first bytes of a request, or the end of the connection.
void client_connection::on_unasked() {
    if (phase_ == phase::idle) {
        serve();
    }
}

detached client_connection::serve() {
    bool rests = false;
    try {
        rests = co_await serve_requests();
    } catch (const std::exception& e) { // a bug or no memory: this client's connection ends, nobody else's
        spdlog::error("a client connection ended by an exception: {}", e.what());
    }
    exchange_ = nullptr;
    if (!rests) {
        delete this;
    }
}

// True: there are no bytes of a further request yet.
task<bool> client_connection::serve_requests() {
    for (;;) {
        const arrived_head head = co_await read_head();
        if (head.error != io_error::none) {
            co_return false;
        }
        const bool goes_on = co_await serve_one(head);
        if (!goes_on || (is_closing_ && buffer_.empty())) {
            co_return false;
        }
        if (buffer_.empty() && rest()) {
            co_return true;
        }
    }
}

bool client_connection::rest() noexcept {
    // Nobody would be told of what is there already. Behind a body that was read to its last byte, and no further, only
    // the system knows.
    if (connection_.is_readable() &&
        (connection_.tls() || connection_.hung_up() || connection_.socket().has_unread())) {
        return false;
    }
    buffer_.release();
    enter(phase::idle);
    deadline_ = since_ + worker_.config->listen.idle_timeout;
    return true;
}

// Up to the end of the head. Holds nothing but the buffer meanwhile.
task<arrived_head> client_connection::read_head() {
    enter(phase::head);
    deadline_ = since_ + worker_.config->listen.header_timeout;
    arrived_head head;
    head.began = worker_.now();
    head_scanner scanner;
    bool skipped = false; // RFC 9112 2.2: one empty line before a request is overlooked
    for (;;) {
        if (!skipped && buffer_.bytes().starts_with("\r\n")) {
            buffer_.consume(2);
            skipped = true;
            scanner = head_scanner{};
        }
        const auto state = scanner.scan(buffer_.bytes());
        if (state != head_scanner::state::more) {
            head.fault = scanner.error();
            head.size = scanner.length();
            break;
        }
        io_error e = io_error::too_large;
        if (buffer_.make_room()) {
            e = co_await read_more();
        }
        if (e == io_error::timed_out && !buffer_.empty()) {
            head.is_late = true;
            break;
        }
        if (e != io_error::none) {
            head.error = e;
            break;
        }
    }
    deadline_ = never;
    co_return head;
}

static_assert(sizeof(exchange) <= 1536, "serve_one's frame would be none of those that frame_memory.cpp keeps");

// The exchange's memory is lent from here to the end of the answer: a head that is still on its way holds none, and a
// client that we wait for to hang up neither.
task<bool> client_connection::serve_one(const arrived_head& head) {
    is_fresh_ = false;
    bool goes_on = false;
    bool lingers = false;
    {
        const exchange_store::lent memory = store_.take();
        exchange x{*this, worker_, *memory};
        exchange_ = &x;
        co_await x.run(head);
        exchange_ = nullptr;
        const exchange_record& seen = x.record();
        goes_on = seen.keep_alive && !seen.broken_off && !has_left_;
        lingers = !goes_on && !seen.broken_off && !has_left_;
        if (seen.reset_client) {
            connection_.socket().reset_on_close();
        }
        step_behind(x);
    }
    if (lingers) {
        co_await linger();
    }
    co_return goes_on;
}

// To the bytes of the next request.
void client_connection::step_behind(exchange& x) noexcept {
    buffer_.consume(std::min(x.used_of_buffer(), buffer_.bytes().size()));
    if (x.behind().has_block()) {
        buffer_.take_over(x.behind());
    }
    if (buffer_.empty() && buffer_.is_large()) {
        buffer_.release();
    }
}

// The connection ends but the client may still be sending: if it were closed now, the system would answer with a
// reset and the client might never see what was written (RFC 9112 9.6).
task<> client_connection::linger() {
    connection_.socket().shut_down_sending();
    enter(phase::lingering);
    deadline_ = since_ + linger_time;
    for (std::size_t seen = 0; seen < linger_bytes;) {
        buffer_.consume(buffer_.bytes().size());
        const io_error e = co_await read_more();
        if (e != io_error::none) {
            break;
        }
        seen += buffer_.bytes().size();
    }
}

task<io_error> client_connection::read_more() {
    const asio::mutable_buffer into = buffer_.room();
    const io_result r = co_await connection_.read_some(into);
    buffer_.added(r.bytes);
    co_return explain(r.error);
}

task<io_error> client_connection::read_body(asio::mutable_buffer into, std::size_t& bytes) {
    enter(phase::body);
    const io_result r = co_await connection_.read_some(into);
    bytes = r.bytes;
    co_return explain(r.error);
}

std::optional<io_error> client_connection::try_write(gather& buffers) noexcept {
    return connection_.is_open() ? connection_.try_write(buffers) : io_error::reset;
}

// More than body_timeout without progress ends it.
task<io_error> client_connection::finish(gather buffers) {
    enter(phase::writing);
    co_return explain(co_await connection_.write_all(buffers));
}

void client_connection::enter(phase p) noexcept {
    phase_ = p;
    since_ = worker_.now();
    if (p == phase::writing || p == phase::body) {
        deadline_ = since_ + worker_.config->listen.body_timeout;
    } else if (p == phase::upstream) {
        deadline_ = never;
    }
}

io_error client_connection::explain(io_error e) const noexcept {
    return e == io_error::cancelled && is_expired_ ? io_error::timed_out : e;
}

void client_connection::on_tick(steady_time now) {
    if (now >= deadline_) {
        deadline_ = never;
        is_expired_ = true;
        if (phase_ == phase::idle) {
            worker_.over.push_back(this);
        } else {
            connection_.cancel();
        }
    } else if (phase_ == phase::upstream && connection_.hung_up() && now - since_ > look_for_client_after) {
        on_ending(ending::now);
    }
}

void client_connection::on_ending(ending e) {
    is_closing_ = true;
    if (phase_ == phase::idle) {
        if (e == ending::now) {
            worker_.over.push_back(this);
        } else if (is_fresh_) { // connected while we still listened: its first request is answered
            deadline_ = std::min(deadline_, worker_.now() + first_request_limit);
        } else if (!connection_.socket().has_unread()) { // else a request that came before we began to drain
            worker_.over.push_back(this);
        }
        return;
    }
    if (e == ending::soon) {
        return;
    }
    has_left_ = true;
    connection_.cancel();
    if (exchange_) {
        exchange_->cancel();
    }
}

// Nothing came while it was idle, and nothing will be waited for.
void client_connection::after_walk() {
    if (phase_ == phase::idle) {
        delete this;
    }
}

} // namespace countersign::proxy
