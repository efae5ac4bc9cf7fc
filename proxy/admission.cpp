#include "proxy/admission.hpp"

#include "proxy/rules/action.hpp"
#include "proxy/rules/earlier_scope.hpp"
#include "proxy/rules/policy.hpp"
#include "signer/bucket_host.hpp"
#include "signer/headers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <span>

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

std::optional<refusal> take_from_limit(admitted& a, steady_time now) {
    const destination& d = *a.destination;
    if (!d.limiter) {
        return std::nullopt;
    }
    const auto turn = d.limiter->reserve(now, d.plan.rate_limit_wait);
    if (turn.is_reserved) {
        a.turn = now + turn.wait;
        return std::nullopt;
    }
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(turn.wait).count();
    return refusal{
        503,
        "rate-limited",
        fmt::format("The rate_limit of the route \"{}\" is reached. Try again in a moment.", d.plan.route),
        static_cast<unsigned>(std::max<std::int64_t>(seconds, 1)),
        refusal_kind::throttled};
}

// Without its action.
policy_question question_of(std::string_view method, std::span<const field> fields) noexcept {
    policy_question question;
    question.method = method;
    question.method_is_overridden = overrides_method(fields);
    return question;
}

std::optional<refusal> ask(const request_rules& rules, const policy_question& question) {
    const policy_answer answer = decide_for_request(rules, question);
    if (answer.result != policy_result::refused) {
        return std::nullopt;
    }
    return refuse_by_policy(rules, question, answer);
}

bool is_ascii(std::string_view text) noexcept {
    unsigned char seen = 0;
    for (const char c : text) {
        seen |= static_cast<unsigned char>(c);
    }
    return seen < 0x80;
}

bool is_among(std::span<const std::string> names, std::string_view name) noexcept {
    return std::any_of(names.begin(), names.end(), [name](const std::string& n) {
        return equal_ignoring_case(n, name);
    });
}

// Will the signature be over this field of the client's?
bool is_covered(const field& f, const plan& p) noexcept {
    const bool goes_on = !f.stays_here && !is_replaced_by_signing(f.id) && !is_among(p.remove_headers, f.name);
    return goes_on && !is_among(p.unsigned_headers, f.name) &&
           (signer::is_signed(f.name) || is_among(p.sign_headers, f.name));
}

// S3 takes dots in a path literally. Behind a bucket in the path "/../other/key" would be another bucket's to whoever
// does not, so it must not leave the one that policy and routes were asked about.
std::optional<refusal> check_path(const inbound& in, const plan& p) {
    if (p.path_prefix.empty() || !signer::leaves_bucket(in.path)) {
        return std::nullopt;
    }
    return refusal{
        400,
        "ambiguous-path",
        "The path has \"..\" segments that lead out of the bucket, and the bucket's name has to be sent in the path: "
        "no certificate covers it as a part of the host's."};
}

std::optional<refusal> check_ascii(const inbound& in, const plan& p) {
    constexpr std::size_t longest_name = 64;
    if (!p.public_only) { // another server than AWS's, which may well take them
        return std::nullopt;
    }
    for (const field& f : in.fields) {
        if (!is_ascii(f.value) && is_covered(f, p)) {
            return refusal{
                400,
                "non-ascii-header",
                fmt::format(
                    "The value of the header {} is not ASCII, which AWS allows in no header that is signed. Encode it, "
                    "by RFC 2047, Base64 or with percent signs, and decode it where it is read.",
                    f.name.substr(0, longest_name)
                )};
        }
    }
    return std::nullopt;
}

} // namespace

std::variant<admitted, refusal> admit(const received& r, worker_state& w) {
    const inbound& in = r.request;
    const asked_host asked{in.host, in.port, in.https, in.method, in.path};
    auto found = w.destinations.find(*w.config, w.default_region, asked, w.metrics, r.began);
    if (auto* no = std::get_if<refusal>(&found)) {
        return std::move(*no);
    }
    admitted a;
    a.destination = std::get<destination_ptr>(std::move(found));
    a.identity = a.destination->plan.identity;
    return a;
}

