// May a question to one of AWS's own services (STS, IAM Identity Center, sign-in) be asked again, and when?
// AWS's standard retry mode of November 2026 as far as one caller with three attempts needs it; the proxy's own
// requests have more to consider (proxy/retry.hpp). Pure; any thread.
#pragma once

#include "chain/http.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace countersign::chain {

inline constexpr unsigned most_attempts = 3; // the first one included

enum class repetition : std::uint8_t { none, soon, slowly };

// `code` is the service's error code, "" when there is none; it is stronger than the status. soon: no answer, or
// one that is expected to pass. slowly: the service is throttling. none: everything else, success too.
repetition repetition_after(const http_result& reply, std::string_view code) noexcept;

// After `attempt` (1, 2, …): a random share of 50 ms doubling, where throttled of 1 s doubling. 0 ≤ u01 < 1.
std::chrono::milliseconds pause_after(unsigned attempt, repetition how, double u01) noexcept;

} // namespace countersign::chain
