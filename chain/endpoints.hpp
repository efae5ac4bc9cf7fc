// The addresses of the AWS services that credentials are asked of: what the user configured, else what the
// region says (AWS SDKs and Tools Reference Guide, "Service-specific endpoints", "Dual-stack and FIPS
// endpoints"). It must never fall back from FIPS to another endpoint. Pure but for reading variables; control
// thread only.
#pragma once

#include "chain/profile.hpp"
#include "chain/task.hpp"
#include "chain/world.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::chain {

enum class aws_service : std::uint8_t { sts, sso, oidc, signin };

struct service_address {
    std::string url;                  // without a slash at its end
    std::string origin;               // "AWS_ENDPOINT_URL_STS", "profile a (FILE:LINE)", "region eu-west-1"
    bool is_custom = false;           // somebody configured it: it may be any host, and plain http
    std::vector<std::string> ignored; // a line for each configured address that is no URL
};

// `chosen` is the selected profile, null when there is none. REQUIRES: is_region(region). A failure: a switch is
// neither true nor false, or FIPS or dual stack is wanted of a configured address, which cannot promise it.
result<service_address> address_of(
    aws_service service,
    std::string_view region,
    const world& outside,
    const profile_set& profiles,
    const profile* chosen
);

} // namespace countersign::chain
