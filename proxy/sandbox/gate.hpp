// Who may come in: verifies a request's SigV4 signature against the sandbox's keys and words the refusal as
// the asked service would. Pure: keys and time are arguments. One thread (the keys' own).
#pragma once

#include "proxy/sandbox/error.hpp"
#include "proxy/sandbox/keys.hpp"
#include "proxy/sandbox/message.hpp"
#include "signer/scope.hpp"
#include "signer/verify.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::proxy::sandbox {

struct verdict {
    signer::verification found;
    const identity* who = nullptr; // set when the signature is right, even if the key is expired
    bool expired_token = false;
    std::string session_token = {}; // of the key that signed wrongly: to be masked in explanations

    bool admits() const noexcept { return who && !expired_token; }

    // One word for logs: "verified", "wrong_signature", …
    std::string_view name() const noexcept;
};

// `expected`: service and region that the host stands for; nullopt for hosts that say nothing (an address):
// then the credential scope's own count.
verdict judge(
    const request& ask, const std::optional<signer::scope>& expected, const key_ring& keys, std::chrono::sys_seconds now
);

// REQUIRES: !v.admits(). A wrong signature is explained with the canonical request and string to sign as
// computed here, the session token masked.
service_error refuse(const verdict& v, signer::wire_protocol protocol);

} // namespace countersign::proxy::sandbox
