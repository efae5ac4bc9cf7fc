// What is said to STS about a role, wherever it comes from: a profile, the environment, an identity of the
// configuration. Plain values that hold no secret; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace countersign::chain {

struct role_request {
    std::string role_arn;
    std::string session_name;                     // "": made up for each call
    std::string external_id;                      // "": none
    std::optional<std::chrono::seconds> duration; // none: STS's own default, an hour
    std::string session_policy;                   // JSON; "": none
    std::vector<std::pair<std::string, std::string>> tags;
    std::vector<std::string> transitive_tags; // names of tags that go on to the next role
};

struct web_identity_request {
    std::string role_arn;
    std::string session_name; // "": made up for each call
    std::string token_file;   // read anew for each call: the cluster replaces it
};

// STS: 2 to 64 of letters, digits and _+=,.@-
bool is_session_name(std::string_view text) noexcept;

// 900 to 43200 s; none for anything else.
std::optional<std::chrono::seconds> read_role_duration(std::string_view text) noexcept;

} // namespace countersign::chain
