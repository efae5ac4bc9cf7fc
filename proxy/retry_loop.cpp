// The part of a session that sends its request upstream, again if that is worth it, and has the answer passed on.
#include "proxy/attempt.hpp"
#include "proxy/client_connection.hpp"
#include "proxy/credential_gate.hpp"
#include "proxy/relay.hpp"
#include "proxy/request_writer.hpp"
#include "proxy/rules/redirect.hpp"
#include "proxy/worker.hpp"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>

namespace countersign::proxy {

namespace {

constexpr auto renewal_limit = std::chrono::seconds{5};

bool signs(const exchange& x) noexcept {
    return x.destination->plan.sign != conf::sign_mode::none;
}

complaint complaint_of(const exchange& x, const outcome& out) noexcept {
    const unsigned status = x.reply.head.status;
    return {out.code, out.region, x.request.is_head && out.code.empty() && (status == 400 || status == 403)};
}

std::string_view location_of(const answer& a) noexcept {
    const auto found = std::find_if(a.head.fields.begin(), a.head.fields.end(), [](const field& f) {
        return equal_ignoring_case(f.name, "location");
    });
    return found == a.head.fields.end() ? std::string_view{} : found->value;
}

// A bucket is made where the request says; it is nowhere yet.
bool makes_bucket(const exchange& x) noexcept {
    const std::string_view path = x.request.path;
    const bool is_of_bucket = names_bucket(x.request.host) ? path == "/" : path.find('/', 1) >= path.size() - 1;
    return x.request.method == "PUT" && x.request.query.empty() && is_of_bucket;
}

// A young bucket's redirects end after minutes, and a bucket may be made anew elsewhere. A host without a bucket stands
// for all of them.
void remember(destination& named, const exchange& x, const redirect_target& to, steady_time now) {
    constexpr auto believed_for = std::chrono::minutes{5};
    if (names_bucket(x.request.host)) {
        named.elsewhere = to;
        named.elsewhere_until = now + believed_for;
    }
}

// Does what came from there speak against the place that was remembered?
bool speaks_against_place(const exchange& x, const outcome& out) noexcept {
    if (out.error != io_error::none) {
        return out.error != io_error::cancelled;
    }
    const unsigned status = x.reply.head.status;
    const bool is_other_region = !out.region.empty() && out.region != x.signed_with.region;
    return status == 301 || status == 302 || status == 307 || is_other_region || out.code == "NoSuchBucket";
}

bool is_alike(const destination& other, const destination& here, std::string_view region) noexcept {
    return other.plan.service == "s3" && other.region() == region && other.plan.identity == here.plan.identity &&
           other.plan.sign == here.plan.sign;
}

} // namespace

task<> client_connection::exchange_with_upstream(exchange& x) {
    enter(phase::upstream);
    const destination_ptr named = x.destination;
    if (signs(x)) {
        start_elsewhere(x);
    }
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
        if (x.destination != named && speaks_against_place(x, out)) {
            named->elsewhere = {};
        }
        bool healed = false;
        if (!left_ && signs(x) && out.error == io_error::none && x.reply.head.status >= 300) {
            healed = co_await heal(x, out, tried, *named);
        }
        if (left_ || out.error == io_error::cancelled) {
            left_ = true;
            x.keep_alive = false;
            break;
        }
        if (healed) {
            continue;
        }
        const attempt a = describe(out, x, worker_, paid);
        const retry_decision next = decide(x.destination->retries, a, worker_.random(), *x.destination->budget);
        out.held_back = out.held_back || next.held_back;
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
            attempt_ = out.error == io_error::none ? x.connection.get() : nullptr; // the client may leave meanwhile
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
task<bool> client_connection::heal(exchange& x, const outcome& out, tried_remedies& tried, destination& named) {
    constexpr unsigned most_attempts = 6; // remedies and retries together
    if (x.attempts >= most_attempts || worker_.now() >= x.began + worker_.config->retry.max_elapsed) {
        co_return false;
    }
    if (!tried.place && follow_redirect(x, out, named)) {
        tried.place = true;
        put_away(x, out);
        co_return true;
    }
    if (x.reply.head.status < 400) {
        co_return false;
    }
    const complaint says = complaint_of(x, out);
    switch (find_remedy(says, x.signed_with, named.plan, known_of(worker_, x.identity), tried)) {
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
        if (!correct_region(x, says.region, named)) {
            co_return false;
        }
        break;
    }
    put_away(x, out);
    co_return true;
}

// Where S3 has said before that the bucket is.
void client_connection::start_elsewhere(exchange& x) {
    destination& named = *x.destination;
    if (named.elsewhere.host.empty() || makes_bucket(x)) {
        return;
    }
    const redirect_target to = named.elsewhere;
    if (worker_.now() >= named.elsewhere_until || !move_to(x, to)) {
        named.elsewhere = {};
    }
}

// S3 says that the bucket is elsewhere. False: nothing has changed, the answer is passed on.
bool client_connection::follow_redirect(exchange& x, const outcome& out, destination& named) {
    if (x.destination->plan.service != "s3" || (x.tenant && !named.plan.is_default_region)) {
        return false;
    }
    const redirect_answer said{x.reply.head.status, out.code, out.region, location_of(x.reply), out.endpoint};
    const auto to = read_redirect(said, x.request.host, x.signed_with.region);
    if (!to || (said.status == 400 && makes_bucket(x))) {
        return false;
    }
    scope_counters& counters = *x.destination->counters;
    if (!move_to(x, *to)) {
        return false;
    }
    if (named.plan.is_default_region) {
        named.learn_region(to->region);
    }
    remember(named, x, *to, worker_.now());
    ++counters.retries[static_cast<std::size_t>(retry_reason::wrong_region)];
    return true;
}

// S3 says which region the signature should be for. Where the endpoint is a region's own it has to change as well.
// False: nothing has changed.
bool client_connection::correct_region(exchange& x, std::string_view region, destination& named) {
    scope_counters& counters = *x.destination->counters;
    if (x.destination != &named || !x.destination->plan.path_prefix.empty()) {
        const redirect_target to{s3_host_in(x.request.host, region), std::string(region)};
        if (to.host.empty() || !move_to(x, to)) {
            return false;
        }
        remember(named, x, to, worker_.now());
    }
    named.learn_region(region);
    ++counters.retries[static_cast<std::size_t>(retry_reason::wrong_region)];
    return true;
}

// The other place is asked about as if the client had named it: routes and policy decide, its addresses are checked,
// and its name is verified. False: nothing has changed.
bool client_connection::move_to(exchange& x, const redirect_target& to) {
    const asked_host asked{to.host, x.request.port, x.request.https, x.request.method, x.request.path};
    const auto found =
        worker_.destinations.find(*worker_.config, worker_.default_region, asked, worker_.metrics, worker_.now());
    const auto* const other = std::get_if<destination_ptr>(&found);
    if (!other || *other == x.destination || !is_alike(**other, *x.destination, to.region)) {
        return false;
    }
    const destination_ptr before = std::exchange(x.destination, *other);
    prepare(x);
    std::optional<refusal> no = check_request(x, *worker_.config);
    if (!no) {
        no = check_signed_text(x);
    }
    if (!no && x.destination->plan.rules) {
        no = check_action(x);
    }
    if (no) {
        x.destination = before;
        prepare(x);
    }
    return !no;
}

void client_connection::abandon(exchange& x, std::string_view why) {
    attempt_ = nullptr;
    if (x.connection) {
        x.connection->close();
        x.connection.reset();
    }
    spdlog::error("{} {}: no signature: {}", x.request.method, x.request.host, why);
    x.refused = refusal{500, "signing-failed", fmt::format("The request could not be signed: {}.", why)};
}

// False when the client has left meanwhile.
task<bool> client_connection::wait_before_retry(std::chrono::milliseconds delay) {
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
