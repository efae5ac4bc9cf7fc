#include "proxy/relay.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

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

// The body of an answer, as it comes.
class answer_source final : public body::source {
public:
    answer_source(client& c, outcome& out, client_framing to, std::chrono::milliseconds pause, const worker_state& w)
        : client_(c), connection_(*out.connection), length_(length_of(out.reply)), end_(out.body_end), pause_(pause),
          worker_(w), body_(out.reply.framing, out.reply.length, to) {}

    body::piece next() noexcept override {
        const body::piece p = body_.next(connection_.bytes());
        const bool is_stuck = p.consumed == 0 && p.then == body_relay::state::more;
        return is_at_end_ && is_stuck ? body_.end() : p;
    }
    void consume(const body::piece& p) noexcept override { connection_.consume(p.consumed); }
    bool has_more_at_hand() const noexcept override { return !connection_.bytes().empty(); }
    task<io_error> wait() override;
    io_error fault() const noexcept override { return is_at_end_ ? io_error::truncated : io_error::malformed; }
    std::optional<std::uint64_t> length() const noexcept override { return length_; }
    bool is_replayable() const noexcept override { return false; }
    void rewind() noexcept override {}

private:
    static std::optional<std::uint64_t> length_of(const answer& a) noexcept {
        return a.framing == answer_framing::length ? std::optional{a.length} : std::nullopt;
    }

    client& client_;
    upstream_connection& connection_;
    std::optional<std::uint64_t> length_;
    io_error end_; // how the connection ended, where that is known already
    std::chrono::milliseconds pause_;
    const worker_state& worker_;
    body_relay body_;
    bool is_at_end_ = false; // nothing more will be read
};

task<io_error> answer_source::wait() {
    io_error e = end_;
    if (e == io_error::none) { // else all of it was in the buffer
        read_buffer& buffer = connection_.buffer();
        if (buffer.empty() && buffer.was_filled() && !buffer.is_large()) { // there is much to come
            buffer.use_large_block();
        } else {
            buffer.compact();
        }
        client_.await_upstream();
        e = co_await connection_.read_more(worker_.now() + pause_);
    }
    is_at_end_ = e == io_error::closed;
    co_return is_at_end_ ? io_error::none : e;
}

bool ends_with_connection(const answer& a, client_framing framing) noexcept {
    return framing == client_framing::dechunked ||
           (framing == client_framing::same && a.framing == answer_framing::until_close);
}

} // namespace

refusal refuse_outcome(const outcome& out) {
    refusal r = refuse_error(out);
    if (out.is_unknown) {
        r.message += " The request may have been carried out.";
    }
    if (out.is_held_back) {
        r.message += " It was not sent again (retry.unknown_outcome).";
    }
    return r;
}

task<> relay(
    client& c,
    const received& r,
    outcome& out,
    const exchange_limits& until,
    worker_state& w,
    exchange_memory& memory,
    exchange_record& record
) {
    const bool http_1_0 = r.request.http_1_0;
    const client_framing framing = framing_for(out.reply, http_1_0, r.request.takes_trailers);
    const bool until_close = ends_with_connection(out.reply, framing);
    record.keep_alive = record.keep_alive && !c.is_closing() && !until_close;
    record.status = out.reply.head.status;
    const std::string_view head =
        write_answer_head(out.reply, framing, http_1_0, record.keep_alive, memory.of_attempt());
    out.connection->consume(out.reply.head_size);
    answer_source body{c, out, framing, until.pause, w};
    const body::copied done = co_await body::copy(body, c, head);
    record.response_bytes = done.content;
    if (done.error == io_error::none) {
        if (out.reply.keep_alive && out.delivered == delivery::whole) { // else the service waits for a body still
            out.connection.keep();
        }
        out.connection.close();
        co_return;
    }
    out.connection.close();
    record.keep_alive = false;
    record.broken_off = true;
    if (done.failed == body::failed_side::sink) {
        c.leave();
        co_return;
    }
    record.reset_client = until_close;
    if (!c.has_left()) {
        spdlog::warn("{} {}: the answer broke off: {}", r.request.method, r.request.host, to_string(done.error));
    }
}

} // namespace countersign::proxy