std::optional<refusal> find_tenant(const received& r, const worker_state& w, admitted& a) {
    if (!w.tenants || !a.is_signed()) {
        return std::nullopt;
    }
    auto found = read_tenant(w.tenants, r.request);
    if (const auto* fault = std::get_if<tenant_fault>(&found)) {
        return refuse_tenant(*fault, a.destination->plan.traits.errors);
    }
    a.tenant = std::get<tenant_claim>(std::move(found));
    a.identity = a.tenant->who->identity;
    return std::nullopt;
}

std::optional<refusal> check_before_body(const received& r, admitted& a, bool is_local, worker_state& w) {
    const plan& p = a.destination->plan;
    std::optional<refusal> no;
    if (p.rules) {
        no = ask(*p.rules, question_of(r.request.method, r.request.fields));
    }
    if (!no) {
        no = check_dry_run(r.request, is_local, w.config->policy.dry_run);
    }
    if (!no && !a.tenant) { // who merely names a tenant must not use up the rate of its route
        no = take_from_limit(a, w.now());
    }
    if (!no) {
        no = check_path(r.request, p);
    }
    if (!no && !a.tenant) {
        no = check_earlier_scope(r.request, p, std::chrono::floor<std::chrono::seconds>(w.wall_now()));
    }
    if (!no && a.is_signed()) {
        no = check_ascii(r.request, p);
    }
    return no;
}

std::optional<refusal> check_text(const received& r, const admitted& a) {
    auto no = check_path(r.request, a.destination->plan);
    return no ? no : check_ascii(r.request, a.destination->plan);
}

std::variant<body::payload_choice, refusal> choose_body(const received& r, const admitted& a, const worker_state& w) {
    const plan& p = a.destination->plan;
    const auto form = signer::chunk_form_of(r.request.content_sha256);
    const bool is_chunk_signed = form && *form != signer::chunk_form::unsigned_trailer;
    body::payload_question q{p.traits, p.payload, p.sign, r.request};
    q.is_sigv4a = p.sigv4a;
    q.is_wanted_whole = r.request.dry != dry_run::no || (a.tenant && (vouches_by_body(r) || is_chunk_signed));
    auto choice = body::choose_payload(q, w.config->payload, w.shared.body_bytes.load(std::memory_order_relaxed));
    if (a.tenant && is_chunk_signed && a.tenant->said.asymmetric) {
        return refusal{
            403,
            "client-refused",
            "Chunks that are signed by Signature Version 4A cannot be verified: sign by Version 4."};
    }
    return choice;
}

bool vouches_by_body(const received& r) noexcept {
    return r.request.claim == payload_claim::none;
}

signer::chunk_verifier chunk_verifier_of(const admitted& a, worker_state& w) {
    const signer::claim& said = a.tenant->said;
    const signer::signing_key& key = w.tenant_keys.find(
        said.access_key_id, a.tenant->who->secret_access_key.reveal(), said.day, said.region, said.service
    );
    return signer::chunk_verifier{key, {said.date, signer::scope_text(said), said.signature}};
}

std::optional<refusal> verify_tenant(const received& r, admitted& a, std::string_view body_hash, worker_state& w) {
    const plan& p = a.destination->plan;
    const auto now = std::chrono::floor<std::chrono::seconds>(w.wall_now());
    // Where the host leaves the bucket's region open the client may know it better than we do.
    const std::string& said = a.tenant->said.region;
    const bool knows_better = p.is_default_region && signer::is_region_beside(said, p.region);
    const tenant_scope where{p.service, knows_better ? said : p.region, p.traits.path};
    const auto fault = check_tenant(*a.tenant, r.request, body_hash, where, now, w.tenant_keys);
    return fault ? std::optional{refuse_tenant(*fault, p.traits.errors)} : take_from_limit(a, w.now());
}

std::optional<refusal> check_action(const received& r, const admitted& a, const prepared& p) {
    const plan& where = a.destination->plan;
    if (!where.rules) {
        return std::nullopt;
    }
    const auto action = action_of({where.service, where.traits, r.request.method, p.path, p.query, p.fields, p.body});
    policy_question question = question_of(r.request.method, p.fields);
    question.state = action ? action_state::known : action_state::unknown;
    question.action = action ? std::string_view{*action} : std::string_view{};
    return ask(*where.rules, question);
}

} // namespace countersign::proxy
