// The profiles of ~/.aws/config and ~/.aws/credentials: two texts → one set of profiles. What a profile
// says about where its credentials come from is profile_plan.hpp's part. Pure but for read_profiles; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/refresh.hpp"
#include "chain/task.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::chain {

struct profile_property {
    secret value;
    std::string where;                    // "FILE:LINE"
    std::map<std::string, secret> nested; // `s3 =` followed by indented lines
};

struct profile {
    std::string name;
    std::map<std::string, profile_property, std::less<>> properties; // names in lower case

    const profile_property* find(std::string_view property) const noexcept; // null when absent or empty
    std::string_view value(std::string_view property) const noexcept;       // "" when absent
};

struct profile_set {
    std::map<std::string, profile, std::less<>> profiles;
    std::map<std::string, profile, std::less<>> sso_sessions; // [sso-session NAME] and
    std::map<std::string, profile, std::less<>> services;     // [services NAME] of the config file
    std::vector<std::string> warnings;                        // "FILE:LINE: ..." of what was left out

    const profile* find(std::string_view name) const noexcept;
};

struct named_text {
    std::string_view name; // for messages
    std::string_view text;
};

// Merges the two files: within a file the last property of a name wins, between them the credentials file.
// `[profile default]` puts the config file's `[default]` out of force as a whole.
result<profile_set> merge_profiles(named_text config, named_text credentials_file);

struct profile_files {
    std::filesystem::path config, credentials_file;
};
profile_files profile_files_of(const world& outside); // AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, else in ~/.aws
result<profile_set> read_profiles(const world& outside);

std::string selected_profile(const world& outside, const chain_settings& settings);

} // namespace countersign::chain
