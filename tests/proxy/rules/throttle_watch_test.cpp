#include "proxy/rules/throttle_watch.hpp"

#include <gtest/gtest.h>

namespace countersign::proxy {
namespace throttle_watch_test {

using namespace std::chrono_literals;

throttle_watch::clock::time_point at(std::chrono::seconds after) {
    return throttle_watch::clock::time_point{1000h} + after;
}

TEST(ThrottleWatch, TellsOnceAMinute) {
    throttle_watch watch;
    int told = 0;
    for (auto t = 0s; t < 60s; t += 1s)
        EXPECT_FALSE(watch.note(at(t)));
    for (auto t = 60s; t <= 240s; t += 1s)
        if (const auto found = watch.note(at(t))) {
            ++told;
            EXPECT_EQ(found->answers, 61u);
            EXPECT_EQ(found->within, 60s);
        }
    EXPECT_EQ(told, 4); // at 60, 120, 180, 240
}

TEST(ThrottleWatch, SaysNothingOfSingleAnswers) {
    throttle_watch watch;
    for (auto t = 0s; t < 3600s; t += 61s)
        EXPECT_FALSE(watch.note(at(t)));
}

TEST(ThrottleWatch, CountsSlowButSteadyThrottling) {
    throttle_watch watch;
    EXPECT_FALSE(watch.note(at(0s)));
    EXPECT_FALSE(watch.note(at(45s)));
    const auto found = watch.note(at(90s));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->answers, 3u);
    EXPECT_EQ(found->within, 90s);
}

TEST(ThrottleWatches, ShareOneForAScope) {
    throttle_watches all;
    EXPECT_EQ(all.find("sqs/us-east-1"), all.find("sqs/us-east-1"));
    EXPECT_NE(all.find("sqs/us-east-1"), all.find("sqs/us-east-2"));
}

} // namespace throttle_watch_test
} // namespace countersign::proxy
