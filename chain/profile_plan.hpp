// How a profile comes to credentials: walks from the chosen profile to the first keys, noting the roles on the
// way (AWS SDKs and Tools Reference Guide, "Assume role credential provider"). It must never choose another
// identity where the files are wrong: it fails and names profile, file and line. Pure; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/profile.hpp"
#include "chain/profile_choice.hpp"
#include "chain/provider.hpp"
#include "chain/role.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace countersign::chain {

inline constexpr std::size_t longest_role_chain = 16;

// Where the first keys come from.
enum class plan_base : std::uint8_t {
    static_keys,
    environment,  // credential_source = Environment
    container,    // credential_source = EcsContainer
    imds,         // credential_source = Ec2InstanceMetadata
    web_identity, // role_arn with web_identity_token_file
    sso,
    login,
    command, // credential_process
};

struct planned_role {
    role_request ask;
    std::string mfa_serial; // "": none. Nobody can be asked for a code while the proxy runs
    std::string profile;    // that names the role
    std::string where;      // "FILE:LINE" of role_arn
};

struct profile_plan {
    plan_base base = plan_base::static_keys;
    const profile* from = nullptr;     // whose base it is; points into the set
    std::string where;                 // "FILE:LINE" of the property that names the base
    credentials keys;                  // static_keys only
    web_identity_request web_identity; // web_identity only
    std::vector<planned_role> roles;   // in the order in which they are assumed
    std::vector<std::string> seen;     // a line each for `credentials --output explain`; no secret
};

// not_mine: there is no such profile, or it has settings only, and nothing in the files leaves a doubt about that.
using plan_answer = std::variant<profile_plan, not_mine, failure>;
plan_answer plan_profile(const profile_set& set, std::string_view name);
// The same; for a profile that somebody names and that is not there, a failure.
plan_answer plan_profile(const profile_set& set, const profile_choice& choice);

} // namespace countersign::chain
