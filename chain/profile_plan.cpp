#include "chain/profile_plan.hpp"

#include "chain/profile_choice.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace countersign::chain {

namespace {

using trouble = std::optional<failure>;

// "profile dev (config:3): what is wrong"
failure wrong_in(const profile& p, const profile_property* at, std::string_view what) {
    const auto place = at ? " (" + at->where + ")" : std::string{};
    return failure{fmt::format("profile {}{}: {}", printable(p.name), place, what)};
}

// The properties that name the first keys, the strongest first. As for botocore, keys in the credentials file are
// stronger than a login or a command, those in the config file weaker.
struct base_rule {
    std::string_view property;
    plan_base base;
    bool in_credentials_file_only = false;
};
constexpr std::array base_rules{
    base_rule{"credential_source", plan_base::environment}, // which one its value says
    base_rule{"web_identity_token_file", plan_base::web_identity},
    base_rule{"sso_account_id", plan_base::sso},
    base_rule{"sso_role_name", plan_base::sso},
    base_rule{"aws_access_key_id", plan_base::static_keys, true},
    base_rule{"login_session", plan_base::login},
    base_rule{"credential_process", plan_base::command},
    base_rule{"aws_access_key_id", plan_base::static_keys},
    base_rule{"aws_secret_access_key", plan_base::static_keys},
};

struct named_source {
    std::string_view name;
    plan_base base;
};
constexpr std::array named_sources{
    named_source{"Environment", plan_base::environment},
    named_source{"EcsContainer", plan_base::container},
    named_source{"Ec2InstanceMetadata", plan_base::imds},
};

bool has_a_key(const profile& p) {
    return p.said("aws_access_key_id") || p.said("aws_secret_access_key");
}

// A property without a value counts: somebody meant it, and the next source would be another identity.
const base_rule* base_rule_of(const profile& p, bool is_source = false) {
    const auto found = std::find_if(base_rules.begin(), base_rules.end(), [&](const base_rule& rule) {
        const auto* said = p.said(rule.property);
        if (is_source && has_a_key(p) && rule.property == "credential_source") {
            return false; // of the role that a source profile with keys does not assume
        }
        return said && (said->in_credentials_file || !rule.in_credentials_file_only);
    });
    return found == base_rules.end() ? nullptr : &*found;
}

class walk {
public:
    explicit walk(const profile_set& set) : set_(set) {}

    plan_answer from(const profile& chosen);

private:
    trouble go(const profile& chosen);
    trouble take_role(const profile& p);
    trouble check(const profile& p) const;
    trouble take_base(const profile& p, bool is_source = false);
    trouble take_named_source(const profile& p);
    trouble take_web_identity(const profile& p);
    trouble check_sso(const profile& p) const;
    trouble take_static_keys(const profile& p);
    trouble go_to_source(const profile*& p);
    void say_unused(const profile& p, std::string_view property, std::string_view because);

