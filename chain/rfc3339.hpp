// The dates of credential answers. Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::chain {

// RFC 3339 section 5.6 and nothing else: 2026-11-22T00:35:06Z, 2026-11-22T01:35:06.25+01:00. Fractions of a
// second are dropped. A year that the clock cannot count to (from 2262 on) becomes the last second of 2261.
std::optional<std::chrono::system_clock::time_point> read_rfc3339(std::string_view text) noexcept;

std::string write_rfc3339(std::chrono::system_clock::time_point time); // 2026-11-22T00:35:06Z

} // namespace countersign::chain
