// May this attempt be followed by another, and after which delay? AWS's standard retry mode of November 2026
// ("2.1" in the SDKs' sources). Pure but for the budget, which belongs to one worker and one upstream scope:
// not synchronised.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace countersign::proxy {

// What an attempt came to, as far as retrying is concerned.
enum class attempt_result : std::uint8_t {
    success,     // below 400
    throttled,   // a throttling code, whatever the status; 429 without a code
    transient,   // 500, 502, 503, 504, a transient code, or no answer: refused, reset, closed, cut short
    timeout,     // no answer in time
    final_error, // any other answer
};

// `code` as find_error_code (service_error.hpp) gave it; "" when there was none. A code is stronger than the status.
attempt_result classify(unsigned status, std::string_view code) noexcept;

// Retry quota: 500 tokens at the start, never above.
class retry_budget {
public:
    explicit retry_budget(unsigned capacity = 500) noexcept : capacity_(capacity), tokens_(capacity) {}

    bool take(unsigned cost) noexcept; // all or nothing
    void give_back(unsigned tokens) noexcept;
    unsigned tokens() const noexcept { return tokens_; }

private:
    unsigned capacity_;
    unsigned tokens_;
};

struct retry_policy {
    unsigned max_attempts = 3;          // the first one included; 1: never
    std::chrono::milliseconds base{50}; // where the failure was not throttling; DynamoDB 25
    std::chrono::milliseconds throttled_base{1000};
    std::chrono::milliseconds longest{20000};
};

// The policy of a service: max_attempts is 4 and base 25 ms for dynamodb unless `configured` says otherwise.
retry_policy policy_for(std::string_view service, std::optional<unsigned> configured) noexcept;

struct attempt {
    unsigned number = 1; // 1, 2, …
    attempt_result result = attempt_result::success;
    bool repeatable = true;           // it can do no harm: rules/repeatable.hpp
    std::string_view amz_retry_after; // x-amz-retry-after of the answer, milliseconds; "" when absent
    std::string_view retry_after;     // Retry-After of the answer, seconds or date; "" when absent
    std::chrono::sys_seconds now{};   // for a Retry-After that is a date
    unsigned paid = 0;                // quota that the retry before this attempt cost
    bool long_polling = false;        // is_long_polling of the request
    std::chrono::milliseconds left = std::chrono::milliseconds::max(); // until no further attempt may begin
};

struct retry_decision {
    std::optional<std::chrono::milliseconds> delay = {}; // none: this was the last attempt
    unsigned cost = 0;                                   // what the retry took from the budget
    // No retry: wait this long before passing the failure on, so that long pollers do not spin.
    std::chrono::milliseconds hold{0};
    bool held_back = false; // there would be another attempt, were the request repeatable
};

// Operations that wait on the server: their callers ask again at once, so that a failure which comes back without a
// pause makes them spin. `amz_target` is the X-Amz-Target header: AmazonSQS.ReceiveMessage → true.
bool is_long_polling(std::string_view amz_target) noexcept;

// Asked once after each attempt. Gives quota back on success (1, or `paid` after retries); else, in this order: not
// retryable, attempts used up, delay longer than what is left, not repeatable, quota empty → no delay. The delay is
// u01 · min(base · 2^(n−1), longest), held between itself and itself + 5 s by x-amz-retry-after, or else by Retry-After
// (which waits at most 5 s longer). REQUIRES: a.number ≥ 1 and 0 ≤ u01 ≤ 1.
retry_decision decide(const retry_policy& policy, const attempt& a, double u01, retry_budget& budget) noexcept;

} // namespace countersign::proxy