    const profile_set& set_;
    profile_plan plan_;
    std::vector<const profile*> met_;
};

void walk::say_unused(const profile& p, std::string_view property, std::string_view because) {
    if (const auto* found = p.find(property)) {
        plan_.seen.push_back(
            fmt::format("profile {}: {} ({}) is not used: {}", printable(p.name), property, found->where, because)
        );
    }
}

trouble walk::take_role(const profile& p) {
    const auto& arn = *p.find("role_arn");
    if (!is_visible(arn.value.reveal())) {
        return wrong_in(p, &arn, "role_arn has blanks, control or non-ASCII characters");
    }
    if (plan_.roles.size() == longest_role_chain) {
        return wrong_in(p, &arn, fmt::format("more than {} roles in a row: shorten the chain", longest_role_chain));
    }
    planned_role role;
    role.ask.role_arn = p.value("role_arn");
    role.ask.session_name = p.value("role_session_name");
    if (!role.ask.session_name.empty() && !is_session_name(role.ask.session_name)) {
        return wrong_in(
            p, p.find("role_session_name"), "role_session_name must be 2 to 64 of letters, digits and _+=,.@-"
        );
    }
    role.ask.external_id = p.value("external_id");
    if (const auto* text = p.find("duration_seconds")) {
        role.ask.duration = read_role_duration(text->value.reveal());
        if (!role.ask.duration) {
            return wrong_in(p, text, "duration_seconds must be a number from 900 to 43200");
        }
    }
    role.mfa_serial = p.value("mfa_serial");
    role.profile = p.name;
    role.where = arn.where;
    plan_.seen.push_back(
        fmt::format("profile {}: role_arn = {} ({})", printable(p.name), printable(role.ask.role_arn, 200), arn.where)
    );
    plan_.roles.push_back(std::move(role));
    return std::nullopt;
}

trouble walk::take_named_source(const profile& p) {
    const auto& source = *p.find("credential_source");
    const auto found = std::find_if(named_sources.begin(), named_sources.end(), [&](const named_source& named) {
        return equal_ignoring_case(source.value.reveal(), named.name);
    });
    if (found == named_sources.end()) {
        return wrong_in(p, &source, "credential_source must be Environment, EcsContainer or Ec2InstanceMetadata");
    }
    plan_.base = found->base;
    return std::nullopt;
}

trouble walk::take_web_identity(const profile& p) {
    const auto* arn = p.find("role_arn");
    if (!arn) {
        return wrong_in(p, p.find("web_identity_token_file"), "web_identity_token_file needs a role_arn beside it");
    }
    if (!is_visible(arn->value.reveal())) {
        return wrong_in(p, arn, "role_arn has blanks, control or non-ASCII characters");
    }
    auto& ask = plan_.web_identity;
    ask.role_arn = arn->value.reveal();
    ask.session_name = p.value("role_session_name");
    if (!ask.session_name.empty() && !is_session_name(ask.session_name)) {
        return wrong_in(
            p, p.find("role_session_name"), "role_session_name must be 2 to 64 of letters, digits and _+=,.@-"
        );
    }
    ask.token_file = p.value("web_identity_token_file");
    say_unused(p, "source_profile", "web_identity_token_file beside it is stronger");
    return std::nullopt;
}

trouble walk::check_sso(const profile& p) const {
    const auto* account = p.find("sso_account_id");
    const auto* role = p.find("sso_role_name");
    if (!account || !role) {
        return wrong_in(
            p,
            account ? account : role,
            fmt::format(
                "{} goes together with {}",
                account ? "sso_account_id" : "sso_role_name",
                account ? "sso_role_name" : "sso_account_id"
            )
        );
    }
    return std::nullopt;
}

trouble walk::take_static_keys(const profile& p) {
    const auto* id = p.said("aws_access_key_id");
    const auto* key = p.said("aws_secret_access_key");
    if (!id || !key) {
        return wrong_in(
            p,
            id ? id : key,
            id ? "aws_access_key_id without aws_secret_access_key" : "aws_secret_access_key without aws_access_key_id"
        );
    }
    const auto* token = p.find("aws_security_token"); // an old name, which botocore reads first
    if (!token) {
        token = p.find("aws_session_token");
    }
    const auto origin = fmt::format("profile {} ({})", printable(p.name), id->where);
    auto keys = static_keys("profile", origin, id->value.reveal(), key->value, token ? token->value : secret{});
    if (const auto* wrong = std::get_if<failure>(&keys)) {
        return *wrong;
    }
    plan_.keys = std::get<credentials>(std::move(keys));
    if (const auto account = p.value("aws_account_id"); is_visible(account)) {
        plan_.keys.account_id = account;
    }
    return std::nullopt;
}

// REQUIRES: base_rule_of(p, is_source).
trouble walk::take_base(const profile& p, bool is_source) {
    const auto& rule = *base_rule_of(p, is_source);
    const auto& said = *p.said(rule.property);
    if (said.value.empty()) {
        return wrong_in(p, &said, fmt::format("{} is empty: give it a value, or take the line out", rule.property));
    }
    plan_.base = rule.base;
    plan_.from = &p;
    plan_.where = said.where;
    trouble wrong;
    if (rule.property == "credential_source") {
        wrong = take_named_source(p);
    } else if (rule.base == plan_base::web_identity) {
        wrong = take_web_identity(p);
    } else if (rule.base == plan_base::sso) {
        wrong = check_sso(p);
    } else if (rule.base == plan_base::static_keys) {
        wrong = take_static_keys(p);
    }
    if (wrong) {
        return wrong;
    }
    const auto id = rule.base == plan_base::static_keys ? " = " + masked(plan_.keys.access_key_id) : std::string{};
    plan_.seen.push_back(fmt::format("profile {}: {}{} ({})", printable(p.name), rule.property, id, plan_.where));
    for (const auto& weaker : base_rules) {
        if (weaker.base != rule.base && &weaker > &rule && !weaker.in_credentials_file_only) {
            say_unused(p, weaker.property, fmt::format("{} beside it is stronger", rule.property));
        }
    }
    return std::nullopt;
}

// Faults of a profile on the way, and half a role.
trouble walk::check(const profile& p) const {
    if (!p.fault.empty()) {
        return failure{fmt::format("profile {}: {}", printable(p.name), p.fault)};
    }
    for (const auto* property : {"role_arn", "web_identity_token_file"}) {
        if (const auto* said = p.said(property); said && said->value.empty()) {
            return wrong_in(p, said, fmt::format("{} is empty: give it a value, or take the line out", property));
        }
    }
    return std::nullopt;
}

// From a profile with a chained role to the profile that its role is assumed with; null: its own base.
trouble walk::go_to_source(const profile*& p) {
    const auto* source = p->said("source_profile");
    const auto* named = p->said("credential_source");
    const auto* arn = p->find("role_arn");
    if (source && named) {
        return wrong_in(*p, source, "source_profile and credential_source exclude each other: take one of them out");
    }
    if (!source && !named) {
        return wrong_in(
            *p, arn, "role_arn needs source_profile (a profile with keys that may assume the role) or credential_source"
        );
    }
    if (named || source->value.reveal() == p->name) {
        if (!base_rule_of(*p)) {
            return wrong_in(*p, source, "source_profile names this same profile, which has no credentials of its own");
        }
        return take_base(*p);
    }
    const auto* next = set_.find(source->value.reveal());
    if (!next) {
        return wrong_in(*p, source, missing_profile(set_, source->value.reveal(), "source_profile").detail);
    }
    if (std::find(met_.begin(), met_.end(), next) != met_.end()) {
        return wrong_in(
            *p,
            source,
            fmt::format("source_profile = {} leads in a circle: no keys are ever met", printable(next->name))
        );
    }
    for (const auto* property : {"aws_access_key_id", "aws_secret_access_key"}) {
        say_unused(*p, property, "role_arn beside it is stronger");
    }
    p = next;
    return std::nullopt;
}

trouble walk::go(const profile& chosen) {
    for (const profile* p = &chosen; !plan_.from;) {
        met_.push_back(p);
        const bool is_source = met_.size() > 1;
        if (auto wrong = check(*p)) {
            return wrong;
        }
        if (is_source && has_a_key(*p)) {
            if (!p->find("web_identity_token_file")) {
                say_unused(*p, "role_arn", "in a source profile the keys beside it are stronger");
            }
            if (auto wrong = take_base(*p, is_source)) {
                return wrong;
            }
        } else if (p->find("role_arn") && !p->find("web_identity_token_file")) {
            if (auto wrong = take_role(*p)) {
                return wrong;
            }
            if (auto wrong = go_to_source(p)) {
                return wrong;
            }
        } else if (!base_rule_of(*p)) {
            return wrong_in(
                *p,
                nullptr,
                fmt::format(
                    "no credentials, and profile {} names it as its source", printable(met_[met_.size() - 2]->name)
                )
            );
        } else {
            say_unused(*p, "source_profile", "there is no role_arn beside it");
            if (auto wrong = take_base(*p)) {
                return wrong;
            }
        }
    }
    return std::nullopt;
}

plan_answer walk::from(const profile& chosen) {
    if (auto wrong = check(chosen)) {
        return *std::move(wrong);
    }
    if (!base_rule_of(chosen) && !chosen.find("role_arn")) {
        std::string why =
            chosen.find("sso_session") || chosen.find("sso_start_url")
                ? fmt::format("profile {} gives an SSO bearer token, not credentials", printable(chosen.name))
                : fmt::format("profile {} has settings, but no credentials", printable(chosen.name));
        // What cannot be read may be its credentials: the next source would be another identity.
        if (!set_.doubt().empty()) {
            return failure{fmt::format("{}; they may be behind this: {}", why, set_.doubt())};
        }
        return not_mine{std::move(why)};
    }
    if (auto wrong = go(chosen)) {
        return *std::move(wrong);
    }
    std::reverse(plan_.roles.begin(), plan_.roles.end());
    return std::move(plan_);
}

} // namespace

plan_answer plan_profile(const profile_set& set, std::string_view name) {
    if (const auto* chosen = set.find(name)) {
        return walk(set).from(*chosen);
    }
    auto missing = missing_profile(set, name, "");
    if (!set.doubt().empty()) {
        return missing;
    }
    return not_mine{std::move(missing.detail)};
}

plan_answer plan_profile(const profile_set& set, const profile_choice& choice) {
    if (auto wrong = trouble_with(choice, set)) {
        return *std::move(wrong);
    }
    auto planned = plan_profile(set, choice.name);
    const bool is_named_exactly = choice.named_by.empty() || set.find(choice.name)->is_exact;
    if (std::holds_alternative<not_mine>(planned) && !is_named_exactly) {
        return missing_profile(set, choice.name, choice.named_by);
    }
    return planned;
}

} // namespace countersign::chain
