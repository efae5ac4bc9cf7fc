// The part of a session that says what may not go, or not now, though it is well formed and has a destination: who
// asks, policy, rate limit, dry run.
#include "proxy/action.hpp"
#include "proxy/identity.hpp"
#include "proxy/outgoing.hpp"
#include "proxy/session.hpp"
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
    if (!x.place->limiter) {
        return std::nullopt;
    }
    const auto wait = x.place->limiter->take(rate_limiter::clock::now());
    if (!wait) {
        return std::nullopt;
    }
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(*wait).count();
    return refusal{
        503,
        "rate-limited",
        fmt::format("The rate_limit of the route \"{}\" is reached. Try again in a moment.", x.place->where.route),
        static_cast<unsigned>(std::max<std::int64_t>(seconds, 1)),
        refusal_kind::throttled};
}

// Without its action.
policy_question question_of(const exchange& x) noexcept {
    policy_question question;
    question.method = x.in.method;
    question.method_is_overridden = overrides_method(x.in.fields);
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

// Whom the request's signature names: known before the body is asked for, believed only after verify_client.
std::optional<refusal> session::find_client(exchange& x) const {
    auto found = read_client(worker_.clients, x.in);
    if (const auto* fault = std::get_if<client_fault>(&found)) {
        return refuse_client(*fault, x.place->where.traits.errors);
    }
    x.by = std::get<client_claim>(std::move(found));
    x.identity = x.by->who->identity;
    return std::nullopt;
}

std::optional<refusal> session::verify_client(exchange& x) const {
    const plan& p = x.place->where;
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    // Where the host leaves the bucket's region open the client may know it better than we do.
    const std::string& said = x.by->said.region;
    const bool knows_better = p.is_default_region && signer::is_region_beside(said, p.region);
    const client_scope where{p.service, knows_better ? said : p.region, p.traits.path};
    // A body that the client leaves out of its signature is not hashed for it.
    const std::string_view body_hash =
        x.in.claim == payload_claim::unsigned_payload ? std::string_view{} : hash_body(x);
    const auto fault = check_client(*x.by, x.in, body_hash, where, now, worker_.client_keys);
    // Only now: who merely names a client must not use up the rate of its route.
    return fault ? std::optional{refuse_client(*fault, p.traits.errors)} : take_from_limit(x);
}

// Before the client is asked for a body.
std::optional<refusal> session::check_before_body(const exchange& x) const {
    const plan& p = x.place->where;
    if (p.rules) {
        const policy_question question = question_of(x);
        if (auto no = ask(*p.rules, question)) {
            return no;
        }
    }
    if (auto no = check_dry_run(x.in, is_local_, worker_.config->policy.dry_run)) {
        return no;
    }
    return x.by ? std::nullopt : take_from_limit(x);
}

// With the whole request as it goes out.
std::optional<refusal> session::check_action(const exchange& x) const {
    const plan& p = x.place->where;
    const auto action = action_of({p.service, p.traits, x.in.method, x.path, x.query, x.in.fields, x.body});
    policy_question question = question_of(x);
    question.state = action ? action_state::known : action_state::unknown;
    question.action = action ? std::string_view{*action} : std::string_view{};
    return ask(*p.rules, question);
}

// The request as its first attempt would send it. Nobody is dialled.
task<> session::show_signed(exchange& x) {
    if (x.place->where.sign != conf::sign_mode::none) {
        x.refused = check_credentials(worker_, x.identity);
    }
    if (x.refused) {
        co_return;
    }
    x.keep_alive = x.keep_alive && !closing_;
    const std::string_view head = write_request_head(x, worker_);
    const std::string_view body = x.in.is_head ? std::string_view{} : x.body;
    const std::string answer = fmt::format(
        "HTTP/1.1 200 OK\r\nContent-Type: message/http\r\nContent-Length: {}\r\nCache-Control: no-store\r\n{}\r\n",
        head.size() + x.body.size(),
        x.keep_alive ? "" : "Connection: close\r\n"
    );
    x.status = 200;
    const gather buffers{
        asio::buffer(answer), asio::buffer(x.in.is_head ? std::string_view{} : head), asio::buffer(body)};
    const errc e = co_await write(buffers);
    if (e != errc::none) {
        x.keep_alive = false;
        left_ = true;
        co_return;
    }
    x.response_bytes = x.in.is_head ? 0 : head.size() + body.size();
}

} // namespace countersign::proxy
