// Reads the two files and a profile's name as JSON lines on standard input and says, one line each, what that profile
// comes to: our side of the comparison with botocore (profile_botocore_test.py). Not part of countersign.
#include "chain/profile.hpp"
#include "chain/profile_plan.hpp"

#include <boost/json.hpp>

#include <iostream>
#include <string>
#include <variant>

namespace {

namespace chain = countersign::chain;
namespace json = boost::json;

// Bytes stand in JSON as the characters U+0000 to U+00FF.
std::string bytes_of(const json::value& text) {
    const std::string utf8 = json::value_to<std::string>(text);
    std::string bytes;
    for (std::size_t i = 0; i < utf8.size(); ++i) {
        const auto c = static_cast<unsigned char>(utf8[i]);
        if (c < 0x80)
            bytes += utf8[i];
        else
            bytes += static_cast<char>((c & 0x03U) << 6U | (static_cast<unsigned char>(utf8[++i]) & 0x3fU));
    }
    return bytes;
}

std::string_view base_name(chain::plan_base base) {
    switch (base) {
    case chain::plan_base::static_keys:
        return "keys";
    case chain::plan_base::web_identity:
        return "web_identity";
    case chain::plan_base::sso:
        return "sso";
    case chain::plan_base::command:
        return "command";
    default:
        return "other";
    }
}

json::value base_of(const chain::profile_plan& plan) {
    json::array base{json::string(base_name(plan.base))};
    const auto add = [&base](std::string_view text) { base.emplace_back(json::string(text)); };
    const auto property = [&](std::string_view name) { add(plan.from->value(name)); };
    if (plan.base == chain::plan_base::static_keys) {
        add(plan.keys.access_key_id);
        add(plan.keys.secret_access_key.reveal());
        add(plan.keys.session_token.reveal());
    } else if (plan.base == chain::plan_base::web_identity) {
        property("role_arn");
        property("web_identity_token_file");
    } else if (plan.base == chain::plan_base::sso) {
        property("sso_account_id");
        property("sso_role_name");
        property("sso_session");
    } else if (plan.base == chain::plan_base::command) {
        property("credential_process");
    }
    return base;
}

json::object answer_to(const json::object& ask) {
    const std::string config = bytes_of(ask.at("config"));
    const std::string keys = bytes_of(ask.at("credentials"));
    const auto profiles = chain::merge_profiles({"config", config}, {"credentials", keys});
    if (!profiles)
        return {{"refused", profiles.error().detail}};
    chain::profile_choice choice{"default", ""};
    if (const auto& named = ask.at("profile"); named.is_string())
        choice = {bytes_of(named), "AWS_PROFILE"};
    const auto planned = chain::plan_profile(*profiles, choice);
    if (const auto* wrong = std::get_if<chain::failure>(&planned))
        return {{"refused", wrong->detail}};
    const auto* chosen = profiles->find(choice.name);
    json::object out{{"region", chosen ? chosen->value("region") : ""}};
    const auto* plan = std::get_if<chain::profile_plan>(&planned);
    if (!plan) {
        out["none"] = std::get<chain::not_mine>(planned).why;
        return out;
    }
    out["base"] = base_of(*plan);
    json::array roles;
    for (const auto& role : plan->roles)
        roles.push_back(json::array{json::string(role.ask.role_arn), json::string(role.ask.external_id)});
    out["roles"] = std::move(roles);
    return out;
}

} // namespace

int main() {
    std::ios::sync_with_stdio(false);
    for (std::string line; std::getline(std::cin, line);)
        std::cout << json::serialize(answer_to(json::parse(line).as_object())) << '\n';
}
