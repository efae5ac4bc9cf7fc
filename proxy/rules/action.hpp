// The operation that a request calls, for services that have operations: X-Amz-Target (JSON), Action= in the query or
// in a form (Query), /service/X/operation/Y (RPC v2 CBOR). Decides on what goes upstream, in the form that the service
// decodes, and is certain or says nothing: several sources must agree, and each is read as the most lenient server
// would (escapes, blanks, case, ';' between parameters, whatever Content-Type says). Pure; any thread.
#pragma once

#include "proxy/http/head.hpp"
#include "signer/scope.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace countersign::proxy {

struct action_source {
    std::string_view service; // signing name
    signer::service_traits traits;
    std::string_view method;
    std::string_view path, query;         // as they go out
    std::span<const field> fields;        // those with .stays_here do not go out
    std::optional<std::string_view> body; // nullopt: not in memory
};

// "GetItem", at most 128 letters and digits; nullopt when there is none or it is not certain. Services of which every
// request is what its method and path say (S3, Lambda, API Gateway …) have none, whatever the request carries.
std::optional<std::string> action_of(const action_source& from);

// Does it take an operation's parameters from the query or a form?
bool speaks_query(std::string_view service, const signer::service_traits& traits) noexcept;

// application/x-www-form-urlencoded, with whatever parameters.
bool is_form(std::string_view content_type) noexcept;

// X-HTTP-Method-Override and its like: some servers take another method from there.
bool overrides_method(std::span<const field> fields) noexcept;

} // namespace countersign::proxy
