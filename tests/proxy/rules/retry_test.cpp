#include "proxy/rules/retry.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace countersign::proxy {
namespace retry_test {

using namespace std::chrono_literals;
namespace json = boost::json;
using std::chrono::milliseconds;

// tests/proxy/retry.json: tables from the tests of smithy-rs and botocore; each case names its source.
const json::object& vectors() {
    static const json::value parsed = [] {
        std::ifstream file(TESTS_FOLDER "/proxy/retry.json");
        return json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
    }();
    return parsed.as_object();
}

unsigned number(const json::object& from, const char* name, unsigned otherwise) {
    const json::value* found = from.if_contains(name);
    return found ? found->to_number<unsigned>() : otherwise;
}

std::string_view text(const json::object& from, const char* name) {
    const json::value* found = from.if_contains(name);
    return found ? std::string_view(found->as_string()) : std::string_view();
}

attempt attempt_of(const json::object& step) {
    const json::object& outcome = step.at("outcome").as_object();
    attempt a;
    a.number = step.at("attempt").to_number<unsigned>();
    a.result = text(outcome, "failure") == "timeout" ? attempt_result::timeout
                                                     : classify(number(outcome, "status", 0), text(outcome, "code"));
    if (const json::value* headers = outcome.if_contains("headers"))
        a.amz_retry_after = text(headers->as_object(), "x-amz-retry-after");
    return a;
}

void run_case(const json::object& c) {
    SCOPED_TRACE(std::string(text(c, "name")));
    retry_policy policy;
    policy.max_attempts = number(c, "max_attempts", policy.max_attempts);
    policy.longest = milliseconds{number(c, "max_backoff_ms", 20000)};
    policy.base = milliseconds{number(c, "base_ms", 50)};
    retry_budget budget{number(c, "capacity", 500)};
    unsigned paid = 0;
    for (const json::value& each : c.at("steps").as_array()) {
        const json::object& step = each.as_object();
        attempt a = attempt_of(step);
        a.paid = paid;
        a.long_polling = c.contains("long_polling");
        const retry_decision decision = decide(policy, a, 1.0, budget);
        paid = decision.cost;
        EXPECT_EQ(decision.delay.has_value(), step.at("retry").as_bool());
        if (step.contains("delay_ms")) {
            EXPECT_EQ(decision.delay, milliseconds{number(step, "delay_ms", 0)});
        }
        EXPECT_EQ(decision.hold, milliseconds{number(step, "wait_before_giving_up_ms", 0)});
        EXPECT_EQ(budget.tokens(), number(step, "quota_left", 0));
    }
}

TEST(Retry, FollowsEverySequenceOfTheNewRules) {
    unsigned ran = 0;
    for (const json::value& c : vectors().at("cases").as_array()) {
        if (text(c.as_object(), "rules") != "2.1")
            continue;
        run_case(c.as_object());
        ++ran;
    }
    EXPECT_EQ(ran, 19u);
}

milliseconds delay_of(const retry_policy& policy, unsigned n, double u01 = 1.0) {
    retry_budget budget{1000};
    attempt a;
    a.number = n;
    a.result = attempt_result::transient;
    return decide(policy, a, u01, budget).delay.value_or(-1ms);
}

TEST(Retry, DoublesDelaysAsTheTableSays) {
    for (const json::value& each : vectors().at("delays").at("cases").as_array()) {
        const json::object& c = each.as_object();
        retry_policy policy;
        policy.max_attempts = 1'000'000;
        policy.base = milliseconds{number(c, "base_ms", 0)};
        policy.longest = milliseconds{number(c, "max_backoff_ms", 0)};
        if (c.contains("attempt")) {
            EXPECT_EQ(delay_of(policy, number(c, "attempt", 0)), milliseconds{number(c, "delay_ms", 0)});
            continue;
        }
        unsigned n = 0;
        for (const json::value& delay : c.at("delays_ms").as_array())
            EXPECT_EQ(delay_of(policy, ++n), milliseconds{delay.to_number<unsigned>()}) << n;
    }
}

TEST(Retry, NeverOverflows) {
    retry_policy policy;
    policy.max_attempts = UINT_MAX;
    EXPECT_EQ(delay_of(policy, UINT_MAX - 1), 20s);
}

TEST(Retry, CapsBeforeTheJitter) {
    const retry_policy policy{.max_attempts = 100};
    EXPECT_EQ(delay_of(policy, 50, 0.5), 10s);
    EXPECT_EQ(delay_of(policy, 1, 0.0), 0ms);
    EXPECT_EQ(delay_of(policy, 3, 0.25), 50ms);
}

TEST(Retry, ClassifiesAsTheTableSays) {
    const json::object& table = vectors().at("classification").as_object();
    for (const json::value& code : table.at("throttling_codes").as_array())
        for (unsigned status : {400u, 403u, 429u, 500u, 503u})
            EXPECT_EQ(classify(status, code.as_string()), attempt_result::throttled) << code;
    for (const json::value& code : table.at("transient_codes").as_array())
        EXPECT_EQ(classify(400, code.as_string()), attempt_result::transient) << code;
    for (const json::value& code : table.at("sts_only_codes").as_array())
        EXPECT_EQ(classify(400, code.as_string()), attempt_result::transient) << code;
    for (const json::value& status : table.at("transient_statuses").as_array()) {
        EXPECT_EQ(classify(status.to_number<unsigned>(), ""), attempt_result::transient) << status;
        EXPECT_EQ(classify(status.to_number<unsigned>(), "InternalError"), attempt_result::transient) << status;
    }
    for (const json::value& status : table.at("not_retryable_statuses_without_a_code").as_array())
        EXPECT_EQ(classify(status.to_number<unsigned>(), ""), attempt_result::final_error) << status;
    for (const json::value& code : table.at("clock_skew_codes").as_array())
        EXPECT_EQ(classify(403, code.as_string()), attempt_result::final_error) << code;
}

TEST(Retry, ClassifiesWhereOthersDiffer) {
    EXPECT_EQ(classify(429, ""), attempt_result::throttled);
    EXPECT_EQ(classify(429, "QuotaExceededException"), attempt_result::final_error);
    EXPECT_EQ(classify(509, ""), attempt_result::final_error);
    EXPECT_EQ(classify(400, "ExpiredToken"), attempt_result::final_error);
    EXPECT_EQ(classify(400, "throttling"), attempt_result::final_error);
    EXPECT_EQ(classify(307, "TemporaryRedirect"), attempt_result::success);
    EXPECT_EQ(classify(200, "SlowDown"), attempt_result::success);
    EXPECT_EQ(classify(0, ""), attempt_result::transient);
}

attempt failed(unsigned n, attempt_result result = attempt_result::transient) {
    attempt a;
    a.number = n;
    a.result = result;
    return a;
}

TEST(Retry, TakesNothingFromTheQuotaWhereItDoesNotRetry) {
    retry_budget budget;
    attempt spent = failed(3);
    attempt streamed = failed(1);
    streamed.repeatable = false;
    for (const attempt& a : {spent, streamed, failed(1, attempt_result::final_error)}) {
        EXPECT_EQ(decide(retry_policy{}, a, 1.0, budget).delay, std::nullopt);
        EXPECT_EQ(budget.tokens(), 500u);
    }
    EXPECT_EQ(decide(retry_policy{.max_attempts = 1}, failed(1), 1.0, budget).delay, std::nullopt);
}

TEST(Retry, SaysWhereNothingButTheRuleHoldsItBack) {
    const auto is_held_back = [](attempt a, retry_budget budget = retry_budget{}) {
        a.repeatable = false;
        return decide(retry_policy{}, a, 1.0, budget).held_back;
    };
    EXPECT_TRUE(is_held_back(failed(1)));
    EXPECT_TRUE(is_held_back(failed(2, attempt_result::timeout)));
    EXPECT_FALSE(is_held_back(failed(3)));
    EXPECT_FALSE(is_held_back(failed(1, attempt_result::final_error)));
    EXPECT_FALSE(is_held_back(failed(1, attempt_result::success)));
    EXPECT_FALSE(is_held_back(failed(1), retry_budget{1}));
    attempt late = failed(1);
    late.left = 49ms; // less than the delay
    EXPECT_FALSE(is_held_back(late));
    retry_budget budget;
    EXPECT_FALSE(decide(retry_policy{}, failed(1), 1.0, budget).held_back);
}

TEST(Retry, AllowsThirtyFiveRetriesInAnOutage) {
    retry_budget budget;
    unsigned retries = 0;
    for (int i = 0; i < 1000; ++i)
        if (decide(retry_policy{}, failed(1), 1.0, budget).delay)
            ++retries;
    EXPECT_EQ(retries, 35u);
    decide(retry_policy{}, attempt{}, 1.0, budget); // one success earns one token
    EXPECT_EQ(budget.tokens(), 500u - 35 * 14 + 1);
}

TEST(Retry, FillsTheQuotaNoHigherThanItsCapacity) {
    retry_budget budget;
    decide(retry_policy{}, attempt{}, 1.0, budget);
    EXPECT_EQ(budget.tokens(), 500u);
    budget.give_back(UINT_MAX);
    EXPECT_EQ(budget.tokens(), 500u);
}

milliseconds delay_with(std::string_view amz_retry_after, std::string_view retry_after) {
    retry_budget budget;
    attempt a = failed(1);
    a.amz_retry_after = amz_retry_after;
    a.retry_after = retry_after;
    a.now = std::chrono::sys_days{std::chrono::year{2026} / 11 / 22};
    return decide(retry_policy{}, a, 1.0, budget).delay.value_or(-1ms);
}

TEST(Retry, WaitsAsRetryAfterAsksWithinFiveSeconds) {
    EXPECT_EQ(delay_with("", "2"), 2000ms);
    EXPECT_EQ(delay_with("", "0"), 50ms);
    EXPECT_EQ(delay_with("", "86400"), 5050ms);
    EXPECT_EQ(delay_with("", "99999999999999999999999999"), 5050ms);
    EXPECT_EQ(delay_with("", "Sun, 22 Nov 2026 00:00:03 GMT"), 3000ms);
    EXPECT_EQ(delay_with("", "Sun, 22 Nov 2099 00:00:03 GMT"), 5050ms);
    EXPECT_EQ(delay_with("", "Sun, 06 Nov 1994 08:49:37 GMT"), 50ms);
    for (const char* nonsense : {"", "-1", "1.5", "+1", " 1", "0x10", "soon", "Sun, 99 Nov 2026 00:00:03 GMT"})
        EXPECT_EQ(delay_with("", nonsense), 50ms) << nonsense;
}

TEST(Retry, PrefersTheServicesOwnHeaderWhereItIsANumber) {
    EXPECT_EQ(delay_with("1500", "4"), 1500ms);
    EXPECT_EQ(delay_with("18446744073709551616", "1"), 5050ms);
    EXPECT_EQ(delay_with("invalid", "4"), 4000ms);
}

TEST(Retry, KnowsDynamoDbsPolicy) {
    EXPECT_EQ(policy_for("dynamodb", {}).max_attempts, 4u);
    EXPECT_EQ(policy_for("dynamodb", {}).base, 25ms);
    EXPECT_EQ(policy_for("dynamodb", 2).max_attempts, 2u);
    EXPECT_EQ(policy_for("dynamodb", 2).base, 25ms);
    EXPECT_EQ(policy_for("s3", {}).max_attempts, 3u);
    EXPECT_EQ(policy_for("s3", 7).max_attempts, 7u);
    EXPECT_EQ(policy_for("s3", 0).max_attempts, 1u);
}

TEST(Retry, KnowsLongPollingOperations) {
    EXPECT_TRUE(is_long_polling("AmazonSQS.ReceiveMessage"));
    EXPECT_TRUE(is_long_polling("AWSStepFunctions.GetActivityTask"));
    EXPECT_FALSE(is_long_polling("AmazonSQS.SendMessage"));
    EXPECT_FALSE(is_long_polling(""));
}

} // namespace retry_test
} // namespace countersign::proxy
