#include "proxy/relay.hpp"

#include "proxy/client_connection.hpp"
#include "proxy/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>

namespace countersign::proxy {

namespace {

refusal refuse_error(const outcome& out) {
    switch (out.error) {
    case io_error::address_refused:
        return {
            403,
            "address-refused",
            fmt::format(
                "{}. The host's addresses are private or otherwise not AWS's; name the address to dial in a route's "
                "`connect` if that is intended.",
                out.failure
            )};
    case io_error::timed_out:
        return {504, "upstream-timeout", fmt::format("The service did not answer in time: {}.", out.failure)};
    case io_error::tls_failed:
        return {
            502,
            "upstream-tls",
            fmt::format(
                "The service's certificate or TLS is not acceptable: {}. Nothing was sent to it.", out.failure
            )};
    case io_error::resolve_failed:
    case io_error::connect_failed:
        return {502, "upstream-unreachable", fmt::format("The service cannot be reached: {}.", out.failure)};
    case io_error::malformed:
    case io_error::too_large:
        return {502, "upstream-malformed", "The service's answer is not well-formed HTTP/1.1 and was not passed on."};
    default:
        return {502, "upstream-failed", fmt::format("The service gave no answer: {}.", out.failure)};
    }
}

refusal refuse_outcome(const outcome& out) {
    refusal r = refuse_error(out);
    if (out.is_unknown) {
        r.message += " The request may have been carried out.";
    }
    if (out.held_back) {
        r.message += " It was not sent again (retry.unknown_outcome).";
    }
    return r;
}

// Room for the next bytes of a body: a large block once it is clear that there are many.
void make_room(upstream_connection& c, worker& w) {
    if (c.bytes().empty() && c.room() < w.large_blocks.block_size() && c.filled()) {
        c.use_large_block();
    } else {
        c.compact();
    }
}

class body_pump {
public:
    body_pump(client_connection& s, exchange& x, client_framing to)
        : session_(s), exchange_(x), body_(x.reply.framing, x.reply.length, to) {}

    // none; or why the client did not get all: an error of the upstream's, or of the client's (client_failed()).
    task<io_error> run(std::string_view head);
    bool client_failed() const noexcept { return client_failed_; }

private:
    task<io_error> pass_on(const body_relay::piece& p);

