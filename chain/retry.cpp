#include "chain/retry.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace countersign::chain {

namespace {

using namespace std::chrono_literals;

// AWS SDKs and Tools Reference Guide, "Retry behavior": what these services say of it.
constexpr std::array<std::string_view, 7> throttling_codes{
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "TooManyRequestsException",
};
// The last is STS's: it could not ask the identity provider for its keys.
constexpr std::array<std::string_view, 3> transient_codes{
    "RequestTimeout",
    "RequestTimeoutException",
    "IDPCommunicationError",
};

bool is_in(const auto& list, std::string_view code) noexcept {
    return std::find(list.begin(), list.end(), code) != list.end();
}

} // namespace

repetition repetition_after(const http_result& reply, std::string_view code) noexcept {
    if (!reply) {
        const auto stage = reply.error().stage;
        return stage == http_stage::connect || stage == http_stage::exchange ? repetition::soon : repetition::none;
    }
    if (reply->status < 400)
        return repetition::none;
    if (is_in(throttling_codes, code) || (reply->status == 429 && code.empty()))
        return repetition::slowly;
    if (is_in(transient_codes, code))
        return repetition::soon;
    const auto s = reply->status;
    return s == 500 || s == 502 || s == 503 || s == 504 ? repetition::soon : repetition::none;
}

std::chrono::milliseconds pause_after(unsigned attempt, repetition how, double u01) noexcept {
    const double base = how == repetition::slowly ? 1000.0 : 50.0;
    const double doubled = std::ldexp(base, static_cast<int>(std::min(attempt - 1, 30u)));
    return std::chrono::milliseconds(static_cast<std::int64_t>(u01 * std::min(doubled, 20000.0)));
}

} // namespace countersign::chain
