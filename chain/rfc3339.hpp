// The dates of credential answers. Pure; any thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace countersign::chain {

// The last second that read_rfc3339 gives: system_clock counts nanoseconds, to some day in 2262.
inline constexpr std::chrono::system_clock::time_point latest_time{
    std::chrono::sys_days{std::chrono::year{2262} / std::chrono::January / 1} - std::chrono::seconds{1}};

// RFC 3339 section 5.6 and nothing else: 2026-11-22T00:35:06Z, 2026-11-22T01:35:06.25+01:00. Fractions of a
// second are dropped. A year that the clock cannot count to (from 2262 on) becomes latest_time.
std::optional<std::chrono::system_clock::time_point> read_rfc3339(std::string_view text) noexcept;

std::string write_rfc3339(std::chrono::system_clock::time_point time); // 2026-11-22T00:35:06Z

} // namespace countersign::chain
