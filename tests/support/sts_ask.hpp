// What a test looks at in a question to STS: the fields of its form, and whose signature it carries.
#pragma once

#include "chain/credentials.hpp"
#include "chain/http.hpp"
#include "signer/verify.hpp"

#include <chrono>
#include <map>
#include <string>

namespace countersign::tests {

std::map<std::string, std::string> form_in(const chain::http_ask& ask); // decoded

std::string field_in(const chain::http_ask& ask, std::string_view name); // "" when it is not there

// Checks the signature as STS would, with these keys and no others.
signer::verification
verify_ask(const chain::http_ask& ask, const chain::credentials& keys, std::chrono::system_clock::time_point now);

// <ActionResponse> with AccessKeyId `id`, SecretAccessKey "secret-of-id" and SessionToken "token-of-id".
std::string sts_xml(
    std::string_view action,
    std::string_view id,
    std::chrono::system_clock::time_point expiration,
    std::string_view arn = "arn:aws:sts::123456789012:assumed-role/r/s"
);
std::string sts_error_xml(std::string_view code, std::string_view message);

} // namespace countersign::tests
