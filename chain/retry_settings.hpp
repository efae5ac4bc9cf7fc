// How often a request is repeated, and how, where the AWS tools are told: AWS_MAX_ATTEMPTS in the environment,
// max_attempts and retry_mode in a profile. Reads files and variables, asks nobody; any thread.
#pragma once

#include "chain/profile.hpp"
#include "chain/settings.hpp"
#include "chain/task.hpp"
#include "chain/world.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::chain {

enum class retry_style : std::uint8_t { standard, adaptive }; // "legacy" counts as standard

template <class Value>
struct told {
    Value value;
    std::string where; // "profile dev (FILE:LINE)"
};

struct profile_retries {
    std::optional<told<unsigned>> max_attempts; // the first one included
    std::optional<told<retry_style>> mode;
};

// Of the selected profile. Nothing where there is none, or none that can be used: that is the chain's to say. A
// failure: a value is none that the SDKs know.
result<profile_retries> retries_in_profile(const world& outside, const chain_settings& settings);

// For the chain's own questions to STS, IAM Identity Center and sign-in: the environment, then `chosen` (null: no
// profile), then most_attempts.
result<unsigned> attempts_of(const world& outside, const profile* chosen);

} // namespace countersign::chain
