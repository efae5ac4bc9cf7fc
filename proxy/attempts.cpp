// The part of a session that sends its request upstream, again if that is worth it, and has the answer passed on.
#include "proxy/forward.hpp"
#include "proxy/identity.hpp"
#include "proxy/relay.hpp"
#include "proxy/session.hpp"
#include "proxy/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <chrono>

namespace countersign::proxy {

namespace {

constexpr auto renewal_limit = std::chrono::seconds{5};

bool signs(const exchange& x) noexcept {
    return x.place->where.sign != conf::sign_mode::none;
}

complaint complaint_of(const exchange& x, const outcome& out) noexcept {
    const unsigned status = x.reply.head.status;
    return {out.code, out.region, x.in.is_head && out.code.empty() && (status == 400 || status == 403)};
}

} // namespace

task<> session::exchange_with_upstream(exchange& x) {
    enter(phase::upstream);
    unsigned paid = 0;
    tried_remedies tried;
    for (x.attempts = 1;; ++x.attempts) {
        if (signs(x)) { // they may have expired while the body came, or since last time
            x.refused = check_credentials(worker_, x.identity);
        }
        if (x.refused) {
            break;
        }
        count_attempt(x);
        outcome out = co_await forward_once(x, worker_, attempt_);
        bool healed = false;
        if (!left_ && signs(x) && out.error == errc::none && x.reply.head.status >= 400) {
            healed = co_await heal(x, out, tried);
        }
        if (left_ || out.error == errc::cancelled) {
            left_ = true;
            x.keep_alive = false;
            break;
        }
        if (healed) {
            continue;
        }
        const attempt a = describe(out, x, paid);
        const retry_decision next = decide(x.place->retries, a, worker_.random(), *x.place->budget);
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

// True: what the answer complains about is mended, and the request is to be signed and sent again.
task<bool> session::heal(exchange& x, const outcome& out, tried_remedies& tried) {
    const plan& where = x.place->where;
    const complaint says = complaint_of(x, out);
    switch (find_remedy(says, x.signed_with, where, known_of(worker_, x.identity), tried)) {
    case remedy::none:
        co_return false;
    case remedy::other_keys:
        tried.other_keys = true;
        count_retry(x, retry_reason::expired_token);
        break;
    case remedy::renewal: {
        tried.renewal = true;
        const steady_time limit = worker_.now() + renewal_limit;
        const bool others = co_await await_other_credentials(worker_, x.identity, x.signed_with, limit);
        if (!others || left_) {
            co_return false;
        }
        count_retry(x, retry_reason::expired_token);
        break;
    }
    case remedy::region:
        tried.region = true;
        x.place->learn_region(says.region);
        count_retry(x, retry_reason::wrong_region);
        break;
    }
    put_away(x, out);
    co_return true;
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
