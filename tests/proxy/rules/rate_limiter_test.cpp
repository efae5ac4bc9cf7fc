#include "proxy/rules/rate_limiter.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <vector>

namespace countersign::proxy {
namespace rate_limiter_test {

using namespace std::chrono_literals;

rate_limiter::clock::time_point at(std::chrono::milliseconds after) {
    return rate_limiter::clock::time_point{1000h} + after;
}

// None: it may go at once. Else after how long the next one may.
std::optional<rate_limiter::clock::duration> take(rate_limiter& limit, rate_limiter::clock::time_point now) {
    const auto turn = limit.reserve(now, 0s);
    return turn.is_reserved ? std::nullopt : std::optional{turn.wait};
}

TEST(RateLimiter, LetsAsManyGoAsTheBucketHoldsAndThenAtTheRate) {
    rate_limiter limit{{10, 1s}};
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(take(limit, at(0ms))) << i;
    EXPECT_EQ(take(limit, at(0ms)), 100ms);
    EXPECT_EQ(take(limit, at(60ms)), 40ms); // who is refused takes nothing
    EXPECT_FALSE(take(limit, at(100ms)));
    EXPECT_TRUE(take(limit, at(100ms)));
    for (int i = 0; i < 10; ++i)
        EXPECT_FALSE(take(limit, at(5000ms))) << i; // full again, and no fuller
    EXPECT_TRUE(take(limit, at(5000ms)));
}

TEST(RateLimiter, StaysExactOverManyPeriods) {
    rate_limiter limit{{3, 1s}}; // a third of a second has no end in decimals
    int went = 0;
    for (auto t = 0ms; t < 100s; t += 1ms)
        went += take(limit, at(t)) ? 0 : 1;
    EXPECT_EQ(went, 3 + 299);
}

TEST(RateLimiter, IsExactOverThreads) {
    rate_limiter limit{{1000, 3600s}};
    std::atomic<int> went{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
        threads.emplace_back([&] {
            for (int n = 0; n < 1000; ++n)
                went += take(limit, at(0ms)) ? 0 : 1;
        });
    for (std::thread& t : threads)
        t.join();
    EXPECT_EQ(went, 1000);
}

TEST(RateLimiter, GivesOutTurnsInOrderAndNoneTooLate) {
    rate_limiter limit{{10, 1s}};
    for (int i = 0; i < 10; ++i)
        EXPECT_EQ(limit.reserve(at(0ms), 500ms).wait, 0ms);
    for (int i = 1; i <= 5; ++i) {
        const auto turn = limit.reserve(at(0ms), 500ms);
        EXPECT_TRUE(turn.is_reserved);
        EXPECT_EQ(turn.wait, i * 100ms);
    }
    const auto late = limit.reserve(at(0ms), 500ms);
    EXPECT_FALSE(late.is_reserved);
    EXPECT_EQ(late.wait, 600ms);
    EXPECT_EQ(limit.reserve(at(200ms), 500ms).wait, 400ms);
    EXPECT_TRUE(take(limit, at(500ms))); // whoever does not wait does not overtake
}

TEST(RateLimiter, TakesATurnBack) {
    rate_limiter limit{{1, 1s}};
    EXPECT_EQ(limit.reserve(at(0ms), 5s).wait, 0s);
    EXPECT_EQ(limit.reserve(at(0ms), 5s).wait, 1s);
    EXPECT_EQ(limit.reserve(at(0ms), 5s).wait, 2s);
    limit.give_back();
    EXPECT_EQ(limit.reserve(at(0ms), 5s).wait, 2s);
    EXPECT_EQ(limit.reserve(at(0ms), 5s).wait, 3s);
}

TEST(RateLimiter, BoundsTheLine) {
    rate_limiter limit{{1000, 1s}};
    for (unsigned i = 0; i < 1000 + rate_limiter::most_waiting; ++i)
        EXPECT_TRUE(limit.reserve(at(0ms), 3600s).is_reserved) << i;
    EXPECT_FALSE(limit.reserve(at(0ms), 3600s).is_reserved);
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
