// May a question for credentials be asked again, and when? AWS's standard retry mode of November 2026 as far as one
// caller with few attempts needs it, and beside it what single SDKs repeat too; the proxy's own requests have more to
// consider (proxy/rules/retry.hpp). Pure; any thread.
#pragma once

#include "chain/http.hpp"

#include <chrono>
#include <cstdint>
#include <string_view>

namespace countersign::chain {

inline constexpr unsigned most_attempts = 3; // the first one included
// An answer may ask for a longer pause than ours, but only by so much: a load has no more than 25 s.
inline constexpr std::chrono::seconds longest_told_pause{5};

// Codes that say of an answer, whatever its status: the service is throttling; the next attempt may go well. The
// proxy's own requests follow them too.
bool is_throttling_code(std::string_view code) noexcept;
bool is_transient_code(std::string_view code) noexcept;

enum class repetition : std::uint8_t { none, soon, slowly };

// Of AWS's own services (STS, IAM Identity Center, sign-in). `code` is the service's error code, "" when there is
// none; it is stronger than the status. soon: no answer, or one that is expected to pass. slowly: the service is
// throttling. none: everything else, success too.
repetition repetition_after(const http_result& reply, std::string_view code) noexcept;

// Of an endpoint beside us (container, instance metadata): every 5xx and 408 pass as well. What it means that nobody
// is there, the caller knows: none for a connection that failed.
repetition repetition_after_local(const http_result& reply, std::string_view code) noexcept;

// After `attempt` (1, 2, …): a random share of 50 ms doubling, where throttled of 1 s doubling. 0 ≤ u01 < 1.
std::chrono::milliseconds pause_after(unsigned attempt, repetition how, double u01) noexcept;

// `own` or, where the answer asks for a longer one, that, held below own + longest_told_pause: x-amz-retry-after in
// milliseconds, else Retry-After in seconds or as a date (RFC 9110 section 10.2.3; of dates the preferred form only).
std::chrono::milliseconds
pause_told(const http_result& reply, std::chrono::milliseconds own, std::chrono::system_clock::time_point now) noexcept;

} // namespace countersign::chain
