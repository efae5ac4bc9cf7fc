// The part of a session that says what may not go, or not now, though it is well formed and has a destination: who
// asks, policy, rate limit, dry run.
#include "proxy/client_connection.hpp"
#include "proxy/credential_gate.hpp"
#include "proxy/request_writer.hpp"
#include "proxy/rules/action.hpp"
#include "proxy/worker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace countersign::proxy {

namespace {

// Also where listen.allow_origin lets a web page through.
bool comes_from_browser(const inbound& in) noexcept {
    return std::any_of(in.fields.begin(), in.fields.end(), [](const field& f) {
        return f.id == field_name::origin || (f.id == field_name::sec_fetch_site && f.value != "none");
    });
}

// A signed request is a live signature: whoever holds it can send it for some minutes. It is shown to this machine's
// own programs only, and only where the operator said so.
std::optional<refusal> check_dry_run(const inbound& in, bool is_local, bool is_on) {
    if (in.dry == dry_run::no) {
        return std::nullopt;
    }
    if (!is_local || comes_from_browser(in)) {
        return refusal{403, "dry-run-refused", "A dry run shows a live signature, to programs of this machine only."};
    }
    if (!is_on) {
        return refusal{
            403,
            "dry-run-refused",
            "A dry run shows a live signature: set dry_run = true in [policy] to allow that. Nothing was sent."};
    }
    if (in.dry == dry_run::other) {
        return refusal{
            400, "bad-dry-run", "X-Countersign-Dry-Run knows one value, \"sign\", given once. Nothing was sent."};
    }
    return std::nullopt;
}

std::optional<refusal> take_from_limit(const exchange& x) {
    if (!x.destination->limiter) {
        return std::nullopt;
    }
    const auto wait = x.destination->limiter->take(rate_limiter::clock::now());
    if (!wait) {
        return std::nullopt;
    }
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
    return refusal{
        503,
        "rate-limited",
        fmt::format("The rate_limit of the route \"{}\" is reached. Try again in a moment.", x.destination->plan.route),
        static_cast<unsigned>(std::max<std::int64_t>(seconds, 1)),
        refusal_kind::throttled};
}

// Without its action.
policy_question question_of(const exchange& x) noexcept {
    policy_question question;
    question.method = x.request.method;
    question.method_is_overridden = overrides_method(x.request.fields);
    return question;
}

std::optional<refusal> ask(const request_rules& rules, const policy_question& question) {
    const policy_answer answer = decide_for_request(rules, question);
    if (answer.result != policy_result::refused) {
        return std::nullopt;
    }
    return refuse_by_policy(rules, question, answer);
}

} // namespace

// Whom the request's signature names: known before the body is asked for, believed only after verify_tenant.
std::optional<refusal> client_connection::find_tenant(exchange& x) const {
    auto found = read_tenant(worker_.tenants, x.request);
    if (const auto* fault = std::get_if<tenant_fault>(&found)) {
        return refuse_tenant(*fault, x.destination->plan.traits.errors);
    }
    x.tenant = std::get<tenant_claim>(std::move(found));
    x.identity = x.tenant->who->identity;
    return std::nullopt;
}

std::optional<refusal> client_connection::verify_tenant(exchange& x) const {
    const plan& p = x.destination->plan;
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    // Where the host leaves the bucket's region open the client may know it better than we do.
    const std::string& said = x.tenant->said.region;
    const bool knows_better = p.is_default_region && signer::is_region_beside(said, p.region);
    const tenant_scope where{p.service, knows_better ? said : p.region, p.traits.path};
    // A body that the client leaves out of its signature is not hashed for it.
    const std::string_view body_hash =
        x.request.claim == payload_claim::unsigned_payload ? std::string_view{} : hash_body(x);
    const auto fault = check_tenant(*x.tenant, x.request, body_hash, where, now, worker_.tenant_keys);
    // Only now: who merely names a client must not use up the rate of its route.
    return fault ? std::optional{refuse_tenant(*fault, p.traits.errors)} : take_from_limit(x);
}

// Before the client is asked for a body.
std::optional<refusal> client_connection::check_before_body(const exchange& x) const {
    const plan& p = x.destination->plan;
    if (p.rules) {
        const policy_question question = question_of(x);
        if (auto no = ask(*p.rules, question)) {
            return no;
        }
    }
    if (auto no = check_dry_run(x.request, is_local_, worker_.config->policy.dry_run)) {
        return no;
    }
    return x.tenant ? std::nullopt : take_from_limit(x);
}

// With the whole request as it goes out.
std::optional<refusal> client_connection::check_action(const exchange& x) const {
    const plan& p = x.destination->plan;
    const auto action = action_of({p.service, p.traits, x.request.method, x.path, x.query, x.request.fields, x.body});
    policy_question question = question_of(x);
    question.state = action ? action_state::known : action_state::unknown;
    question.action = action ? std::string_view{*action} : std::string_view{};
    return ask(*p.rules, question);
}

// The request as its first attempt would send it. Nobody is dialled.
task<> client_connection::show_signed(exchange& x) {
    if (x.destination->plan.sign != conf::sign_mode::none) {
        x.refused = check_credentials(worker_, x.identity);
    }
    if (x.refused) {
        co_return;
    }
    x.keep_alive = x.keep_alive && !closing_;
    const std::string_view head = write_request_head(x, worker_);
    const std::string_view body = x.request.is_head ? std::string_view{} : x.body;
    const std::string answer = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: message/http\r\nContent-Length: {}\r\nCache-Control: no-store\r\n{}\r\n",
        head.size() + x.body.size(),
        x.keep_alive ? "" : "Connection: close\r\n"
    );
    x.status = 200;
    const gather buffers{
        asio::buffer(answer), asio::buffer(x.request.is_head ? std::string_view{} : head), asio::buffer(body)};
    const io_error e = co_await write(buffers);
    if (e != io_error::none) {
        x.keep_alive = false;
        left_ = true;
        co_return;
    }
    x.response_bytes = x.request.is_head ? 0 : head.size() + body.size();
}

} // namespace countersign::proxy
