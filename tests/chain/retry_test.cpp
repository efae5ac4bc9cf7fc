#include "chain/retry.hpp"
#include "tests/support/fake_world.hpp"

#include <gtest/gtest.h>

namespace countersign::chain {
namespace {

using namespace std::chrono_literals;

repetition after(unsigned status, std::string_view code) {
    return repetition_after(tests::reply(status, ""), code);
}

TEST(ChainRetry, RepeatsWhatIsExpectedToPass) {
    for (const unsigned status : {500u, 502u, 503u, 504u})
        EXPECT_EQ(after(status, ""), repetition::soon) << status;
    for (const unsigned status : {200u, 302u, 400u, 403u, 404u, 408u, 409u, 501u, 505u})
        EXPECT_EQ(after(status, ""), repetition::none) << status;
    EXPECT_EQ(after(429, ""), repetition::slowly);
}

TEST(ChainRetry, TakesTheCodeBeforeTheStatus) {
    EXPECT_EQ(after(400, "Throttling"), repetition::slowly);
    EXPECT_EQ(after(503, "RequestLimitExceeded"), repetition::slowly);
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

} // namespace
} // namespace countersign::chain
