#include "proxy/attempt.hpp"

#include "proxy/body/chunk_signed.hpp"
#include "proxy/body/memory.hpp"
#include "proxy/dial.hpp"
#include "proxy/error_answer.hpp"
#include "proxy/request_writer.hpp"
#include "proxy/rules/hidden_error.hpp"
#include "proxy/rules/repeatable.hpp"
#include "proxy/upstream_sink.hpp"
#include "signer/answer_time.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

namespace countersign::proxy {

namespace {

constexpr std::chrono::milliseconds error_body_limit{5000};
constexpr std::chrono::milliseconds longest_hold{20000}; // clients give up after 30 s of silence, or 60
constexpr auto distrust = std::chrono::seconds{5};

bool may_be_stale(io_error e) noexcept {
    return e == io_error::closed || e == io_error::reset || e == io_error::truncated;
}

// Some servers send this to a connection that was idle too long (RFC 9110 15.5.9). It can cross our request; then it is
// not an answer to it, and says that no request came. What comes later than a round trip takes has been thought over.
bool says_idle_too_long(const outcome& out) noexcept {
    return out.error == io_error::none && out.reply.head.status == 408 && !out.reply.keep_alive &&
           out.upstream_time < std::chrono::seconds{1};
}

// The other side has ended the connection in an orderly way before all of the request had reached its machine: it
// cannot have acted on it.
bool ended_too_early(const upstream_connection& c, io_error e) noexcept {
    return (e == io_error::closed || e == io_error::truncated) && c.bytes().empty() && c.has_undelivered();
}

// A service that drops kept connections just as they are used costs one request that may not be sent twice, not many.
upstream_lease take_kept(const attempts_of& all, destination& d) noexcept {
    const bool is_delicate = all.w.now() < d.distrusted_until && !is_idempotent(all.in.request.method);
    return is_delicate ? upstream_lease{} : all.w.pool.take_idle(d.slot);
}

// retry.unknown_outcome of this request: may it go out again where nobody knows what came of it?
bool may_repeat_blindly(const received& r, const admitted& a, const prepared& p, const worker_state& w) {
    switch (w.config->retry.unknown_outcome) {
    case conf::unknown_outcome::all:
        return true;
    case conf::unknown_outcome::never:
        return false;
    case conf::unknown_outcome::safe:
        break;
    }
    const plan& where = a.destination->plan;
    return is_repeatable({where.service, where.traits, r.request.method, p.path, p.query, p.fields, p.body});
}

// One attempt under way.
class sending {
public:
    sending(attempts_of& all, const admitted& a, const prepared& p) noexcept : all_(all), admitted_(a), prepared_(p) {}
    task<outcome> run();

private:
    task<> connect();
    task<> send_and_receive();
    task<body::copied> send(upstream_connection& c, written_head& head);
    task<> read_error_body();
    bool may_hide_one() const noexcept;
    task<> look_inside();
    bool may_have_acted() const noexcept;
    void finish();

