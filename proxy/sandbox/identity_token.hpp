// A web identity token as the sandbox's STS reads it: a JWT (RFC 7519) whose claims count and whose signature does not,
// since the sandbox has no identity provider to ask for keys. Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::proxy::sandbox {

struct identity_token {
    std::string issuer;                              // iss
    std::string subject;                             // sub
    std::optional<std::chrono::sys_seconds> expires; // exp; nullopt: never
};

// HEADER.CLAIMS.SIGNATURE in base64url without padding; iss and sub are there and printable ASCII; exp, where there is
// one, is a whole number. nullopt: it is anything else.
std::optional<identity_token> read_identity_token(std::string_view token);

} // namespace countersign::proxy::sandbox
