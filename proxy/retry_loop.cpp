#include "proxy/retry_loop.hpp"

#include "proxy/admission.hpp"
#include "proxy/clock_offset.hpp"
#include "proxy/credential_gate.hpp"
#include "proxy/relay.hpp"
#include "proxy/request_writer.hpp"
#include "proxy/rules/sdk_request.hpp"
#include "proxy/throttling.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace countersign::proxy {

namespace {

constexpr auto renewal_limit = std::chrono::seconds{5};
constexpr unsigned most_attempts = 6; // remedies and retries together

std::string_view location_of(const answer& a) noexcept {
    const auto found = std::find_if(a.head.fields.begin(), a.head.fields.end(), [](const field& f) {
        return equal_ignoring_case(f.name, "location");
    });
    return found == a.head.fields.end() ? std::string_view{} : found->value;
}

complaint complaint_of(const inbound& in, const outcome& out, wall_time now) noexcept {
    const unsigned status = out.reply.head.status;
    const bool is_nameless = in.is_head && out.code.empty() && (status == 400 || status == 403);
    return {out.code, out.region, is_nameless, clock_ahead(out.reply.date, now)};
}

// A bucket is made where the request says; it is nowhere yet.
bool makes_bucket(const inbound& in) noexcept {
    const bool is_of_bucket = names_bucket(in.host) ? in.path == "/" : in.path.find('/', 1) >= in.path.size() - 1;
    return in.method == "PUT" && in.query.empty() && is_of_bucket;
}

// A young bucket's redirects end after minutes, and a bucket may be made anew elsewhere. A host without a bucket stands
// for all of them.
void remember(destination& named, const inbound& in, const redirect_target& to, steady_time now) {
    constexpr auto believed_for = std::chrono::minutes{5};
    if (names_bucket(in.host)) {
        named.elsewhere = to;
        named.elsewhere_until = now + believed_for;
    }
}

bool is_alike(const destination& other, const destination& here, std::string_view region) noexcept {
    return other.plan.service == "s3" && other.region() == region && other.plan.identity == here.plan.identity &&
           other.plan.sign == here.plan.sign;
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

} // namespace

retry_loop::retry_loop(
    client& c,
    const received& r,
    const admitted& a,
    const prepared& p,
    const request_content& content,
    const request_body& body,
    body::body_hash& hash,
    worker_state& w,
    exchange_memory& memory,
    exchange_record& record
)
    : client_(c), received_(r), admitted_{a.destination, a.identity, std::nullopt, a.turn}, prepared_(p),
      content_(content), body_(body), hash_(hash), worker_(w), record_(record), has_tenant_(a.tenant.has_value()),
      named_(a.destination), attempts_{received_, w, memory, {}} {}

task<std::optional<refusal>> retry_loop::run() {
    client_.await_upstream();
    bool is_wanted = true;
    if (admitted_.turn > worker_.now()) {
        is_wanted = co_await wait(std::chrono::ceil<std::chrono::milliseconds>(admitted_.turn - worker_.now()));
    }
    std::optional<refusal> no;
    if (is_wanted) {
        no = co_await try_all();
    }
    if (client_.has_left()) {
        record_.keep_alive = false;
    }
    co_return no;
}

// nullopt, as of run. Where the client has left it is marked so.
task<std::optional<refusal>> retry_loop::try_all() {
    if (admitted_.is_signed()) {
        start_elsewhere();
    }
    attempts_.until = limits_of(received_, admitted_, prepared_, worker_);
    for (;;) {
        std::optional<refusal> no = co_await make_ready();
        if (no) {
            co_return no;
        }
        if (client_.has_left()) {
            break;
        }
        if (++record_.attempts == 1) {
            ++admitted_.destination->counters->first_attempts;
        }
        outcome out = co_await try_once(attempts_, admitted_, prepared_);
        record_.upstream_time = out.upstream_time;
        record_.destination = admitted_.destination;
        record_.region = out.with.region;
        const next_step next = co_await decide_next(out);
        if (next == next_step::stop) {
            break;
        }
        if (next == next_step::pass_on) {
            co_return co_await end(out);
        }
    }
    client_.leave();
    co_return std::nullopt;
}

// Before each attempt. The client may have left when it is over.
task<std::optional<refusal>> retry_loop::make_ready() {
    std::optional<refusal> no;
    if (admitted_.destination->pace) {
        no = co_await await_token();
    }
    if (!no && admitted_.is_signed()) { // they may have expired while the body came, or since last time
        no = check_credentials(worker_, admitted_.identity);
    }
    if (record_.attempts > 0) {
        count_on();
    }
    co_return no;
}

// The service is told of our further attempts where the client tells it of its own.
void retry_loop::count_on() {
    if (auto text = sdk_request_of(prepared_.fields, record_.attempts)) {
        sdk_request_ = std::move(*text);
        prepared_.sdk_request = sdk_request_;
    }
}

// Looks again at least once a second, since rates change. REQUIRES: the adaptive mode.
task<std::optional<refusal>> retry_loop::await_token() {
    constexpr adaptive_limiter::clock::duration pause = std::chrono::seconds{1};
    adaptive_limiter* const pace = admitted_.destination->pace;
    const auto most = worker_.config->retry.max_elapsed;
    const steady_time last = std::min(prepared_.ready + most, attempts_.until.give_up);
    adaptive_limiter::place here;
    for (;;) {
        const auto left = pace->take(here, worker_.now());
        if (left == adaptive_limiter::clock::duration{}) {
            co_return std::nullopt;
        }
        if (worker_.now() + left > last) {
            co_return refuse_turn(admitted_.destination->plan, left);
        }
        const auto until_next = std::chrono::ceil<std::chrono::milliseconds>(std::min(left, pause));
        const bool is_wanted = co_await wait(until_next);
        if (!is_wanted) {
            co_return std::nullopt;
        }
    }
}

// Either a remedy for what the answer complains about, or a retry, or what there is goes to the client.
task<retry_loop::next_step> retry_loop::decide_next(outcome& out) {
    learn_pace(*admitted_.destination, out, worker_.now());
    if (admitted_.destination != named_ && speaks_against_place(out)) {
        named_->elsewhere = {};
    }
    bool is_healed = false;
    const bool is_answer = out.error == io_error::none;
    if (is_answer) {
        check_clock(*admitted_.destination, out, worker_.wall_now());
    }
    if (!client_.has_left() && admitted_.is_signed() && is_answer && out.reply.head.status >= 300 &&
        prepared_.can_be_sent()) {
        is_healed = co_await heal(out);
    }
    if (client_.has_left() || out.error == io_error::cancelled) {
        co_return next_step::stop;
    }
    if (out.is_clients_fault) {
        co_return next_step::pass_on;
    }
    if (is_healed) {
        put_away(out);
        co_return next_step::again;
    }
    destination& d = *admitted_.destination;
    attempt seen = describe(out, received_, admitted_, prepared_, worker_, record_.attempts, paid_);
    if (d.pace) {
        seen.left -= std::chrono::ceil<std::chrono::milliseconds>(d.pace->expected_wait(worker_.now()));
    }
    const retry_decision next = decide(d.retries, seen, worker_.time.chance(), *d.budget);
    out.is_held_back = out.is_held_back || next.held_back;
    if (next.delay) {
        count_retry(reason_of(seen.result));
        put_away(out);
        paid_ = next.cost;
    }
    const bool is_wanted = co_await wait(next.delay.value_or(next.hold));
    if (!is_wanted) {
        co_return next_step::stop;
    }
    co_return next.delay ? next_step::again : next_step::pass_on;
}

task<std::optional<refusal>> retry_loop::end(outcome& out) {
    const inbound& in = received_.request;
    record_.keep_alive = in.keep_alive && body_.is_complete(); // else nobody knows where the next request begins
    if (out.is_clients_fault) {
        co_return body_.explain(out.error);
    }
    if (out.error != io_error::none) {
        const char* const why_once =
            out.is_held_back ? "; not repeated: it may have been carried out (retry.unknown_outcome)" : "";
        spdlog::warn("{} {}: {}{}", in.method, in.host, out.failure, why_once);
        co_return refuse_outcome(out);
    }
    attempts_.current = out.connection.get(); // the client may leave meanwhile
    co_await relay(client_, received_, out, attempts_.until, worker_, attempts_.memory, record_);
    attempts_.current = nullptr;
    co_return std::nullopt;
}

// True: what the answer complains about is mended, and the request is to be signed and sent again.
task<bool> retry_loop::heal(outcome& out) {
    if (record_.attempts >= most_attempts || worker_.now() >= prepared_.ready + worker_.config->retry.max_elapsed) {
        co_return false;
    }
    if (!tried_.place && follow_redirect(out)) {
        tried_.place = true;
        co_return true;
    }
    if (out.reply.head.status < 400) {
        co_return false;
    }
    const std::size_t identity = admitted_.identity;
    const complaint says = complaint_of(received_.request, out, worker_.wall_now());
    switch (find_remedy(says, out.with, named_->plan, known_of(worker_, identity), tried_)) {
    case remedy::none:
        co_return false;
    case remedy::other_keys:
        tried_.other_keys = true;
        count_retry(retry_reason::expired_token);
        co_return true;
    case remedy::renewal: {
        tried_.renewal = true;
        const steady_time limit = std::min(worker_.now() + renewal_limit, attempts_.until.give_up);
        const bool others = co_await await_other_credentials(worker_, identity, out.with, limit);
        if (!others || client_.has_left()) {
            co_return false;
        }
        count_retry(retry_reason::expired_token);
        co_return true;
    }
    case remedy::region:
        tried_.region = true;
        co_return correct_region(says.region);
    case remedy::clock:
        tried_.clock = true;
        learn_clock(*admitted_.destination, *says.ahead);
        count_retry(retry_reason::clock_skew);
        co_return true;
    }
    co_return false;
}

// Does what came from there speak against the place that was remembered?
bool retry_loop::speaks_against_place(const outcome& out) const noexcept {
    if (out.error != io_error::none) {
        return out.error != io_error::cancelled && !out.is_clients_fault;
    }
    const unsigned status = out.reply.head.status;
    const bool is_other_region = !out.region.empty() && out.region != out.with.region;
    return status == 301 || status == 302 || status == 307 || is_other_region || out.code == "NoSuchBucket";
}

// Where S3 has said before that the bucket is.
void retry_loop::start_elsewhere() {
    if (named_->elsewhere.host.empty() || makes_bucket(received_.request)) {
        return;
    }
    const redirect_target to = named_->elsewhere;
    if (worker_.now() >= named_->elsewhere_until || !move_to(to)) {
        named_->elsewhere = {};
    }
}

// S3 says that the bucket is elsewhere. False: nothing has changed, the answer is passed on.
bool retry_loop::follow_redirect(const outcome& out) {
    const inbound& in = received_.request;
    if (admitted_.destination->plan.service != "s3" || (has_tenant_ && !named_->plan.is_default_region)) {
        return false;
    }
    const redirect_answer said{out.reply.head.status, out.code, out.region, location_of(out.reply), out.endpoint};
    const auto to = read_redirect(said, in.host, out.with.region);
    if (!to || (said.status == 400 && makes_bucket(in))) {
        return false;
    }
    const destination_ptr before = admitted_.destination;
    if (!move_to(*to)) {
        return false;
    }
    if (named_->plan.is_default_region) {
        named_->learn_region(to->region);
    }
    remember(*named_, in, *to, worker_.now());
    ++before->counters->retries[static_cast<std::size_t>(retry_reason::wrong_region)];
    return true;
}

// S3 says which region the signature should be for. Where the endpoint is a region's own it has to change as well.
// False: nothing has changed.
bool retry_loop::correct_region(std::string_view region) {
    const destination_ptr before = admitted_.destination;
    if (before != named_ || !before->plan.path_prefix.empty()) {
        const redirect_target to{s3_host_in(received_.request.host, region), std::string(region)};
        if (to.host.empty() || !move_to(to)) {
            return false;
        }
        remember(*named_, received_.request, to, worker_.now());
    }
    named_->learn_region(region);
    ++before->counters->retries[static_cast<std::size_t>(retry_reason::wrong_region)];
    return true;
}

// The other place is asked about as if the client had named it: routes and policy decide, its addresses are checked,
// and its name is verified. False: nothing has changed.
bool retry_loop::move_to(const redirect_target& to) {
    const inbound& in = received_.request;
    const asked_host asked{to.host, in.port, in.https, in.method, in.path};
    auto found =
        worker_.destinations.find(*worker_.config, worker_.default_region, asked, worker_.metrics, worker_.now());
    auto* const other = std::get_if<destination_ptr>(&found);
    if (!other || *other == admitted_.destination || !is_alike(**other, *admitted_.destination, to.region)) {
        return false;
    }
    admitted there = admitted_;
    there.destination = std::move(*other);
    if (check_text(received_, there)) {
        return false;
    }
    request_content content = content_;
    content.bytes = prepared_.body; // as far as an earlier signature was taken out
    prepared as = prepare(received_, there, content, hash_, attempts_.memory.of_request());
    as.ready = prepared_.ready;
    if (check_action(received_, there, as)) {
        return false;
    }
    admitted_ = std::move(there);
    prepared_ = as;
    return true;
}

void retry_loop::count_retry(retry_reason why) noexcept {
    ++admitted_.destination->counters->retries[static_cast<std::size_t>(why)];
}

// False when the client has left meanwhile.
task<bool> retry_loop::wait(std::chrono::milliseconds delay) {
    if (delay > std::chrono::milliseconds{0}) {
        alarm until{worker_.alarms, worker_.now() + delay};
        alarm_ = &until;
        co_await until;
        alarm_ = nullptr;
    }
    co_return !client_.has_left();
}

void retry_loop::cancel() noexcept {
    if (attempts_.current) {
        attempts_.current->cancel();
    }
    if (alarm_) {
        alarm_->cancel();
    }
}

} // namespace countersign::proxy
