#include "proxy/client_connection.hpp"

#include "proxy/credential_gate.hpp"
#include "proxy/net/address.hpp"
#include "proxy/request_writer.hpp"
#include "proxy/worker.hpp"
#include "signer/scope.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <arpa/inet.h>
#include <span>

namespace countersign::proxy {

namespace {

using namespace std::chrono_literals;

constexpr auto park_after = 1s;            // an idle connection gives its buffer back
constexpr auto look_for_client_after = 1s; // while its request is under way upstream
constexpr auto linger_time = 1s;
constexpr std::size_t linger_bytes = 4 << 20;
constexpr auto credentials_limit = 25s;  // for an identity's first credentials
constexpr auto first_request_limit = 5s; // of a client that was connected before the proxy began to drain

// What the client's library understands, where a request is refused before it is known where it goes.
signer::wire_protocol protocol_of(std::string_view host) noexcept {
    const auto found = signer::scope_of(host);
    const auto* scope = std::get_if<signer::host_scope>(&found);
    return scope ? signer::traits_of(scope->service).errors : signer::wire_protocol::text;
}

// Is there anything to ask beyond what the destination has answered for all requests? Mostly not.
bool is_restricted(const exchange& x) noexcept {
    return x.destination->plan.rules || x.destination->limiter || x.request.dry != dry_run::no;
}

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

detached serve_client(int descriptor, tcp::endpoint peer, worker& w) {
    client_connection s{peer, w}; // noexcept: from here on it is counted, and its end counts it off
    try {
        if (s.adopt(descriptor) == io_error::none) {
            co_await s.run();
        }
    } catch (const std::exception& e) { // a bug or no memory: this client's connection ends, nobody else's
        spdlog::error("a client connection ended by an exception: {}", e.what());
    }
}

client_connection::client_connection(const tcp::endpoint& peer, worker& w) noexcept
    : connection(w.sockets), worker_(w), is_local_(is_loopback(peer.address())) {
    peer_size_ = static_cast<std::uint8_t>(write_peer(peer, peer_text_));
    enter(phase::idle);
    set_deadline(since_ + w.config->listen.header_timeout);
    w.watched_ones.push_back(*this);
    w.connection_began();
    if (w.draining) { // it was waiting to be accepted
        on_ending(ending::soon);
    }
}

client_connection::~client_connection() {
    worker_.connection_ended();
}

task<> client_connection::run() {
    bool go_on = true;
    while (go_on) {
        const bool began = co_await wait_for_bytes();
        if (!began) {
            break;
        }
        const arrived_head head = co_await read_head();
        if (head.error != io_error::none) {
            break;
        }
        go_on = co_await serve_one(head);
    }
}

// The exchange is lent from here to the end of the answer: a head that is still on its way holds none, and a client
// that we wait for to hang up neither.
task<bool> client_connection::serve_one(const arrived_head& head) {
    bool go_on = false;
    bool lingers = false;
    {
        const lent_exchange x = worker_.take_exchange();
        x->began = head.began;
        fresh_ = false;
        co_await serve(*x, head);
        go_on = x->keep_alive && !x->broken_off && !left_;
        lingers = !go_on && !x->broken_off && !left_;
        step_behind(*x);
    }
    if (lingers) {
        co_await linger();
    }
    co_return go_on;
}

task<> client_connection::serve(exchange& x, const arrived_head& head) {
    take_head(x, head);
    if (!x.refused) {
        try {
            co_await answer(x);
        } catch (const signer::ecdsa_failure& failure) { // SigV4A: before a byte of the attempt was sent
            abandon(x, failure.what());
        }
    }
    if (x.refused && !left_) {
        co_await refuse(x);
    }
    record(x);
    if (x.reset_client) {
        close_with_reset();
    }
}

// One request: may it, where to, with which body, and then there and back.
task<> client_connection::answer(exchange& x) {
    const inbound_rules rules{worker_.shared.via_name, worker_.config->listen.allow_origin};
    x.refused = read_inbound(x.head, rules, x.request);
    // Unless its body has been read, nothing behind this request can be told from it.
    x.keep_alive = x.request.keep_alive && x.request.framing == body_framing::none;
    if (x.refused) {
        x.keep_alive = x.keep_alive && !ends_connection(*x.refused);
        co_return;
    }
    const asked_host asked{x.request.host, x.request.port, x.request.https, x.request.method, x.request.path};
    auto found = worker_.destinations.find(*worker_.config, worker_.default_region, asked, worker_.metrics, x.began);
    if (auto* no = std::get_if<refusal>(&found)) {
        x.refused = std::move(*no);
        co_return;
    }
    x.destination = std::get<destination_ptr>(std::move(found));
    x.identity = x.destination->plan.identity;
    if (worker_.tenants && x.destination->plan.sign != conf::sign_mode::none) {
        x.refused = find_tenant(x);
    }
    if (!x.refused && is_restricted(x)) {
        x.refused = check_before_body(x);
    }
    if (!x.refused) {
        x.refused = check_request(x, *worker_.config);
    }
    if (!x.refused && x.destination->plan.sign != conf::sign_mode::none) {
        x.refused = check_signed_text(x);
    }
    if (!x.refused && x.destination->plan.sign != conf::sign_mode::none) {
        x.refused = co_await await_credentials(worker_, x.identity, x.began + credentials_limit);
    }
    if (x.refused) {
        co_return;
    }
    co_await read_body(x);
    if (x.refused || left_) {
        co_return;
    }
    x.keep_alive = x.request.keep_alive;
    if (x.tenant) {
        x.refused = verify_tenant(x);
    }
    if (x.refused) {
        co_return;
    }
    prepare(x);
    if (x.destination->plan.rules) {
        x.refused = check_action(x);
    }
    if (x.refused) {
        co_return;
    }
    if (x.request.dry == dry_run::sign) {
        co_await show_signed(x);
    } else {
        co_await exchange_with_upstream(x);
    }
}

task<> client_connection::refuse(exchange& x) {
    const refusal& r = *x.refused;
    const auto protocol = x.destination ? x.destination->plan.traits.errors : protocol_of(x.request.host);
    x.status = r.status;
    ++worker_.metrics.refusals_total;
    if (r.code == "policy-denied" || r.code == "client-refused") {
        spdlog::warn("{} {}: {} ({})", x.request.method, x.request.host, r.message, worker_.config->source);
    }
    x.keep_alive = x.keep_alive && !closing_;
    const std::string text = render(r, protocol, x.request.is_head, !x.keep_alive);
    const gather buffers{asio::buffer(text)};
    const io_error e = co_await write(buffers);
    if (e != io_error::none) {
        x.keep_alive = false;
        left_ = true;
    }
}

// The connection ends but the client may still be sending: if it were closed now, the system would answer with a
// reset and the client might never see what was written (RFC 9112 9.6).
task<> client_connection::linger() {
    shutdown_send();
    enter(phase::lingering);
    set_deadline(since_ + linger_time);
    for (std::size_t seen = 0; seen < linger_bytes;) {
        begin_ = end_ = 0;
        const io_error e = co_await read_more();
        if (e != io_error::none) {
            break;
        }
        seen += end_;
    }
    begin_ = end_ = 0;
}

void client_connection::record(exchange& x) {
    const auto took = worker_.now() - x.began;
    worker_metrics& m = worker_.metrics;
    m.request_seconds.add(took);
    m.request_bytes += x.request_bytes;
    m.response_bytes += x.response_bytes;
    scope_counters& counters = x.destination ? *x.destination->counters : m.of_scope("", "");
    ++counters.requests_by_code[x.status];
    if (!worker_.config->log.access) {
        return;
    }
    access_entry e;
    e.time = std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(took);
    e.client = {peer_text_.data(), peer_size_};
    e.method = x.request.method;
    e.host = x.request.host;
    e.path = x.request.path_and_query;
    if (x.destination) {
        e.service = x.destination->plan.service;
        e.region = x.signed_with.keys ? std::string_view{x.signed_with.region} : x.destination->region();
        e.identity = x.destination->plan.sign == conf::sign_mode::none
                         ? std::string_view{}
                         : std::string_view{worker_.identities[x.identity].name};
    }
    e.status = x.status;
    e.attempts = x.attempts;
    e.request_bytes = x.request_bytes;
    e.response_bytes = x.response_bytes;
    e.duration = took;
    e.upstream = x.upstream_time;
    e.payload = x.payload_plan;
    e.refusal = x.refused ? x.refused->code : std::string_view{};
    e.route = x.destination ? std::string_view{x.destination->plan.route} : std::string_view{};
    worker_.log.add(e);
}

void client_connection::enter(phase p) noexcept {
    phase_ = p;
    since_ = worker_.now();
    if (p == phase::writing || p == phase::body) {
        set_deadline(since_ + worker_.config->listen.body_timeout);
    } else if (p == phase::upstream) {
        set_deadline(steady_time::max());
    }
}

void client_connection::set_deadline(steady_time when) noexcept {
    deadline_ = when;
}

io_error client_connection::explain(io_error e) const noexcept {
    return e == io_error::cancelled && expired_ ? io_error::timed_out : e;
}

void client_connection::on_tick(steady_time now) {
    if (now >= deadline_) {
        deadline_ = steady_time::max();
        expired_ = true;
        cancel();
    } else if (phase_ == phase::idle && block_ && !fresh_ && now - since_ > park_after) {
        phase_ = phase::parked;
        cancel();
    } else if (phase_ == phase::upstream && hung_up() && now - since_ > look_for_client_after) {
        on_ending(ending::now);
    }
}

void client_connection::on_ending(ending e) {
    closing_ = true;
    const bool between_requests = phase_ == phase::idle || phase_ == phase::parked;
    if (e == ending::soon && !between_requests) {
        return;
    }
    if (e == ending::soon && fresh_) { // connected while we still listened: its first request is answered
        deadline_ = std::min(deadline_, worker_.now() + first_request_limit);
        return;
    }
    left_ = left_ || e == ending::now; // a request whose bytes are there already is still answered
    cancel();
    if (attempt_) {
        attempt_->cancel();
    }
    if (retry_timer_) {
        retry_timer_->cancel();
    }
}

} // namespace countersign::proxy