    client_connection& session_;
    exchange& exchange_;
    body_relay body_;
    std::string_view head_; // not yet written
    bool client_failed_ = false;
};

task<io_error> body_pump::pass_on(const body_relay::piece& p) {
    const gather buffers{asio::buffer(head_), asio::buffer(p.before), asio::buffer(p.content), asio::buffer(p.after)};
    head_ = {};
    io_error e = io_error::none;
    if (size_of(buffers) != 0) {
        e = session_.explain(co_await session_.write(buffers));
        client_failed_ = e != io_error::none;
    }
    exchange_.response_bytes += p.content.size();
    exchange_.connection->consume(p.consumed);
    co_return e;
}

task<io_error> body_pump::run(std::string_view head) {
    head_ = head;
    upstream_connection& c = *exchange_.connection;
    worker& w = session_.surroundings();
    for (;;) {
        const body_relay::piece p = body_.next(c.bytes());
        if (const io_error e = co_await pass_on(p); e != io_error::none) {
            co_return e;
        }
        if (p.then != body_relay::state::more) {
            co_return p.then == body_relay::state::complete ? io_error::none : io_error::malformed;
        }
        if (p.consumed != 0 && !c.bytes().empty()) {
            continue;
        }
        io_error e = exchange_.reply.end;
        if (e == io_error::none) { // else all of it was in the buffer
            make_room(c, w);
            session_.await_upstream();
            e = co_await c.read_more(w.now() + exchange_.pause_limit);
        }
        if (e == io_error::closed) {
            const body_relay::piece last = body_.end();
            const io_error written = co_await pass_on(last);
            co_return last.then == body_relay::state::complete ? written : io_error::truncated;
        }
        if (e != io_error::none) {
            co_return e;
        }
    }
}

void finish_connection(exchange& x, bool whole) {
    upstream_connection& c = *x.connection;
    if (whole && x.reply.keep_alive) {
        c.keep();
    } else {
        c.close();
    }
    x.connection.reset();
}

} // namespace

task<> relay(client_connection& s, exchange& x, const outcome& out) {
    if (out.error != io_error::none) {
        x.refused = refuse_outcome(out);
        const char* const why_once =
            out.held_back ? "; not repeated: it may have been carried out (retry.unknown_outcome)" : "";
        spdlog::warn("{} {}: {}{}", x.request.method, x.request.host, out.failure, why_once);
        co_return;
    }
    const client_framing framing = framing_for(x);
    const bool until_close = framing == client_framing::dechunked ||
                             (framing == client_framing::same && x.reply.framing == answer_framing::until_close);
    x.keep_alive = x.keep_alive && !s.closing() && !until_close;
    x.status = x.reply.head.status;
    const std::string_view head = write_answer_head(x, framing, x.keep_alive);
    x.connection->consume(x.reply.head_size);
    body_pump pump{s, x, framing};
    const io_error e = co_await pump.run(head);
    finish_connection(x, e == io_error::none);
    if (e == io_error::none) {
        co_return;
    }
    x.keep_alive = false;
    x.broken_off = true;
    if (pump.client_failed()) {
        s.mark_left();
    } else {
        x.reset_client = until_close;
        if (!s.client_left()) {
            spdlog::warn("{} {}: the answer broke off: {}", x.request.method, x.request.host, to_string(e));
        }
    }
}

body_relay::piece body_relay::next(std::string_view bytes) noexcept {
    switch (from_) {
    case answer_framing::none:
        return {{}, {}, {}, 0, state::complete};
    case answer_framing::length: {
        const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(left_, bytes.size()));
        left_ -= n;
        return {{}, bytes.substr(0, n), {}, n, left_ == 0 ? state::complete : state::more};
    }
    case answer_framing::chunked:
        return to_ == client_framing::same ? next_chunked(bytes) : next_dechunked(bytes);
    case answer_framing::until_close:
        return next_until_close(bytes);
    }
    return {};
}

// Checked and passed on as it is, framing, extensions and trailers included.
body_relay::piece body_relay::next_chunked(std::string_view bytes) noexcept {
    std::string_view rest = bytes;
    std::string_view content;
    auto step = chunked_decoder::step::content;
    while (step == chunked_decoder::step::content) {
        step = decoder_.next(rest, content);
    }
    if (step == chunked_decoder::step::broken) {
        return {{}, {}, {}, 0, state::broken};
    }
    const std::size_t n = bytes.size() - rest.size();
    return {{}, bytes.substr(0, n), {}, n, step == chunked_decoder::step::complete ? state::complete : state::more};
}

body_relay::piece body_relay::next_dechunked(std::string_view bytes) noexcept {
    std::string_view rest = bytes;
    std::string_view content;
    const auto step = decoder_.next(rest, content);
    if (step == chunked_decoder::step::broken) {
        return {{}, {}, {}, 0, state::broken};
    }
    const state then = step == chunked_decoder::step::complete ? state::complete : state::more;
    return {{}, content, {}, bytes.size() - rest.size(), then};
}

body_relay::piece body_relay::next_until_close(std::string_view bytes) noexcept {
    if (to_ == client_framing::same || bytes.empty()) {
        return {{}, bytes, {}, bytes.size(), state::more};
    }
    char* const end = std::to_chars(size_line_, size_line_ + 16, bytes.size(), 16).ptr;
    end[0] = '\r';
    end[1] = '\n';
    const std::string_view size{size_line_, static_cast<std::size_t>(end + 2 - size_line_)};
    return {size, bytes, "\r\n", bytes.size(), state::more};
}

body_relay::piece body_relay::end() noexcept {
    if (from_ != answer_framing::until_close) {
        return {{}, {}, {}, 0, state::broken};
    }
    return {{}, {}, to_ == client_framing::chunked ? "0\r\n\r\n" : "", 0, state::complete};
}

} // namespace countersign::proxy
