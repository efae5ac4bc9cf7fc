// May a request go out again where nobody knows whether the service has acted on it (RFC 9110 9.2.2)? By its method,
// by an operation that only reads, or by a token by which the service knows a repetition. What cannot be told for
// certain may not. Asked only after a failure. Pure; any thread.
#pragma once

#include "proxy/rules/action.hpp"

#include <string_view>

namespace countersign::proxy {

// Idempotent methods, unless the query or X-HTTP-Method-Override says that something else is meant
// (GET /?Action=RunInstances); GetItem, BatchGetItem, ListQueues, DescribeStacks, POST /list-jobs, POST /index/_search;
// ClientToken, Idempotency-Key and their like in header, query or body.
bool is_repeatable(const action_source& request);

// RFC 9110 9.2.2, by the method alone.
bool is_idempotent(std::string_view method) noexcept;

// "GetItem", "describe_stacks", "list-jobs", "_search": does the name say that the operation only reads?
bool only_reads(std::string_view operation) noexcept;

} // namespace countersign::proxy
