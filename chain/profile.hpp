// The profiles of ~/.aws/config and ~/.aws/credentials: two texts → one set of profiles. What a profile
// says about where its credentials come from is profile_plan.hpp's part. Pure but for read_profiles; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/task.hpp"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace countersign::chain {

class world;

struct profile_property {
    secret value;
    std::string where;                    // "FILE:LINE"
    std::map<std::string, secret> nested; // `s3 =` followed by indented lines
    bool in_credentials_file = false;
};

struct profile {
    std::string name;
    std::map<std::string, profile_property, std::less<>> properties; // names in lower case
    bool is_exact = true; // false: botocore does not find it under this name (profile_title.hpp)
    std::string fault; // "FILE:LINE: ..." of what cannot be read, or is said twice; "" for none. Nobody may use it then

    const profile_property* find(std::string_view property) const noexcept; // null when absent or empty
    const profile_property* said(std::string_view property) const noexcept; // null when absent only
    std::string_view value(std::string_view property) const noexcept;       // "" when absent
};

struct profile_set {
    std::map<std::string, profile, std::less<>> profiles;
    std::map<std::string, profile, std::less<>> sso_sessions; // [sso-session NAME] and
    std::map<std::string, profile, std::less<>> services;     // [services NAME] of the config file
    std::vector<std::string> warnings;                        // "FILE:LINE: ..." of what was left out. No secret

    std::string files; // "FILE and FILE", for messages
    // "FILE:LINE: ..." of the first line anywhere that cannot be read, and of the first title or property that is said
    // twice; "" for none. For either botocore refuses a file. Where credentials are missing, they may be behind it.
    std::string fault, repetition;
    // A name that was perhaps meant → where it stands, and how it has to be written.
    std::map<std::string, std::string, std::less<>> left_out;

    const profile* find(std::string_view name) const noexcept;
    const std::string& doubt() const noexcept { return fault.empty() ? repetition : fault; }
};

struct named_text {
    std::string_view name; // for messages
    std::string_view text;
};

// Merges the two files as botocore does: between them the credentials file wins, but a profile's keys are all of one
// file, and where two titles give one name (`[default]` and `[profile default]`) the last section counts alone. Within
// a file that botocore would refuse for repetitions, the last property wins, unless it says who signs: that is a fault
// of its profile.
result<profile_set> merge_profiles(named_text config, named_text credentials_file);

struct profile_files {
    std::filesystem::path config, credentials_file;
};
profile_files profile_files_of(const world& outside); // AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE, else in ~/.aws
result<profile_set> read_profiles(const world& outside);

} // namespace countersign::chain
