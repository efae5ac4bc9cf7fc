// The part of a session that sends its request upstream, again if that is worth it, and has the answer passed on.
#include "proxy/forward.hpp"
#include "proxy/identity.hpp"
#include "proxy/relay.hpp"
#include "proxy/session.hpp"
#include "proxy/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace countersign::proxy {

namespace {

constexpr auto renewal_limit = std::chrono::seconds{5};

bool says_token_expired(std::string_view code) noexcept {
    return code == "ExpiredToken" || code == "ExpiredTokenException";
}

bool signs(const exchange& x) noexcept {
    return x.place->where.sign != conf::sign_mode::none;
}

} // namespace

task<> session::exchange_with_upstream(exchange& x) {
    enter(phase::upstream);
    destination& d = *x.place;
    unsigned paid = 0;
    bool renewed = false;
    bool moved = false;
    for (x.attempts = 1;; ++x.attempts) {
        if (signs(x)) { // they may have expired while the body came, or since last time
            x.refused = check_credentials(worker_, x.identity);
        }
        if (x.refused) {
            break;
        }
        count_attempt(x);
        outcome out = co_await forward_once(x, worker_, attempt_);
        if (left_ || out.error == errc::cancelled) {
            left_ = true;
            x.keep_alive = false;
            break;
        }
        if (signs(x) && !renewed && says_token_expired(out.code)) {
            renewed = true; // once: the service knows better than our clock
            const bool others = co_await await_other_credentials(worker_, x.identity, worker_.now() + renewal_limit);
            if (others && !left_) {
                count_retry(x, retry_reason::expired_token);
                put_away(x, out);
                continue;
            }
        }
        if (signs(x) && !moved && d.learn_region(out.region)) {
            moved = true; // once: S3 knows where the bucket is
            count_retry(x, retry_reason::wrong_region);
            put_away(x, out);
            continue;
        }
        const attempt a = describe(out, x, paid);
        const retry_decision next = decide(d.retries, a, worker_.random(), *d.budget);
        const std::chrono::milliseconds wait = next.delay.value_or(next.hold);
        if (next.delay) {
            count_retry(x, reason_of(a.result));
            put_away(x, out);
            paid = next.cost;
        }
        const bool still_wanted = co_await wait_before_retry(wait);
        if (!still_wanted) {
            break;
        }
        if (!next.delay) {
            attempt_ = out.error == errc::none ? x.connection.get() : nullptr; // the client may leave meanwhile
            co_await relay(*this, x, out);
            attempt_ = nullptr;
            break;
        }
    }
    if (x.connection) {
        x.connection->close();
        x.connection.reset();
    }
}

void session::abandon(exchange& x, std::string_view why) {
    attempt_ = nullptr;
    if (x.connection) {
        x.connection->close();
        x.connection.reset();
    }
    spdlog::error("{} {}: no signature: {}", x.in.method, x.in.host, why);
    x.refused = refusal{500, "signing-failed", fmt::format("The request could not be signed: {}.", why)};
}

// False when the client has left meanwhile.
task<bool> session::wait_before_retry(std::chrono::milliseconds delay) {
    if (delay <= std::chrono::milliseconds{0}) {
        co_return !left_;
    }
    enter(phase::upstream);
    pause::timer timer{worker_.context, delay};
    retry_timer_ = &timer;
    co_await pause{timer};
    worker_.refresh_clock();
    retry_timer_ = nullptr;
    co_return !left_;
}

} // namespace countersign::proxy
