// Which profile is meant, and whether it may be used. A name that somebody says must never lead to other credentials
// than that profile's: where it is not there, the chain ends (as it does for botocore, the AWS CLI and the SDK for
// Go). Pure; any thread.
#pragma once

#include "chain/profile.hpp"
#include "chain/settings.hpp"
#include "chain/task.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace countersign::chain {

class world;

struct profile_choice {
    std::string name;     // "default" when nothing names one
    std::string named_by; // "AWS_PROFILE", "named explicitly"; "" when nothing does
    // "AWS_DEFAULT_PROFILE = b" where AWS_PROFILE names another one.
    std::string passed_over = {};
};

// --profile or the configuration, AWS_PROFILE, AWS_DEFAULT_PROFILE: in the order of the AWS CLI 2 and the SDK for Go.
// boto3 asks AWS_DEFAULT_PROFILE first, which AWS no longer documents.
profile_choice choose_profile(const world& outside, const chain_settings& settings);
std::string selected_profile(const world& outside, const chain_settings& settings); // its name alone

// "there is no profile X (AWS_PROFILE) in FILE and FILE; the nearest name is Y". `named_by` may be "".
failure missing_profile(const profile_set& profiles, std::string_view name, std::string_view named_by);

// Why the choice cannot be used: it is named and not there, or cannot be read, or may be what cannot be read. None for
// a default profile that is just not there.
std::optional<failure> trouble_with(const profile_choice& choice, const profile_set& profiles);

} // namespace countersign::chain
