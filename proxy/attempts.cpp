// The part of a session that sends its request upstream, again if that is worth it, and has the answer passed on.
#include "proxy/forward.hpp"
#include "proxy/identity.hpp"
#include "proxy/outgoing.hpp"
#include "proxy/redirect.hpp"
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

bool signs(const exchange& x) noexcept {
    return x.place->where.sign != conf::sign_mode::none;
}

complaint complaint_of(const exchange& x, const outcome& out) noexcept {
    const unsigned status = x.reply.head.status;
    return {out.code, out.region, x.in.is_head && out.code.empty() && (status == 400 || status == 403)};
}

std::string_view location_of(const answer& a) noexcept {
    const auto found = std::find_if(a.head.fields.begin(), a.head.fields.end(), [](const field& f) {
        return equal_ignoring_case(f.name, "location");
    });
    return found == a.head.fields.end() ? std::string_view{} : found->value;
}

// A bucket is made where the request says; it is nowhere yet.
bool makes_bucket(const exchange& x) noexcept {
    return x.in.method == "PUT" && x.in.query.empty() && x.path.find('/', 1) == std::string_view::npos;
}

} // namespace

task<> session::exchange_with_upstream(exchange& x) {
    enter(phase::upstream);
    begin_time(x, worker_);
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
        if (!left_ && signs(x) && out.error == errc::none && x.reply.head.status >= 300) {
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
        const attempt a = describe(out, x, worker_, paid);
        const retry_policy& policy = x.place->retries;
        const retry_decision next = decide(policy, a, worker_.random(), *x.place->budget);
        out.held_back = out.held_back || (!a.repeatable && a.number < policy.max_attempts);
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
    if (worker_.now() >= x.began + worker_.config->retry.max_elapsed) {
        co_return false;
    }
    if (!tried.place && move_to_other_place(x, out)) {
        tried.place = true;
        put_away(x, out);
        co_return true;
    }
    if (x.reply.head.status < 400) {
        co_return false;
    }
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
        const steady_time limit = std::min(worker_.now() + renewal_limit, x.give_up);
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

// S3 says that the bucket is elsewhere. The other place is asked about as if the client had named it: routes and policy
// decide, its addresses are checked, and its name is verified. False: nothing has changed, the answer is passed on.
bool session::move_to_other_place(exchange& x, const outcome& out) {
    if (x.place->where.service != "s3" || (x.by && !x.place->where.is_default_region)) {
        return false;
    }
    const redirect_answer said{x.reply.head.status, out.code, out.region, location_of(x.reply), out.endpoint};
    const auto to = read_redirect(said, x.in.host, x.signed_with.region);
    if (!to || (said.status == 400 && makes_bucket(x))) {
        return false;
    }
    const asked_host asked{to->host, x.in.port, x.in.https, x.in.method, x.in.path};
    const auto found =
        worker_.destinations.find(*worker_.config, worker_.default_region, asked, worker_.metrics, worker_.now());
    const auto* const other = std::get_if<destination_ptr>(&found);
    const bool is_alike = other && (*other)->where.service == "s3" && (*other)->region() == to->region &&
                          (*other)->where.identity == x.place->where.identity &&
                          (*other)->where.sign == x.place->where.sign;
    if (!is_alike) {
        return false;
    }
    const destination_ptr before = std::exchange(x.place, *other);
    prepare(x);
    if (x.place->where.rules && check_action(x)) {
        x.place = before;
        prepare(x);
        return false;
    }
    if (before->where.is_default_region) {
        before->learn_region(to->region);
    }
    ++before->counters->retries[static_cast<std::size_t>(retry_reason::wrong_region)];
    return true;
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
