// HTTP dates (RFC 9110 section 5.6.7) of answers: Retry-After and Date. Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace countersign::proxy {

// All three forms, as section 5.6.7 asks of a recipient:
//     Sun, 06 Nov 1994 08:49:37 GMT | Sunday, 06-Nov-94 08:49:37 GMT | Sun Nov  6 08:49:37 1994
// The name of the day is not compared with the date. A two-digit year is the one nearest to `now` that is not
// more than 50 years ahead. nullopt for everything else.
std::optional<std::chrono::sys_seconds> parse_http_date(std::string_view text, std::chrono::sys_seconds now) noexcept;

} // namespace countersign::proxy
