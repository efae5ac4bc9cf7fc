#include "proxy/forward.hpp"

#include "proxy/answer_head.hpp"
#include "proxy/chunked.hpp"
#include "proxy/error_code.hpp"
#include "proxy/outgoing.hpp"
#include "proxy/worker.hpp"

#include <chrono>

namespace countersign::proxy {

namespace {

constexpr unsigned most_informational = 8;            // 1xx answers before the real one
constexpr std::size_t longest_error_body = 16 * 1024; // looked at for an error code
constexpr auto error_body_limit = std::chrono::seconds{5};

// Reads to the end of the final answer's head, which is then parsed into x.reply.
task<errc> read_answer_head(exchange& x, upstream_connection& c, steady_time deadline) {
    head_scanner scanner;
    unsigned informational = 0;
    for (;;) {
        const auto state = scanner.scan(c.bytes());
        if (state == head_scanner::state::broken) {
            co_return errc::malformed;
        }
        if (state == head_scanner::state::complete) {
            const errc e = parse_answer_head(c.bytes().substr(0, scanner.length()), x);
            if (e != errc::none || x.reply.head.status >= 200) {
                co_return e;
            }
            if (x.reply.head.status == 101 || ++informational > most_informational) {
                co_return errc::malformed;
            }
            c.consume(scanner.length()); // RFC 9110 15.2: interim answers end here
            scanner = head_scanner{};
            continue;
        }
        if (c.room() == 0) {
            if (c.bytes().size() > head_limits::head) {
                co_return errc::too_large;
            }
            c.use_large_block();
        }
        const errc e = co_await c.read_more(deadline);
        if (e != errc::none) {
            co_return e == errc::closed && !c.bytes().empty() ? errc::truncated : e;
        }
    }
}

// Where the answer's body ends in the bytes at hand. False: not yet all there. `text` gets its beginning, decoded.
bool body_is_whole(const exchange& x, std::string_view raw, std::pmr::string& text, std::size_t& size) {
    text.clear();
    switch (x.reply.framing) {
    case answer_framing::none:
        size = 0;
        return true;
    case answer_framing::length:
        size = std::min<std::size_t>(raw.size(), x.reply.length);
        text.assign(raw.substr(0, size));
        return size == x.reply.length;
    case answer_framing::until_close:
        text.assign(raw);
        return false;
    case answer_framing::chunked:
        break;
    }
    chunked_decoder decoder;
    std::string_view rest = raw;
    for (;;) {
        std::string_view content;
        const auto step = decoder.next(rest, content);
        if (step == chunked_decoder::step::content) {
            text.append(content);
        } else {
            size = raw.size() - rest.size();
            return step == chunked_decoder::step::complete;
        }
    }
}

// An error's body is short and says what kind of error it is: it is read before anything is passed on. The buffer must
// not move meanwhile, x.reply points into it; what does not fit is not looked at.
task<> read_error(exchange& x, upstream_connection& c, steady_time deadline, outcome& out) {
    std::pmr::string text{&x.attempt_memory()};
    for (;;) {
        const std::string_view raw = c.bytes().substr(x.reply.head_size);
        out.whole = body_is_whole(x, raw, text, out.body_size);
        if (out.whole || x.reply.framing == answer_framing::until_close || c.room() == 0 ||
            raw.size() >= longest_error_body) {
            break;
        }
        if (const errc e = co_await c.read_more(deadline); e != errc::none) {
            out.error = e == errc::closed ? errc::truncated : e; // cut short: as if there had been none
            co_return;
        }
    }
    auto* const kept = static_cast<char*>(x.attempt_memory().allocate(text.size() + 1, 1));
    text.copy(kept, text.size());
    const std::string_view body{kept, text.size()};
    out.code = find_error_code(x.reply.amzn_query_error, x.reply.amzn_errortype, body);
    if (x.in.is_head && x.reply.head.status == 400) { // the answer to a HEAD has no code
        out.region = x.reply.amz_bucket_region;
    } else if (out.code == "AuthorizationHeaderMalformed" || out.code == "AuthorizationQueryParametersError") {
        out.region = find_error_region(body);
    }
}

bool may_be_stale(errc e) noexcept {
    return e == errc::closed || e == errc::reset || e == errc::truncated;
}

task<errc> connect(exchange& x, worker& w, upstream_connection*& current, outcome& out) {
    x.connection = upstream_ptr{new upstream_connection{w, x.place}};
    current = x.connection.get();
    const errc e = co_await x.connection->open();
    if (e != errc::none) {
        out.failure = x.connection->failure();
        x.connection->close();
    }
    co_return e;
}

task<errc> send_and_receive(exchange& x, worker& w) {
    upstream_connection& c = *x.connection;
    const std::string_view head = write_request_head(x, w);
    x.sent = w.now();
    const gather request{asio::buffer(head), asio::buffer(x.body)};
    const errc sent = co_await c.write(request, x.sent + x.place->where.limits.request);
    if (sent != errc::none && sent != errc::reset) {
        co_return sent;
    }
    // Even where the request could not be written whole, the service may have said why.
    const errc e = co_await read_answer_head(x, c, w.now() + x.place->where.limits.response);
    x.upstream_time = w.now() - x.sent;
    w.metrics.upstream_seconds.add(x.upstream_time);
    co_return e;
}

std::string describe_failure(errc e, const exchange& x) {
    std::string text{x.place->where.authority};
    return text.append(": ").append(to_string(e));
}

} // namespace

task<outcome> forward_once(exchange& x, worker& w, upstream_connection*& current) {
    outcome out;
    x.reply = answer{};
    x.connection = upstream_connection::take_idle(*x.place);
    current = x.connection.get();
    const bool reused = x.connection != nullptr;
    if (!reused) {
        out.error = co_await connect(x, w, current, out);
    }
    if (out.error == errc::none) {
        out.error = co_await send_and_receive(x, w);
        const bool silent = x.connection->bytes().empty();
        if (reused && silent && may_be_stale(out.error)) {
            x.connection->close();
            out.error = co_await connect(x, w, current, out);
            if (out.error == errc::none) {
                out.error = co_await send_and_receive(x, w);
            }
        }
        if (out.error == errc::none && x.reply.head.status >= 400) {
            const auto limit = std::min<steady_time::duration>(error_body_limit, x.place->where.limits.response);
            co_await read_error(x, *x.connection, w.now() + limit, out);
        }
    }
    current = nullptr;
    if (out.error != errc::none) {
        if (out.failure.empty()) {
            out.failure = describe_failure(out.error, x);
        }
        x.connection->close();
    }
    co_return out;
}

attempt describe(const outcome& out, const exchange& x, unsigned paid) noexcept {
    attempt a;
    a.number = x.attempts;
    a.paid = paid;
    a.long_polling = is_long_polling(x.in.amz_target);
    switch (out.error) {
    case errc::none:
        a.result = classify(x.reply.head.status, out.code);
        a.amz_retry_after = x.reply.amz_retry_after;
        a.retry_after = x.reply.retry_after;
        a.now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
        break;
    case errc::timed_out:
        a.result = attempt_result::timeout;
        break;
    case errc::address_refused:
    case errc::tls_failed:
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
    if (out.error == errc::none && out.whole && x.reply.keep_alive) {
        c.consume(x.reply.head_size + out.body_size);
        c.keep();
    } else {
        c.close();
    }
    x.connection.reset();
}

void count_attempt(exchange& x) noexcept {
    if (x.attempts == 1) {
        ++x.place->counters->first_attempts;
    }
}

void count_retry(exchange& x, retry_reason why) noexcept {
    ++x.place->counters->retries[static_cast<std::size_t>(why)];
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
