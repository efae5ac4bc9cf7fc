#include "proxy/rules/policy.hpp"

#include "conf/route.hpp"
#include "signer/encode.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace countersign::proxy {

namespace {

bool names_only_hosts(const conf::rule& r) noexcept {
    return r.service.empty() && r.region.empty() && r.action.empty() && r.method.empty();
}

bool holds(const std::string& glob, std::string_view text) noexcept {
    return glob.empty() || conf::glob_matches(glob, text);
}

bool is_for_service(const conf::rule& r, const policy_facts& facts) noexcept {
    return holds(r.service, facts.service) && holds(r.action_service, facts.service);
}

// Calls f(pattern) for each of a region set, until one gives true.
template <class F>
bool any_of_set(std::string_view set, F f) {
    while (true) {
        const std::size_t end = set.find(',');
        if (f(set.substr(0, end))) {
            return true;
        }
        if (end == std::string_view::npos) {
            return false;
        }
        set.remove_prefix(end + 1);
    }
}

bool denies(const conf::rule& r, const policy_facts& facts) noexcept {
    const bool has_region = r.region.empty() || any_of_set(facts.region, [&](std::string_view pattern) {
                                return conf::globs_meet(r.region, pattern);
                            });
    return has_region && is_for_service(r, facts) && (holds(r.host, facts.host) || holds(r.host, facts.asked_host));
}

bool allows(const conf::rule& r, const policy_facts& facts) noexcept {
    const bool leaves_out = !r.region.empty() && any_of_set(facts.region, [&](std::string_view pattern) {
        return !conf::glob_covers(r.region, pattern);
    });
    return !leaves_out && is_for_service(r, facts) && holds(r.host, facts.host);
}

bool is_for_every_request(const conf::rule& r) noexcept {
    return r.action.empty() && r.method.empty();
}

refusal refused(std::string message) {
    return {403, "policy-denied", std::move(message)};
}

bool is_bound_by_allow(const conf::policy_settings& policy, const policy_facts& facts) noexcept {
    if (policy.allow.empty() || !facts.is_signed) {
        return false;
    }
    return !facts.is_routed || !std::all_of(policy.allow.begin(), policy.allow.end(), names_only_hosts);
}

// Fills the allow half; a refusal where no entry can ever hold.
std::optional<refusal> read_allow(const conf::policy_settings& policy, const policy_facts& facts, request_rules& into) {
    into.allows_rest = false;
    for (const conf::rule& r : policy.allow) {
        if (allows(r, facts)) {
            into.allows_rest = into.allows_rest || is_for_every_request(r);
            into.allow.push_back(r);
        }
    }
    if (into.allows_rest) {
        into.allow.clear();
    }
    if (into.allows_rest || !into.allow.empty()) {
        return std::nullopt;
    }
    if (std::all_of(policy.allow.begin(), policy.allow.end(), names_only_hosts)) {
        return refusal{
            403, "not-allowed", fmt::format("policy.allow does not list {}: it is not signed for.", facts.host)};
    }
    return refused(fmt::format("No entry of policy.allow holds for {}: it is not signed for.", facts.host));
}

bool has_method(const conf::rule& r, std::string_view method) noexcept {
    return r.method.empty() || std::find(r.method.begin(), r.method.end(), method) != r.method.end();
}

bool has_action(const conf::rule& r, std::string_view action) noexcept {
    constexpr std::size_t longest = 128;
    char lower[longest];
    if (action.size() > longest) {
        return false;
    }
    signer::pen{lower}.put_lower(action);
    return conf::glob_matches(r.action, {lower, action.size()});
}

policy_answer decide_by_deny(const request_rules& rules, const policy_question& asked) noexcept {
    bool is_pending = false;
    for (const conf::rule& r : rules.deny) {
        const bool may_be_its_method = has_method(r, asked.method) || asked.method_is_overridden;
        if (!may_be_its_method) {
            continue;
        }
        const bool is_pending_here = !r.action.empty() && asked.state == action_state::pending;
        const bool is_other = !r.action.empty() && asked.state == action_state::known && !has_action(r, asked.action);
        is_pending = is_pending || is_pending_here;
        if (!is_pending_here && !is_other) {
            return {policy_result::refused, &r};
        }
    }
    return {is_pending ? policy_result::pending : policy_result::pass, nullptr};
}

policy_answer decide_by_allow(const request_rules& rules, const policy_question& asked) noexcept {
    bool is_pending = false;
    for (const conf::rule& r : rules.allow) {
        const bool is_its_method = r.method.empty() || (has_method(r, asked.method) && !asked.method_is_overridden);
        if (!is_its_method) {
            continue;
        }
        if (r.action.empty() || (asked.state == action_state::known && has_action(r, asked.action))) {
            return {};
        }
        is_pending = is_pending || asked.state == action_state::pending;
    }
    return {rules.allows_rest ? policy_result::pass : is_pending ? policy_result::pending : policy_result::refused};
}

} // namespace

std::variant<shared_rules, refusal> decide_for_host(const conf::policy_settings& policy, const policy_facts& facts) {
    request_rules rules;
    for (const conf::rule& r : policy.deny) {
        if (!denies(r, facts)) {
            continue;
        }
        if (is_for_every_request(r)) {
            return refused(fmt::format("policy.deny, line {}, refuses {}.", r.line, facts.host));
        }
        rules.deny.push_back(r);
    }
    if (is_bound_by_allow(policy, facts)) {
        if (auto no = read_allow(policy, facts, rules)) {
            return *std::move(no);
        }
    }
    if (rules.deny.empty() && rules.allow.empty()) {
        return shared_rules{};
    }
    rules.service = facts.service;
    return std::make_shared<const request_rules>(std::move(rules));
}

policy_answer decide_for_request(const request_rules& rules, const policy_question& asked) noexcept {
    const policy_answer denied = decide_by_deny(rules, asked);
    if (denied.result == policy_result::refused) {
        return denied;
    }
    const policy_answer allowed = decide_by_allow(rules, asked);
    return allowed.result == policy_result::pass ? denied : allowed;
}

refusal refuse_by_policy(const request_rules& rules, const policy_question& asked, const policy_answer& answer) {
    const std::string what = asked.state == action_state::known
                                 ? fmt::format("{} {}:{}", asked.method, rules.service, asked.action)
                                 : fmt::format("{} for {}", asked.method, rules.service);
    const std::string_view why =
        asked.state == action_state::unknown
            ? " Its action cannot be told for certain (none, several, or one that could be read in two ways)."
            : "";
    return refused(
        answer.by ? fmt::format("policy.deny, line {}, refuses {}.{}", answer.by->line, what, why)
                  : fmt::format("No entry of policy.allow holds for {}.{}", what, why)
    );
}

} // namespace countersign::proxy
