// Keys in the environment, and the check that all static keys go through.
#include "chain/profile_choice.hpp"
#include "chain/provider.hpp"
#include "chain/rfc3339.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <optional>
#include <utility>

namespace countersign::chain {

namespace {

class environment_provider final : public provider {
public:
    environment_provider(environment_keys rule, std::optional<chain_settings> settings)
        : rule_(rule), settings_(std::move(settings)) {}

    std::string_view name() const noexcept override { return "environment"; }
    sight look(const world& outside) const override;
    task<answer> fetch(world& outside) override { co_return found_in(outside); }

private:
    answer found_in(const world& outside) const;
    std::optional<failure> missing_profile_beside(const world& outside) const;

    environment_keys rule_;
    std::optional<chain_settings> settings_; // none: whatever they name
};

// The files are read only where something names a profile of them.
std::optional<failure> environment_provider::missing_profile_beside(const world& outside) const {
    if (!settings_) {
        return std::nullopt;
    }
    const auto choice = choose_profile(outside, *settings_);
    if (choice.named_by.empty()) {
        return std::nullopt;
    }
    const auto profiles = read_profiles(outside);
    if (!profiles) {
        return profiles.error();
    }
    if (profiles->find(choice.name)) {
        return std::nullopt;
    }
    return missing_profile(*profiles, choice.name, choice.named_by);
}

sight environment_provider::look(const world& outside) const {
    sight s;
    const auto id = outside.setting("AWS_ACCESS_KEY_ID");
    s.seen.push_back("AWS_ACCESS_KEY_ID " + (id ? "= " + masked(*id) : "is not set"));
    for (const auto* variable : {"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}) {
        s.seen.push_back(fmt::format("{} is {}", variable, outside.setting(variable) ? "set" : "not set"));
    }
    for (const auto* variable : {"SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN"}) {
        if (outside.setting(variable)) {
            s.seen.push_back(fmt::format("{} is set (an old name, used where the new one is not set)", variable));
        }
    }
    if (const auto expiry = outside.setting("AWS_CREDENTIAL_EXPIRATION")) {
        s.seen.push_back("AWS_CREDENTIAL_EXPIRATION = " + printable(*expiry));
    }
    s.configured = id.has_value();
    return s;
}

answer environment_provider::found_in(const world& outside) const {
    if (rule_ == environment_keys::overruled) {
        return not_mine{"a profile named on the command line overrules the environment's keys"};
    }
    const auto id = outside.setting("AWS_ACCESS_KEY_ID");
    auto key = outside.setting("AWS_SECRET_ACCESS_KEY");
    if (!key) {
        key = outside.setting("SECRET_ACCESS_KEY"); // an old spelling that the Rust SDK still reads
    }
    if (!id) {
        return not_mine{key ? "AWS_ACCESS_KEY_ID is not set (AWS_SECRET_ACCESS_KEY is)" : "no keys are set"};
    }
    if (!key) {
        return failure{"AWS_ACCESS_KEY_ID is set without AWS_SECRET_ACCESS_KEY"};
    }
    auto token = outside.setting("AWS_SESSION_TOKEN");
    if (!token) {
        token = outside.setting("AWS_SECURITY_TOKEN"); // likewise, botocore
    }
    if (auto wrong = missing_profile_beside(outside)) {
        return *std::move(wrong);
    }
    auto keys = static_keys("environment", "the environment", *id, secret(*key), secret(token.value_or("")));
    auto* found = std::get_if<credentials>(&keys);
    if (!found) {
        return keys;
    }
    if (const auto account = outside.setting("AWS_ACCOUNT_ID"); account && is_visible(*account)) {
        found->account_id = *account;
    }
    if (const auto expiry = outside.setting("AWS_CREDENTIAL_EXPIRATION")) {
        found->expiration = read_rfc3339(*expiry);
        if (found->expiration == latest_time) {
            found->stated_end = *expiry;
        }
        if (!found->expiration) {
            return failure{"AWS_CREDENTIAL_EXPIRATION is no RFC 3339 date, as 2026-11-22T00:35:06Z"};
        }
    }
    return keys;
}

} // namespace

std::unique_ptr<provider> environment_source(environment_keys rule, std::optional<chain_settings> settings) {
    return std::make_unique<environment_provider>(rule, std::move(settings));
}

answer static_keys(
    std::string_view provider,
    std::string_view origin,
    std::string_view access_key_id,
    const secret& secret_access_key,
    const secret& session_token
) {
    const auto broken = [&](std::string_view which) {
        return failure{fmt::format("{}: the {} has blanks, control or non-ASCII characters", origin, which)};
    };
    if (!is_visible(access_key_id)) {
        return broken("access key id");
    }
    if (!is_visible(secret_access_key.reveal())) {
        return broken("secret access key");
    }
    if (!session_token.empty() && !is_visible(session_token.reveal())) {
        return broken("session token");
    }
    credentials keys;
    keys.access_key_id = access_key_id;
    keys.secret_access_key = secret_access_key;
    keys.session_token = session_token;
    keys.provider = provider;
    return keys;
}

} // namespace countersign::chain
