// What AWS's JSON services (IAM Identity Center, its OIDC, sign-in) say when they refuse. Pure; any thread.
#pragma once

#include "chain/http.hpp"
#include "chain/task.hpp"

#include <string>
#include <string_view>

namespace countersign::chain {

struct service_error {
    std::string code;    // "" when there is none
    std::string message; // neither is printable yet
};

// Of an answer that is no success: x-amzn-errortype, else the body's "error", "__type" or "code"; what stands before
// a '#' and after a ':' is not of the code.
service_error error_in(const http_reply& reply);

// "GetRoleCredentials: status 403, ForbiddenException: No access"
failure refusal_of(std::string_view call, const http_result& reply);

} // namespace countersign::chain
