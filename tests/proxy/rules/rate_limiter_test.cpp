#include "proxy/rules/rate_limiter.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace countersign::proxy {
namespace rate_limiter_test {

using namespace std::chrono_literals;

rate_limiter::clock::time_point at(std::chrono::milliseconds after) {
    return rate_limiter::clock::time_point{1000h} + after;
}

TEST(RateLimiter, LetsAsManyGoAsTheBucketHoldsAndThenAtTheRate) {
    rate_limiter limit{{10, 1s}};
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(limit.take(at(0ms))) << i;
    EXPECT_EQ(limit.take(at(0ms)), 100ms);
    EXPECT_EQ(limit.take(at(60ms)), 40ms); // who is refused takes nothing
    EXPECT_FALSE(limit.take(at(100ms)));
    EXPECT_TRUE(limit.take(at(100ms)));
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(limit.take(at(5000ms))) << i; // full again, and no fuller
    EXPECT_TRUE(limit.take(at(5000ms)));
}

TEST(RateLimiter, StaysExactOverManyPeriods) {
    rate_limiter limit{{3, 1s}}; // a third of a second has no end in decimals
    int went = 0;
    for (auto t = 0ms; t < 100s; t += 1ms)
        went += limit.take(at(t)) ? 0 : 1;
    EXPECT_EQ(went, 3 + 299);
}

TEST(RateLimiter, IsExactOverThreads) {
    rate_limiter limit{{1000, 3600s}};
    std::atomic<int> went{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 1000; ++n)
                went += limit.take(at(0ms)) ? 0 : 1;
        });
    for (std::thread& t : threads)
        t.join();
    EXPECT_EQ(went, 1000);
}

TEST(RateLimiters, ShareOneForTheSameRouteAndRate) {
    rate_limiters all;
    const auto first = all.find("a", {1, 1s});
    EXPECT_EQ(all.find("a", {1, 1s}), first);
    EXPECT_NE(all.find("b", {1, 1s}), first);
    EXPECT_NE(all.find("a", {2, 1s}), first);
}

} // namespace rate_limiter_test
} // namespace countersign::proxy