    attempts_of& all_;
    const admitted& admitted_;
    const prepared& prepared_;
    outcome out_;
    bool was_refused_ = false; // by 429 or 503, wherever its body breaks off
};

task<outcome> sending::run() {
    destination& d = *admitted_.destination;
    out_.connection = take_kept(all_, d);
    all_.current = out_.connection.get();
    const bool reused = static_cast<bool>(out_.connection);
    if (!reused) {
        co_await connect();
    }
    if (out_.error == io_error::none) {
        co_await send_and_receive();
    }
    if (reused) {
        const bool said_so = says_idle_too_long(out_);
        const bool stale =
            !out_.is_clients_fault && (said_so || (out_.connection->bytes().empty() && may_be_stale(out_.error)));
        out_.is_held_back =
            stale && !said_so && may_have_acted() && !may_repeat_blindly(all_.in, admitted_, prepared_, all_.w);
        if (stale) {
            d.distrusted_until = all_.w.now() + distrust;
        }
        if (stale && !out_.is_held_back && prepared_.can_be_sent()) {
            out_ = outcome{};
            co_await connect();
            if (out_.error == io_error::none) {
                co_await send_and_receive();
            }
        }
    }
    if (out_.error == io_error::none && is_worth_reading(out_.reply, d.plan)) {
        co_await read_error_body();
    } else if (out_.error == io_error::none && may_hide_one()) {
        co_await look_inside();
    }
    finish();
    co_return std::move(out_);
}

task<> sending::connect() {
    destination& d = *admitted_.destination;
    out_.connection = all_.w.pool.make(d.slot, d.plan.limits.idle);
    all_.current = out_.connection.get();
    out_.error = co_await dial(all_.w, d, *out_.connection, all_.until.give_up, out_.failure);
}

task<> sending::send_and_receive() {
    upstream_connection& c = *out_.connection;
    worker_state& w = all_.w;
    all_.memory.begin_attempt();
    written_head head = write_request_head(all_.in, admitted_, prepared_, w, all_.memory.of_attempt(), out_.with);
    const steady_time began = w.now();
    const body::copied sent = co_await send(c, head);
    out_.error = sent.error;
    if (sent.failed == body::failed_side::source) {
        out_.is_clients_fault = true;
        co_return;
    }
    // Even where the request could not be written whole, the service may have said why.
    if (sent.error == io_error::none || sent.error == io_error::reset || sent.error == io_error::answered_early) {
        const steady_time by = std::min(w.now() + all_.until.answer, all_.until.give_up);
        out_.error = co_await read_answer_head(c, all_.in.request.is_head, all_.memory.response_fields, out_.reply, by);
    }
    if (out_.delivered == delivery::whole && ended_too_early(c, out_.error)) {
        out_.delivered = delivery::part;
    }
    out_.upstream_time = w.now() - began;
    w.metrics.upstream_seconds.add(out_.upstream_time);
}

// Head and body. `out_.delivered` says how much of them may have reached the service.
task<body::copied> sending::send(upstream_connection& c, written_head& head) {
    upstream_sink sink{c, all_.w.time, admitted_.destination->plan.limits.request, all_.until.give_up};
    body::memory_source in_memory{prepared_.body};
    body::source& content = prepared_.stream ? *prepared_.stream : in_memory;
    if (content.is_replayable()) {
        content.rewind();
    }
    std::optional<body::chunk_signed> chunks;
    if (head.chunks) {
        chunks.emplace(content, *head.chunks, all_.memory.of_attempt());
    }
    body::source& body = chunks ? static_cast<body::source&>(*chunks) : content;
    std::string_view text = head.text;
    body::copied sent;
    if (prepared_.is_invited) {
        sent.error = co_await sink.ask(std::exchange(text, {}));
        sent.failed = body::failed_side::sink;
    }
    if (sent.error == io_error::none) {
        sent = co_await body::copy(body, sink, text);
    }
    const bool is_untouched = prepared_.is_invited && content.is_replayable(); // a head alone is nothing to act on
    if (sent.error != io_error::closed && !is_untouched) {                     // closed: not a byte went
        out_.delivered = sent.error == io_error::none ? delivery::whole : delivery::part;
    }
    co_return sent;
}

task<> sending::read_error_body() {
    const auto patience = std::min(error_body_limit, all_.until.answer);
    const steady_time by = std::min(all_.w.now() + patience, all_.until.give_up);
    was_refused_ = out_.reply.head.status == 429 || out_.reply.head.status == 503;
    co_await read_error(out_, all_.in.request.is_head, by, all_.memory.of_attempt());
}

bool sending::may_hide_one() const noexcept {
    const plan& where = admitted_.destination->plan;
    return may_hide_error(out_.reply, where, all_.in.request.method, prepared_.query, prepared_.fields);
}

// What S3 sends meanwhile is for the client, to keep it waiting: it gets it before it gives up.
task<> sending::look_inside() {
    const steady_time by = std::min(all_.w.now() + std::min(longest_hold, all_.until.pause), all_.until.give_up);
    co_await read_hidden_error(out_, all_.memory.response_fields, by, all_.memory.of_attempt());
}

// Can the service have acted on what it got? A part of a request whose hash is signed is worth nothing to it.
bool sending::may_have_acted() const noexcept {
    const bool hash_is_signed = admitted_.is_signed() && prepared_.payload != body::payload_plan::unsigned_;
    return out_.delivered == delivery::whole || (out_.delivered == delivery::part && !hash_is_signed);
}

void sending::finish() {
    all_.current = nullptr;
    if (out_.error == io_error::none) {
        return;
    }
    if (out_.failure.empty()) {
        out_.failure = admitted_.destination->plan.authority;
        out_.failure.append(": ").append(to_string(out_.error));
    }
    out_.is_unknown = may_have_acted() && !was_refused_;
    out_.connection.close();
}

attempt_result result_of(io_error e) noexcept {
    switch (e) {
    case io_error::timed_out:
        return attempt_result::timeout;
    case io_error::address_refused:
    case io_error::tls_failed: // will not be otherwise next time
        return attempt_result::final_error;
    default:
        return attempt_result::transient;
    }
}

} // namespace

exchange_limits limits_of(const received& r, const admitted& a, const prepared& p, const worker_state& w) noexcept {
    constexpr auto last_attempt = std::chrono::seconds{25}; // for one that begins at the last moment
    const plan& where = a.destination->plan;
    exchange_limits l;
    l.answer = where.limits.response;
    l.pause = w.config->listen.body_timeout;
    if (!where.limits.response_is_set) {
        const auto slow = signer::longest_answer(where.service, where.authority, p.path, r.request.amz_target);
        const std::chrono::milliseconds at_least = slow.value_or(std::chrono::seconds{0});
        l.answer = std::max(l.answer, at_least);
        l.pause = std::max(l.pause, at_least); // what is streamed comes when there is something to say
    }
    const auto longest = std::max(l.answer, w.config->retry.max_elapsed);
    l.give_up = std::max(r.began + longest + last_attempt, w.now() + longest);
    if (p.stream) { // how long it may take is a matter of its size; each step has a limit of its own
        l.give_up = steady_time::max();
    }
    return l;
}

task<outcome> try_once(attempts_of& all, const admitted& a, const prepared& p) {
    sending one{all, a, p};
    co_return co_await one.run();
}

attempt describe(
    const outcome& out,
    const received& r,
    const admitted& a,
    const prepared& p,
    const worker_state& w,
    unsigned number,
    unsigned paid
) {
    attempt seen;
    seen.number = number;
    seen.paid = paid;
    seen.long_polling = is_long_polling(r.request.amz_target);
    seen.repeatable = p.can_be_sent() && (!out.is_unknown || may_repeat_blindly(r, a, p, w));
    seen.left = std::chrono::ceil<std::chrono::milliseconds>(p.ready + w.config->retry.max_elapsed - w.now());
    if (out.error != io_error::none) {
        seen.result = result_of(out.error);
        return seen;
    }
    seen.result = classify(out.is_error_inside ? 500 : out.reply.head.status, out.code); // 500: as the SDKs do
    seen.amz_retry_after = out.reply.amz_retry_after;
    seen.retry_after = out.reply.retry_after;
    seen.now = std::chrono::floor<std::chrono::seconds>(w.wall_now()) + out.with.clock_offset;
    return seen;
}

void put_away(outcome& out) {
    if (out.connection && out.error == io_error::none && out.is_whole && out.reply.keep_alive &&
        out.delivered == delivery::whole) {
        out.connection->consume(out.reply.head_size + out.body_size);
        out.connection.keep();
    }
    out.connection.close();
}

} // namespace countersign::proxy
