#include "chain/retry.hpp"
#include "tests/support/fake_world.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace retry_test {

using namespace std::chrono_literals;

repetition after(unsigned status, std::string_view code) {
    return repetition_after(tests::reply(status, ""), code);
}

TEST(ChainRetry, RepeatsWhatIsExpectedToPass) {
    for (const unsigned status : {500u, 502u, 503u, 504u})
        EXPECT_EQ(after(status, ""), repetition::soon) << status;
    for (const unsigned status : {200u, 302u, 400u, 403u, 404u, 408u, 409u, 501u, 505u})
        EXPECT_EQ(after(status, ""), repetition::none) << status;
    for (const auto* code : {"", "ThrottlingException", "RateExceeded"})
        EXPECT_EQ(after(429, code), repetition::slowly) << code;
    EXPECT_EQ(after(509, ""), repetition::slowly);
}

TEST(ChainRetry, RepeatsMoreOfWhoIsBesideUs) {
    for (const unsigned status : {408u, 500u, 501u, 502u, 503u, 504u, 599u})
        EXPECT_EQ(repetition_after_local(tests::reply(status, ""), ""), repetition::soon) << status;
    for (const unsigned status : {429u, 509u})
        EXPECT_EQ(repetition_after_local(tests::reply(status, ""), ""), repetition::slowly) << status;
    EXPECT_EQ(repetition_after_local(tests::reply(400, ""), "ThrottlingException"), repetition::slowly);
    for (const unsigned status : {200u, 302u, 400u, 401u, 403u, 404u})
        EXPECT_EQ(repetition_after_local(tests::reply(status, ""), ""), repetition::none) << status;
    EXPECT_EQ(repetition_after_local(http_fault{http_stage::exchange, ""}, ""), repetition::soon);
    EXPECT_EQ(repetition_after_local(http_fault{http_stage::connect, ""}, ""), repetition::none);
}

TEST(ChainRetry, TakesTheCodeBeforeTheStatus) {
    EXPECT_EQ(after(400, "Throttling"), repetition::slowly);
    for (const auto* code : {"RequestLimitExceeded", "SlowDown", "TooManyRequestsException", "EC2ThrottledException"})
        EXPECT_EQ(after(503, code), repetition::slowly) << code;
    EXPECT_EQ(after(400, "IDPCommunicationError"), repetition::soon);
    for (const auto* code :
         {"InvalidIdentityToken",
          "ExpiredTokenException",
          "AccessDenied",
          "RegionDisabledException",
          "MalformedPolicyDocument"})
        EXPECT_EQ(after(400, code), repetition::none) << code;
}

TEST(ChainRetry, RepeatsWithoutAnAnswer) {
    EXPECT_EQ(repetition_after(http_fault{http_stage::connect, ""}, ""), repetition::soon);
    EXPECT_EQ(repetition_after(http_fault{http_stage::exchange, ""}, ""), repetition::soon);
    for (const auto stage : {http_stage::url, http_stage::forbidden, http_stage::too_large})
        EXPECT_EQ(repetition_after(http_fault{stage, ""}, ""), repetition::none);
}

TEST(ChainRetry, DoublesItsPause) {
    EXPECT_EQ(pause_after(1, repetition::soon, 1.0), 50ms);
    EXPECT_EQ(pause_after(2, repetition::soon, 1.0), 100ms);
    EXPECT_EQ(pause_after(1, repetition::slowly, 1.0), 1s);
    EXPECT_EQ(pause_after(2, repetition::slowly, 0.5), 1s);
    EXPECT_EQ(pause_after(1000, repetition::slowly, 1.0), 20s);
    EXPECT_EQ(pause_after(1, repetition::soon, 0.0), 0ms);
}

std::chrono::milliseconds told(std::vector<http_field> fields, std::chrono::milliseconds own = 200ms) {
    const std::chrono::sys_days midnight{std::chrono::year{2026} / 11 / 22};
    return pause_told(tests::reply(429, "", std::move(fields)), own, midnight);
}

TEST(ChainRetry, HearsWhatTheAnswerAsksForWithinABound) {
    EXPECT_EQ(told({}), 200ms);
    EXPECT_EQ(told({{"Retry-After", secret("2")}}), 2s);
    EXPECT_EQ(told({{"retry-after", secret("5")}}), 5s);
    EXPECT_EQ(told({{"Retry-After", secret("6")}}), 5200ms);
    EXPECT_EQ(told({{"Retry-After", secret("9223372036854775807")}}), 5200ms);
    EXPECT_EQ(told({{"Retry-After", secret("0")}}), 200ms) << "never sooner than by itself";
    EXPECT_EQ(told({{"Retry-After", secret("1")}}, 3s), 3s);
    EXPECT_EQ(told({{"x-amz-retry-after", secret("1500")}, {"Retry-After", secret("3")}}), 1500ms);
    EXPECT_EQ(told({{"Retry-After", secret("Sun, 22 Nov 2026 00:00:03 GMT")}}), 3s);
    EXPECT_EQ(told({{"Retry-After", secret("Sat, 21 Nov 2026 00:00:03 GMT")}}), 200ms);
    EXPECT_EQ(told({{"Retry-After", secret("Sun, 22 Nov 9999 00:00:03 GMT")}}), 5200ms);
    EXPECT_EQ(pause_told(http_fault{}, 70ms, {}), 70ms);
}

TEST(ChainRetry, IsDeafToWhatIsNoTime) {
    for (const auto* text :
         {"",
          "-1",
          "1.5",
          "2 s",
          "99999999999999999999",
          "soon",
          "Sun, 22 Xxx 2026 00:00:03 GMT",
          "Sun, 32 Nov 2026 00:00:03 GMT",
          "Sun, 22 ovD 2026 00:00:03 GMT",
          "Sunday, 22-Nov-26 00:00:03 GMT"})
        EXPECT_EQ(told({{"Retry-After", secret(text)}}), 200ms) << text;
}

} // namespace retry_test
} // namespace countersign::chain
