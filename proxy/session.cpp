#include "proxy/session.hpp"

#include "proxy/address.hpp"
#include "proxy/identity.hpp"
#include "proxy/outgoing.hpp"
#include "proxy/worker.hpp"
#include "signer/scope.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>

namespace countersign::proxy {

namespace {

using namespace std::chrono_literals;

constexpr auto park_after = 1s;            // an idle connection gives its buffer back
constexpr auto look_for_client_after = 1s; // while its request is under way upstream
constexpr auto linger_time = 1s;
constexpr std::size_t linger_bytes = 4 << 20;
constexpr auto credentials_limit = 25s; // for an identity's first credentials

// What the client's library understands, where a request is refused before it is known where it goes.
signer::wire_protocol protocol_of(std::string_view host) noexcept {
    const auto found = signer::scope_of(host);
    const auto* scope = std::get_if<signer::host_scope>(&found);
    return scope ? signer::traits_of(scope->service).errors : signer::wire_protocol::text;
}

// Is there anything to ask beyond what the destination has answered for all requests? Mostly not.
bool is_restricted(const exchange& x) noexcept {
    return x.place->where.rules || x.place->limiter || x.in.dry != dry_run::no;
}

} // namespace

detached serve_client(int descriptor, tcp::endpoint peer, worker& w) {
    session s{peer, w};
    try {
        if (s.adopt(descriptor) == errc::none) {
            co_await s.run();
        }
    } catch (const std::exception& e) { // a bug or no memory: this client's connection ends, nobody else's
        spdlog::error("a client connection ended by an exception: {}", e.what());
    }
}

session::session(const tcp::endpoint& peer, worker& w)
    : transport(w.sockets), worker_(w), is_local_(is_loopback(peer.address())) {
    const std::string address = peer.address().to_string();
    const std::string text = peer.address().is_v4() ? fmt::format("{}:{}", address, peer.port())
                                                    : fmt::format("[{}]:{}", address, peer.port());
    peer_size_ = static_cast<std::uint8_t>(text.copy(peer_text_.data(), peer_text_.size()));
    enter(phase::idle);
    set_deadline(since_ + w.config->listen.header_timeout);
    w.watched_ones.push_back(*this);
    w.session_began();
}

session::~session() {
    worker_.session_ended();
}

task<> session::run() {
    bool go_on = true;
    while (go_on) {
        const bool began = co_await wait_for_bytes();
        if (!began) {
            break;
        }
        const lent_exchange x = worker_.take_exchange();
        go_on = co_await serve_one(*x);
    }
}

// Between requests. True when bytes of the next one are there.
task<bool> session::wait_for_bytes() {
    if (!bytes().empty()) {
        co_return true;
    }
    if (closing_) {
        co_return false;
    }
    if (!fresh_) {
        enter(phase::idle);
        set_deadline(since_ + worker_.config->listen.idle_timeout);
    }
    errc e = co_await read_more();
    if (e == errc::cancelled && phase_ == phase::parked && !closing_) {
        block_.release();
        e = explain(co_await until_readable());
        if (e == errc::none) {
            e = co_await read_more();
        }
    }
    co_return e == errc::none;
}

task<bool> session::serve_one(exchange& x) {
    x.began = worker_.now();
    fresh_ = false;
    const errc e = co_await read_head(x);
    if (e != errc::none) {
        co_return false;
    }
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
    const bool go_on = x.keep_alive && !x.broken_off && !left_;
    if (!go_on && !x.broken_off && !left_) {
        co_await linger();
    }
    step_behind(x);
    co_return go_on;
}

void session::step_behind(exchange& x) noexcept {
    if (x.next_block) {
        block_ = std::move(x.next_block);
        begin_ = x.next_begin;
        end_ = x.next_end;
    } else {
        begin_ += static_cast<std::uint32_t>(std::min<std::size_t>(x.block_used, end_ - begin_));
    }
    if (begin_ == end_ && block_.size() > worker_.small_blocks.block_size()) {
        block_.release();
    }
}

// Up to the end of the head; x.refused says what is wrong with it. An error: nobody is there to be answered.
task<errc> session::read_head(exchange& x) {
    enter(phase::head);
    set_deadline(since_ + worker_.config->listen.header_timeout);
    head_scanner scanner;
    std::size_t skipped = 0; // RFC 9112 2.2: one empty line before a request is overlooked
    for (;;) {
        if (skipped == 0 && bytes().starts_with("\r\n")) {
            begin_ += 2;
            skipped = 2;
            scanner = head_scanner{};
        }
        const auto state = scanner.scan(bytes());
        if (state == head_scanner::state::broken) {
            x.refused = refuse_head(scanner.error());
            x.keep_alive = false;
            co_return errc::none;
        }
        if (state == head_scanner::state::complete) {
            break;
        }
        errc e = errc::too_large;
        if (make_room()) {
            e = co_await read_more();
        }
        if (e == errc::timed_out && !bytes().empty()) {
            x.refused = refusal{408, "slow-request", "The request's head did not arrive in time."};
            x.keep_alive = false;
            co_return errc::none;
        }
        if (e != errc::none) {
            co_return e;
        }
    }
    x.head_size = x.block_used = scanner.length();
    const head_error e = parse_request(bytes().substr(0, x.head_size), x.request_fields, x.head);
    if (e != head_error::none) {
        x.refused = refuse_head(e);
        x.keep_alive = false;
    }
    set_deadline(steady_time::max());
    co_return errc::none;
}

// One request: may it, where to, with which body, and then there and back.
task<> session::answer(exchange& x) {
    const inbound_rules rules{worker_.ground.via_name, worker_.config->listen.allow_origin};
    x.refused = read_inbound(x.head, rules, x.in);
    // Unless its body has been read, nothing behind this request can be told from it.
    x.keep_alive = x.in.keep_alive && x.in.framing == body_framing::none;
    if (x.refused) {
        x.keep_alive = x.keep_alive && !ends_connection(*x.refused);
        co_return;
    }
    const asked_host asked{x.in.host, x.in.port, x.in.https, x.in.method, x.in.path};
    auto found = worker_.destinations.find(*worker_.config, worker_.default_region, asked, worker_.metrics, x.began);
    if (auto* no = std::get_if<refusal>(&found)) {
        x.refused = std::move(*no);
        co_return;
    }
    x.place = std::get<destination_ptr>(std::move(found));
    x.identity = x.place->where.identity;
    if (worker_.clients && x.place->where.sign != conf::sign_mode::none) {
        x.refused = find_client(x);
    }
    if (!x.refused && is_restricted(x)) {
        x.refused = check_before_body(x);
    }
    if (!x.refused) {
        x.refused = check_payload(x, *worker_.config);
    }
    if (!x.refused && x.place->where.sign != conf::sign_mode::none) {
        x.refused = co_await await_credentials(worker_, x.identity, x.began + credentials_limit);
    }
    if (x.refused) {
        co_return;
    }
    co_await read_body(x);
    if (x.refused || left_) {
        co_return;
    }
    x.keep_alive = x.in.keep_alive;
    if (x.by) {
        x.refused = verify_client(x);
    }
    if (x.refused) {
        co_return;
    }
    prepare(x);
    if (x.place->where.rules) {
        x.refused = check_action(x);
    }
    if (x.refused) {
        co_return;
    }
    if (x.in.dry == dry_run::sign) {
        co_await show_signed(x);
    } else {
        co_await exchange_with_upstream(x);
    }
}

task<> session::refuse(exchange& x) {
    const refusal& r = *x.refused;
    const auto protocol = x.place ? x.place->where.traits.errors : protocol_of(x.in.host);
    x.status = r.status;
    ++worker_.metrics.refusals_total;
    if (r.code == "policy-denied" || r.code == "client-refused") {
        spdlog::warn("{} {}: {} ({})", x.in.method, x.in.host, r.message, worker_.config->source);
    }
    const std::string text = render(r, protocol, x.in.is_head, !x.keep_alive);
    const gather buffers{asio::buffer(text)};
    const errc e = co_await write(buffers);
    if (e != errc::none) {
        x.keep_alive = false;
        left_ = true;
    }
}

// The connection ends but the client may still be sending: if it were closed now, the system would answer with a
// reset and the client might never see what was written (RFC 9112 9.6).
task<> session::linger() {
    shutdown_send();
    enter(phase::lingering);
    set_deadline(since_ + linger_time);
    for (std::size_t seen = 0; seen < linger_bytes;) {
        begin_ = end_ = 0;
        const errc e = co_await read_more();
        if (e != errc::none) {
            break;
        }
        seen += end_;
    }
    begin_ = end_ = 0;
}

void session::record(exchange& x) {
    const auto took = worker_.now() - x.began;
    worker_metrics& m = worker_.metrics;
    m.request_seconds.add(took);
    m.request_bytes += x.request_bytes;
    m.response_bytes += x.response_bytes;
    scope_counters& counters = x.place ? *x.place->counters : m.of_scope("", "");
    ++counters.requests_by_code[x.status];
    if (!worker_.config->log.access) {
        return;
    }
    access_entry e;
    e.time = std::chrono::system_clock::now() - std::chrono::duration_cast<std::chrono::system_clock::duration>(took);
    e.client = {peer_text_.data(), peer_size_};
    e.method = x.in.method;
    e.host = x.in.host;
    e.path = x.in.path_and_query;
    if (x.place) {
        e.service = x.place->where.service;
        e.region = x.place->region();
        e.identity = x.place->where.sign == conf::sign_mode::none
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
    e.route = x.place ? std::string_view{x.place->where.route} : std::string_view{};
    worker_.log.add(e);
}

void session::enter(phase p) noexcept {
    phase_ = p;
    since_ = worker_.now();
    if (p == phase::writing || p == phase::body) {
        set_deadline(since_ + worker_.config->listen.body_timeout);
    } else if (p == phase::upstream) {
        set_deadline(steady_time::max());
    }
}

void session::set_deadline(steady_time when) noexcept {
    deadline_ = when;
}

// REQUIRES: room behind end_, or no block at all.
task<errc> session::read_more() {
    if (!block_) {
        block_ = worker_.small_blocks.take();
        begin_ = end_ = 0;
    }
    if (begin_ == end_) {
        begin_ = end_ = 0;
    }
    const asio::mutable_buffer into{block_.begin() + end_, block_.size() - end_};
    const io_result r = co_await read_some(into);
    end_ += static_cast<std::uint32_t>(r.bytes);
    co_return explain(r.error);
}

// For a head that does not fit: moved to the front, then to a large block. False at the limit.
bool session::make_room() {
    if (!block_ || end_ < block_.size()) {
        return true;
    }
    const std::string_view kept = bytes();
    if (begin_ != 0) {
        std::memmove(block_.begin(), kept.data(), kept.size());
    } else if (block_.size() == worker_.small_blocks.block_size()) {
        block larger = worker_.large_blocks.take();
        std::memcpy(larger.begin(), kept.data(), kept.size());
        block_ = std::move(larger);
    } else {
        return false;
    }
    end_ = static_cast<std::uint32_t>(kept.size());
    begin_ = 0;
    return true;
}

errc session::explain(errc e) const noexcept {
    return e == errc::cancelled && expired_ ? errc::timed_out : e;
}

void session::on_tick(steady_time now) {
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

void session::on_ending(ending e) {
    closing_ = true;
    const bool between_requests = phase_ == phase::idle || phase_ == phase::parked;
    if (e == ending::soon && !between_requests) {
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
