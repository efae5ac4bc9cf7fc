// amz-sdk-request, in which the AWS SDKs tell a service how often they have asked: "ttl=20261128T120000Z; attempt=2;
// max=3". Our further attempts are counted there as well. Pure; any thread.
#pragma once

#include "proxy/http/head.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace countersign::proxy {

bool is_sdk_request(const field& f) noexcept;

// The value for an attempt that is so many beyond the client's own: its number is higher, and max no lower than that.
// All else stays, ttl too. None where the client sent no such field, several, or one without a number.
std::optional<std::string> sdk_request_of(std::span<const field> fields, unsigned further);

} // namespace countersign::proxy
