// The token that `aws sso login` leaves in its cache file, and the exchange of it for a new one (IAM Identity Center
// OIDC API Reference, CreateToken). It must never lose a field that it does not know: the AWS CLI reads the same
// file. Pure; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/task.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace countersign::chain {

inline constexpr std::chrono::seconds longest_token_life{366 * 24 * 3600};

struct sso_token {
    secret access_token;
    std::chrono::system_clock::time_point expires_at;
    // What a refresh needs. `not_refreshable` says what is missing, "" when nothing is.
    secret refresh_token, client_id, client_secret;
    std::string not_refreshable;
};

// A failure says what is wrong with the text, never what is in it.
result<sso_token> read_sso_token(std::string_view text, std::chrono::system_clock::time_point now);

// The JSON to be sent. REQUIRES: not_refreshable is "".
secret refresh_question(const sso_token& token);

// The cache file's new text: of `old_text` every field, with what the answer replaces.
result<secret>
refreshed_token_text(std::string_view old_text, std::string_view answer, std::chrono::system_clock::time_point now);

} // namespace countersign::chain
