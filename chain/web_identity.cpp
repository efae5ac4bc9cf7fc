// Web identity from the environment, as EKS sets it for a service account (IRSA): a token file and a role.
#include "chain/provider.hpp"
#include "chain/sts.hpp"
#include "chain/text.hpp"

#include <fmt/format.h>

#include <utility>

namespace countersign::chain {

namespace {

constexpr const char* role_variable = "AWS_ROLE_ARN";
constexpr const char* token_variable = "AWS_WEB_IDENTITY_TOKEN_FILE";
constexpr const char* session_variable = "AWS_ROLE_SESSION_NAME";

class web_identity_provider final : public provider {
public:
    web_identity_provider(environment_keys rule, chain_settings settings)
        : rule_(rule), settings_(std::move(settings)) {}

    std::string_view name() const noexcept override { return "web_identity"; }
    sight look(const world& outside) const override;
    task<answer> fetch(world& outside) override;

private:
    environment_keys rule_;
    chain_settings settings_;
};

sight web_identity_provider::look(const world& outside) const {
    sight s;
    s.configured = true;
    for (const auto* variable : {token_variable, role_variable}) {
        const auto value = outside.setting(variable);
        s.configured &= value.has_value();
        s.seen.push_back(fmt::format("{} {}", variable, value ? "= " + printable(*value, 300) : "is not set"));
    }
    if (const auto session = outside.setting(session_variable)) {
        s.seen.push_back(fmt::format("{} = {}", session_variable, printable(*session)));
    }
    const auto profiles = read_profiles(outside);
    if (!s.configured || !profiles) {
        return s;
    }
    for (auto& line : look_at_sts(outside, settings_, *profiles)) {
        s.seen.push_back(std::move(line));
    }
    return s;
}

result<web_identity_request> request_in(const world& outside) {
    web_identity_request ask;
    ask.role_arn = outside.setting(role_variable).value_or("");
    ask.token_file = outside.setting(token_variable).value_or("");
    ask.session_name = outside.setting(session_variable).value_or("");
    if (!is_visible(ask.role_arn)) {
        return failure{fmt::format("{} has blanks, control or non-ASCII characters", role_variable)};
    }
    if (!ask.session_name.empty() && !is_session_name(ask.session_name)) {
        return failure{fmt::format("{} must be 2 to 64 of letters, digits and _+=,.@-", session_variable)};
    }
    return ask;
}

task<answer> web_identity_provider::fetch(world& outside) {
    if (rule_ == environment_keys::overruled) {
        co_return not_mine{"a profile named on the command line overrules the environment's web identity"};
    }
    if (!outside.setting(role_variable) || !outside.setting(token_variable)) {
        co_return not_mine{fmt::format("{} and {} are not both set", token_variable, role_variable)};
    }
    auto ask = request_in(outside);
    if (!ask) {
        co_return ask.error();
    }
    const auto profiles = read_profiles(outside);
    if (!profiles) {
        co_return profiles.error();
    }
    auto place = co_await find_sts(outside, settings_, *profiles);
    if (!place) {
        co_return place.error();
    }
    auto keys = co_await assume_role_with_web_identity(outside, *std::move(place), *std::move(ask));
    if (!keys) {
        co_return failure{fmt::format("{}: {}", token_variable, keys.error().detail), keys.error().retryable};
    }
    keys->provider = "web_identity";
    co_return *std::move(keys);
}

} // namespace

std::unique_ptr<provider> web_identity_source(environment_keys rule, const chain_settings& settings) {
    return std::make_unique<web_identity_provider>(rule, settings);
}

} // namespace countersign::chain
