#include "proxy/rules/retry.hpp"

#include "chain/retry.hpp"
#include "proxy/http/http_date.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace countersign::proxy {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

constexpr unsigned throttled_cost = 5;
constexpr unsigned failure_cost = 14;
constexpr milliseconds longest_wish = 5s; // how much longer than our own delay a service may make us wait

constexpr std::array<std::string_view, 4> long_polling_targets{
    "AmazonSQS.ReceiveMessage",
    "AWSStepFunctions.GetActivityTask",
    "SimpleWorkflowService.PollForActivityTask",
    "SimpleWorkflowService.PollForDecisionTask",
};

// Digits only; a number beyond all bounds is the largest one. "-100", "1.5", "" → nullopt.
std::optional<std::uint64_t> whole_number(std::string_view text) noexcept {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || error == std::errc::invalid_argument || end != text.data() + text.size())
        return std::nullopt;
    return error == std::errc::result_out_of_range ? UINT64_MAX : value;
}

// How long the service asks to wait, at most an hour. Text that makes no sense is as if it were not there.
std::optional<milliseconds> wish_of(const attempt& a) noexcept {
    constexpr milliseconds most = 1h;
    const auto at_most = [](std::uint64_t count, milliseconds unit) {
        return milliseconds{static_cast<std::int64_t>(std::min<std::uint64_t>(count, 3'600'000)) * unit.count()};
    };
    if (const auto ms = whole_number(a.amz_retry_after))
        return std::min(most, at_most(*ms, 1ms));
    if (const auto s = whole_number(a.retry_after))
        return std::min(most, at_most(*s, 1000ms));
    if (const auto date = parse_http_date(a.retry_after, a.now))
        return std::clamp<milliseconds>(*date - a.now, 0ms, most);
    return std::nullopt;
}

milliseconds delay_after(const retry_policy& policy, const attempt& a, double u01) noexcept {
    const milliseconds base = a.result == attempt_result::throttled ? policy.throttled_base : policy.base;
    // As a double: 2^(n-1) cannot overflow, whatever n is.
    const double doubled = std::ldexp(static_cast<double>(base.count()), static_cast<int>(std::min(a.number - 1, 64u)));
    const double capped = std::min(doubled, static_cast<double>(policy.longest.count()));
    const milliseconds own{static_cast<std::int64_t>(u01 * capped)};
    const auto wish = wish_of(a);
    return wish ? std::clamp(*wish, own, own + longest_wish) : own;
}

} // namespace

attempt_result classify(unsigned status, std::string_view code) noexcept {
    if (status == 0)
        return attempt_result::transient; // no answer
    if (status < 400)
        return attempt_result::success;
    if (chain::is_throttling_code(code))
        return attempt_result::throttled;
    if (chain::is_transient_code(code))
        return attempt_result::transient;
    // Only JavaScript's SDK retries a bare 429; a code beside it that is none of the above means something
    // else.
    if (status == 429 && code.empty())
        return attempt_result::throttled;
    // Nothing else: not 501, 505, 408, 409, 425.
    if (status == 500 || status == 502 || status == 503 || status == 504)
        return attempt_result::transient;
    return attempt_result::final_error;
}

bool retry_budget::take(unsigned cost) noexcept {
    if (tokens_ < cost)
        return false;
    tokens_ -= cost;
    return true;
}

void retry_budget::give_back(unsigned tokens) noexcept {
    tokens_ += std::min(tokens, capacity_ - tokens_);
}

retry_policy policy_for(std::string_view service, std::optional<unsigned> configured) noexcept {
    retry_policy policy;
    if (service == "dynamodb") { // DynamoDB Streams signs with this name as well
        policy.max_attempts = 4;
        policy.base = 25ms;
    }
    if (configured)
        policy.max_attempts = std::max(1u, *configured);
    return policy;
}

bool is_long_polling(std::string_view amz_target) noexcept {
    return std::find(long_polling_targets.begin(), long_polling_targets.end(), amz_target) !=
           long_polling_targets.end();
}

retry_decision decide(const retry_policy& policy, const attempt& a, double u01, retry_budget& budget) noexcept {
    if (a.result == attempt_result::success) {
        budget.give_back(a.number == 1 ? 1 : a.paid);
        return {};
    }
    if (a.result == attempt_result::final_error || a.number >= policy.max_attempts)
        return {};
    const milliseconds delay = delay_after(policy, a, u01);
    if (delay > a.left)
        return {};
    const unsigned cost = a.result == attempt_result::throttled ? throttled_cost : failure_cost;
    if (!a.repeatable)
        return {.held_back = budget.tokens() >= cost};
    if (!budget.take(cost))
        return {.hold = a.long_polling ? delay : 0ms};
    return {.delay = delay, .cost = cost};
}

} // namespace countersign::proxy
