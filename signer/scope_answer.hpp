// What scope_of() and its parts answer with. Internal to signer/scope*.cpp. Pure; any thread.
#pragma once

#include "signer/host_scope.hpp"
#include "signer/scope_lookup.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>
#include <variant>

namespace countersign::signer {

using scope_answer = std::variant<host_scope, scope_refusal>;

constexpr scope_answer unknown = scope_refusal::unknown_endpoint;
constexpr scope_answer not_ours = scope_refusal::customer_controlled;
constexpr scope_answer not_signed = scope_refusal::not_signed;

inline bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) noexcept {
    return std::find(names.begin(), names.end(), name) != names.end();
}

inline scope_answer signed_for(std::string_view service, std::string_view region, partition_index partition) noexcept {
    if (service.empty()) {
        return unknown;
    }
    return host_scope{service, region, partition_name(partition)};
}

// Global services are signed for their one region, whichever the host names: iam.eu-west-1.api.aws →
// us-east-1
inline scope_answer
signed_for(const named_service& found, std::string_view region, partition_index partition) noexcept {
    const bool is_for_region = found.home.empty() || found.region_first;
    return signed_for(found.service, is_for_region ? region : found.home, partition);
}

} // namespace countersign::signer
