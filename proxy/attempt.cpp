#include "proxy/attempt.hpp"

#include "proxy/error_answer.hpp"
#include "proxy/http/answer_head.hpp"
#include "proxy/request_writer.hpp"
#include "proxy/rules/repeatable.hpp"
#include "proxy/worker.hpp"
#include "signer/answer_time.hpp"

#include <algorithm>
#include <chrono>

namespace countersign::proxy {

namespace {

constexpr unsigned most_informational = 8; // 1xx answers before the real one
constexpr std::chrono::milliseconds error_body_limit{5000};
constexpr auto distrust = std::chrono::seconds{5};

// Reads to the end of the final answer's head, which is then parsed into x.reply.
task<io_error> read_answer_head(exchange& x, upstream_connection& c, steady_time deadline) {
    head_scanner scanner;
    unsigned informational = 0;
    for (;;) {
        const auto state = scanner.scan(c.bytes());
        if (state == head_scanner::state::broken) {
            co_return io_error::malformed;
        }
        if (state == head_scanner::state::complete) {
            const io_error e = parse_answer_head(c.bytes().substr(0, scanner.length()), x);
            if (e != io_error::none || x.reply.head.status >= 200) {
                co_return e;
            }
            if (x.reply.head.status == 101 || ++informational > most_informational) {
                co_return io_error::malformed;
            }
            c.consume(scanner.length()); // RFC 9110 15.2: interim answers end here
            scanner = head_scanner{};
            continue;
        }
        if (c.room() == 0) {
            if (c.bytes().size() > head_limits::head) {
                co_return io_error::too_large;
            }
            c.use_large_block();
        }
        const io_error e = co_await c.read_more(deadline);
        if (e != io_error::none) {
            co_return e == io_error::closed && !c.bytes().empty() ? io_error::truncated : e;
        }
    }
}

bool may_be_stale(io_error e) noexcept {
    return e == io_error::closed || e == io_error::reset || e == io_error::truncated;
}

// Some servers send this to a connection that was idle too long (RFC 9110 15.5.9). It can cross our request; then it is
// not an answer to it, and says that no request came. What comes later than a round trip takes has been thought over.
bool says_idle_too_long(const exchange& x) noexcept {
    return x.reply.head.status == 408 && !x.reply.keep_alive && x.upstream_time < std::chrono::seconds{1};
}

task<io_error> connect(exchange& x, worker& w, upstream_connection*& current, outcome& out) {
    x.delivered = delivery::nothing;
    x.connection = upstream_ptr{new upstream_connection{w, x.destination}};
    current = x.connection.get();
    const io_error e = co_await x.connection->open(x.give_up);
    if (e != io_error::none) {
        out.failure = x.connection->failure();
        x.connection->close();
    }
    co_return e;
}

// The other side has ended the connection in an orderly way before all of the request had reached its machine: it
// cannot have acted on it.
bool ended_too_early(const upstream_connection& c, io_error e) noexcept {
    return (e == io_error::closed || e == io_error::truncated) && c.bytes().empty() && c.has_undelivered();
}

task<io_error> send_and_receive(exchange& x, worker& w) {
    upstream_connection& c = *x.connection;
    const std::string_view head = write_request_head(x, w);
    x.sent = w.now();
    const gather request{asio::buffer(head), asio::buffer(x.body)};
    const io_error sent = co_await c.write(request, std::min(x.sent + x.destination->plan.limits.request, x.give_up));
    if (sent != io_error::closed) { // closed: not a byte went
        x.delivered = sent == io_error::none ? delivery::whole : delivery::part;
    }
    if (sent != io_error::none && sent != io_error::reset) {
        co_return sent;
    }
    // Even where the request could not be written whole, the service may have said why.
    const io_error e = co_await read_answer_head(x, c, std::min(w.now() + x.answer_limit, x.give_up));
    if (x.delivered == delivery::whole && ended_too_early(c, e)) {
        x.delivered = delivery::part;
    }
    x.upstream_time = w.now() - x.sent;
    w.metrics.upstream_seconds.add(x.upstream_time);
    co_return e;
}

std::string describe_failure(io_error e, const exchange& x) {
    std::string text{x.destination->plan.authority};
    return text.append(": ").append(to_string(e));
}

// A service that drops kept connections just as they are used costs one request that may not be sent twice, not many.
upstream_ptr take_kept(const exchange& x, const worker& w) noexcept {
    const bool is_delicate = w.now() < x.destination->distrusted_until && !is_idempotent(x.request.method);
    return is_delicate ? nullptr : upstream_connection::take_idle(*x.destination);
}

// Can the service have acted on what it got? A part of a request whose hash is signed is worth nothing to it.
bool may_have_acted(const exchange& x) noexcept {
    const bool is_signed = x.destination->plan.sign != conf::sign_mode::none && x.payload_plan != "unsigned";
    return x.delivered == delivery::whole || (x.delivered == delivery::part && !is_signed);
}

} // namespace

void begin_time(exchange& x, const worker& w) noexcept {
    constexpr auto last_attempt = std::chrono::seconds{25}; // for one that begins at the last moment
    const plan& p = x.destination->plan;
    x.answer_limit = p.limits.response;
    x.pause_limit = w.config->listen.body_timeout;
    if (!p.limits.response_is_set) {
        const auto slow = signer::longest_answer(p.service, p.authority, x.path, x.request.amz_target);
        const std::chrono::milliseconds at_least = slow.value_or(std::chrono::seconds{0});
        x.answer_limit = std::max(x.answer_limit, at_least);
        x.pause_limit = std::max(x.pause_limit, at_least); // what is streamed comes when there is something to say
    }
    const auto longest = std::max(x.answer_limit, w.config->retry.max_elapsed);
    x.give_up = std::max(x.began + longest + last_attempt, w.now() + longest);
}

bool may_repeat_blindly(const exchange& x, const worker& w) {
    switch (w.config->retry.unknown_outcome) {
    case conf::unknown_outcome::all:
        return true;
    case conf::unknown_outcome::never:
        return false;
    case conf::unknown_outcome::safe:
        break;
    }
    const plan& p = x.destination->plan;
    return is_repeatable({p.service, p.traits, x.request.method, x.path, x.query, x.request.fields, x.body});
}

task<outcome> forward_once(exchange& x, worker& w, upstream_connection*& current) {
    outcome out;
    x.reply = answer{};
    x.delivered = delivery::nothing;
    x.connection = take_kept(x, w);
    current = x.connection.get();
    const bool reused = x.connection != nullptr;
    bool was_refused = false;
    if (!reused) {
        out.error = co_await connect(x, w, current, out);
    }
    if (out.error == io_error::none) {
        out.error = co_await send_and_receive(x, w);
        const bool silent = x.connection->bytes().empty();
        const bool said_so = out.error == io_error::none && says_idle_too_long(x);
        const bool stale = reused && (said_so || (silent && may_be_stale(out.error)));
        out.held_back = stale && !said_so && may_have_acted(x) && !may_repeat_blindly(x, w);
        if (stale) {
            x.destination->distrusted_until = w.now() + distrust;
        }
        if (stale && !out.held_back) {
            x.connection->close();
            out.error = co_await connect(x, w, current, out);
            if (out.error == io_error::none) {
                out.error = co_await send_and_receive(x, w);
            }
        }
        if (out.error == io_error::none && is_worth_reading(x)) {
            co_await read_error(x, std::min(w.now() + std::min(error_body_limit, x.answer_limit), x.give_up), out);
            was_refused = x.reply.head.status == 429 || x.reply.head.status == 503; // wherever its body breaks off
        }
    }
    current = nullptr;
    if (out.error != io_error::none) {
        if (out.failure.empty()) {
            out.failure = describe_failure(out.error, x);
        }
        out.is_unknown = may_have_acted(x) && !was_refused;
        x.connection->close();
    }
    co_return out;
}

attempt describe(const outcome& out, const exchange& x, const worker& w, unsigned paid) {
    attempt a;
    a.number = x.attempts;
    a.paid = paid;
    a.long_polling = is_long_polling(x.request.amz_target);
    a.repeatable = !out.is_unknown || may_repeat_blindly(x, w);
    a.left = std::chrono::ceil<std::chrono::milliseconds>(x.began + w.config->retry.max_elapsed - w.now());
    switch (out.error) {
    case io_error::none:
        a.result = classify(x.reply.head.status, out.code);
        a.amz_retry_after = x.reply.amz_retry_after;
        a.retry_after = x.reply.retry_after;
        a.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        break;
    case io_error::timed_out:
        a.result = attempt_result::timeout;
        break;
    case io_error::address_refused:
    case io_error::tls_failed:
        a.result = attempt_result::final_error;
        break; // will not be otherwise next time
    default:
        a.result = attempt_result::transient;
        break;
    }
    return a;
}

void put_away(exchange& x, const outcome& out) {
    upstream_connection& c = *x.connection;
    if (out.error == io_error::none && out.whole && x.reply.keep_alive) {
        c.consume(x.reply.head_size + out.body_size);
        c.keep();
    } else {
        c.close();
    }
    x.connection.reset();
}

void count_attempt(exchange& x) noexcept {
    if (x.attempts == 1) {
        ++x.destination->counters->first_attempts;
    }
}

void count_retry(exchange& x, retry_reason why) noexcept {
    ++x.destination->counters->retries[static_cast<std::size_t>(why)];
}

retry_reason reason_of(attempt_result r) noexcept {
    switch (r) {
    case attempt_result::throttled:
        return retry_reason::throttled;
    case attempt_result::timeout:
        return retry_reason::timeout;
    default:
        return retry_reason::transient;
    }
}

} // namespace countersign::proxy
