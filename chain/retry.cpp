#include "chain/retry.hpp"

#include "chain/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

namespace countersign::chain {

namespace {

using namespace std::chrono_literals;

// AWS SDKs and Tools Reference Guide, "Retry behavior", and the lists of the SDKs.
constexpr std::array<std::string_view, 14> throttling_codes{
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottledException",
    "TooManyRequestsException",
    "ProvisionedThroughputExceededException",
    "TransactionInProgressException",
    "RequestLimitExceeded",
    "BandwidthLimitExceeded",
    "LimitExceededException",
    "RequestThrottled",
    "SlowDown",
    "PriorRequestNotComplete",
    "EC2ThrottledException",
};
// The last is STS's, no other service has it: it could not ask the identity provider for its keys.
constexpr std::array<std::string_view, 3> transient_codes{
    "RequestTimeout",
    "RequestTimeoutException",
    "IDPCommunicationError",
};

std::optional<std::int64_t> whole_number(std::string_view digits) noexcept {
    std::int64_t number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool is_whole = error == std::errc{} && end == digits.data() + digits.size() && number >= 0;
    return is_whole ? std::optional(number) : std::nullopt;
}

// "Sun, 06 Nov 1994 08:49:37 GMT"
std::optional<std::chrono::sys_seconds> date_in(std::string_view text) noexcept {
    constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
    if (text.size() != 29 || text.substr(3, 2) != ", " || !text.ends_with(" GMT"))
        return std::nullopt;
    const auto month = months.find(text.substr(8, 3));
    const auto day = whole_number(text.substr(5, 2)), year = whole_number(text.substr(12, 4)),
               hour = whole_number(text.substr(17, 2)), minute = whole_number(text.substr(20, 2)),
               second = whole_number(text.substr(23, 2));
    if (month == std::string_view::npos || month % 3 != 0 || !day || !year || !hour || !minute || !second)
        return std::nullopt;
    const std::chrono::year_month_day date{
        std::chrono::year(static_cast<int>(*year)),
        std::chrono::month(static_cast<unsigned>(month / 3 + 1)),
        std::chrono::day(static_cast<unsigned>(*day))};
    if (!date.ok())
        return std::nullopt;
    return std::chrono::sys_days(date) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
           std::chrono::seconds(*second);
}

// Held to what is of interest, so that nothing overflows.
std::chrono::milliseconds at_most_an_hour(std::int64_t count, std::chrono::milliseconds unit) noexcept {
    return std::min<std::int64_t>(count, 3600'000 / unit.count()) * unit;
}

// Zero: it asks for none.
std::chrono::milliseconds asked_for(const http_reply& reply, std::chrono::system_clock::time_point now) noexcept {
    if (const auto ms = whole_number(trimmed(reply.field("x-amz-retry-after"))))
        return at_most_an_hour(*ms, 1ms);
    const auto text = trimmed(reply.field("Retry-After"));
    if (const auto seconds = whole_number(text))
        return at_most_an_hour(*seconds, 1s);
    if (const auto date = date_in(text))
        return at_most_an_hour(
            std::max<std::int64_t>((*date - std::chrono::floor<std::chrono::seconds>(now)).count(), 0), 1s
        );
    return 0ms;
}

} // namespace

bool is_throttling_code(std::string_view code) noexcept {
    return std::find(throttling_codes.begin(), throttling_codes.end(), code) != throttling_codes.end();
}

bool is_transient_code(std::string_view code) noexcept {
    return std::find(transient_codes.begin(), transient_codes.end(), code) != transient_codes.end();
}

// A status that the standard mode does not know, but others: 429 (JavaScript, botocore's legacy mode) and 509
// (botocore's legacy mode, which is boto3's default).
repetition repetition_after(const http_result& reply, std::string_view code) noexcept {
    if (!reply) {
        const auto stage = reply.error().stage;
        return stage == http_stage::connect || stage == http_stage::exchange ? repetition::soon : repetition::none;
    }
    const auto s = reply->status;
    if (s < 400)
        return repetition::none;
    if (is_throttling_code(code) || s == 429 || s == 509)
        return repetition::slowly;
    if (is_transient_code(code))
        return repetition::soon;
    return s == 500 || s == 502 || s == 503 || s == 504 ? repetition::soon : repetition::none;
}

repetition repetition_after_local(const http_result& reply, std::string_view code) noexcept {
    if (!reply)
        return reply.error().stage == http_stage::exchange ? repetition::soon : repetition::none;
    const auto known = repetition_after(reply, code);
    const bool passes = reply->status >= 500 || reply->status == 408;
    return known == repetition::none && passes ? repetition::soon : known;
}

std::chrono::milliseconds pause_after(unsigned attempt, repetition how, double u01) noexcept {
    const double base = how == repetition::slowly ? 1000.0 : 50.0;
    const double doubled = std::ldexp(base, static_cast<int>(std::min(attempt - 1, 30u)));
    return std::chrono::milliseconds(static_cast<std::int64_t>(u01 * std::min(doubled, 20000.0)));
}

std::chrono::milliseconds pause_told(
    const http_result& reply, std::chrono::milliseconds own, std::chrono::system_clock::time_point now
) noexcept {
    if (!reply)
        return own;
    return std::clamp<std::chrono::milliseconds>(asked_for(*reply, now), own, own + longest_told_pause);
}

} // namespace countersign::chain
