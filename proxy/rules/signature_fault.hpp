// A wrong signature in the words of the service that was asked: for the sandbox, and for clients that have to sign
// ([[client]]). Fixed texts only, never a part of the request. Pure; any thread.
#pragma once

#include "signer/scope.hpp"
#include "signer/verify.hpp"

#include <string_view>

namespace countersign::proxy {

struct fault_wording {
    unsigned status;
    const char* code; // as the service's errors name it
    const char* message;
};

fault_wording wording_of(signer::mismatch what, signer::wire_protocol protocol) noexcept;

// One word for logs: "verified", "wrong_signature", ...
std::string_view name_of(signer::mismatch what) noexcept;

} // namespace countersign::proxy
