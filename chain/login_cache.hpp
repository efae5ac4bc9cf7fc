// The session that `aws login` leaves in its cache file: keys that last some minutes, and what new ones are asked for
// with. It must never lose a field that it does not know: the AWS CLI reads the same file. Pure; any thread.
#pragma once

#include "chain/credentials.hpp"
#include "chain/task.hpp"

#include <chrono>
#include <string_view>

namespace countersign::chain {

struct login_cache {
    credentials keys; // always with an expiration
    secret refresh_token, client_id, dpop_key;
};

// accessToken with an expiresAt, refreshToken, clientId and dpopKey must all be there. A failure says what is wrong
// with the text, never what is in it.
result<login_cache> read_login_cache(std::string_view text);

secret refresh_question(const login_cache& cache); // the JSON to be sent

// The cache file's new text: of `old_text` every field, with what the answer replaces; the account stays.
result<secret>
refreshed_login_text(std::string_view old_text, std::string_view answer, std::chrono::system_clock::time_point now);

} // namespace countersign::chain
