#include "proxy/rules/adaptive_limiter.hpp"

#include <boost/json.hpp>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <memory>
#include <string>

namespace countersign::proxy {
namespace adaptive_limiter_test {

using namespace std::chrono_literals;
namespace json = boost::json;
using time_point = adaptive_limiter::clock::time_point;

constexpr time_point begin{1000h + 300ms}; // not a whole second: only what passes since then counts

time_point at(double seconds) {
    return begin + std::chrono::round<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
}

// tests/proxy/retry.json: the tables of smithy-rs's own tests.
const json::object& vectors() {
    static const json::value parsed = [] {
        std::ifstream file(TESTS_FOLDER "/proxy/retry.json");
        return json::parse(std::string(std::istreambuf_iterator<char>(file), {}));
    }();
    return parsed.at("adaptive").as_object();
}

double real(const json::value& v) {
    return v.to_number<double>();
}

cubic_curve curve_of(const json::object& table) {
    return {real(table.at("last_max_rate")), real(table.at("last_throttle"))};
}

TEST(CubicCurve, RisesAsTheTableSays) {
    const json::object& table = vectors().at("cubic_successes").as_object();
    const cubic_curve curve = curve_of(table);
    for (const json::value& step : table.at("steps").as_array())
        EXPECT_NEAR(curve.rate_at(real(step.at(0))), real(step.at(1)), 1e-6);
}

TEST(CubicCurve, FallsWithEachThrottlingAsTheTableSays) {
    const json::object& table = vectors().at("cubic_with_throttles").as_object();
    cubic_curve curve = curve_of(table);
    double rate = 0;
    for (const json::value& step : table.at("steps").as_array()) {
        const double now = real(step.at(1));
        rate = step.at(0).as_bool() ? curve.throttle(rate, now) : curve.rate_at(now);
        if (step.at(0).as_bool())
            curve.highest = rate; // so the table's own test has it; botocore and the client there do not
        EXPECT_NEAR(rate, real(step.at(2)), 1e-6) << now;
    }
}

TEST(AdaptiveLimiter, MeasuresAndFillsAsTheTableSays) {
    adaptive_limiter limit{begin};
    for (const json::value& step : vectors().at("sending_rates").at("steps").as_array()) {
        const double now = real(step.at(1));
        limit.learn(step.at(0).as_bool(), at(now));
        EXPECT_NEAR(limit.measured_rate(), real(step.at(2)), 1e-6) << now;
        EXPECT_NEAR(limit.fill_rate(), real(step.at(3)), 1e-6) << now;
    }
}

TEST(AdaptiveLimiter, LetsAllGoUntilSomethingIsThrottled) {
    adaptive_limiter limit{begin};
    for (int i = 0; i < 1000; ++i) {
        adaptive_limiter::place p;
        EXPECT_EQ(limit.take(p, at(i / 1000.0)), 0s);
        limit.learn(false, at(i / 1000.0));
    }
    EXPECT_FALSE(limit.is_on());
    EXPECT_EQ(limit.expected_wait(at(1)), 0s);
}

TEST(AdaptiveLimiter, MakesTheNextWaitForItsToken) {
    adaptive_limiter limit{begin};
    limit.learn(true, at(0.1)); // nothing measured yet: the lowest rate, a token in two seconds
    EXPECT_EQ(limit.fill_rate(), 0.5);
    adaptive_limiter::place p;
    EXPECT_EQ(limit.take(p, at(0.1)), 2s);
    EXPECT_EQ(limit.take(p, at(1.1)), 1s);
    EXPECT_EQ(limit.take(p, at(2.1)), 0s);
    EXPECT_EQ(limit.take(p, at(2.1)), 2s);
}

TEST(AdaptiveLimiter, LetsGoInTheOrderOfComing) {
    adaptive_limiter limit{begin};
    limit.learn(true, at(0));
    adaptive_limiter::place first;
    adaptive_limiter::place second;
    EXPECT_EQ(limit.take(first, at(0)), 2s);
    EXPECT_EQ(limit.take(second, at(0)), 4s);
    EXPECT_EQ(limit.expected_wait(at(0)), 6s);
    EXPECT_GT(limit.take(second, at(2)), 0s); // the token is there, but not his
    EXPECT_EQ(limit.take(first, at(2)), 0s);
    EXPECT_EQ(limit.take(second, at(2)), 2s);
    EXPECT_EQ(limit.take(second, at(4)), 0s);
}

TEST(AdaptiveLimiter, ForgetsWhoLeavesTheLine) {
    adaptive_limiter limit{begin};
    limit.learn(true, at(0));
    auto first = std::make_unique<adaptive_limiter::place>();
    adaptive_limiter::place second;
    limit.take(*first, at(0));
    limit.take(second, at(0));
    first.reset();
    EXPECT_EQ(limit.take(second, at(0)), 2s);
    EXPECT_EQ(limit.take(second, at(2)), 0s);
    EXPECT_EQ(limit.expected_wait(at(4)), 0s);
}

TEST(AdaptiveLimiter, SavesNoMoreTokensThanASecondsWorth) {
    adaptive_limiter limit{begin};
    limit.learn(true, at(0));
    int went = 0;
    for (int i = 0; i < 5; ++i) {
        adaptive_limiter::place p;
        went += limit.take(p, at(3600)) == 0s ? 1 : 0;
    }
    EXPECT_EQ(went, 1);
}

TEST(AdaptiveLimiter, RisesAgainWithSuccesses) {
    adaptive_limiter limit{begin};
    for (int i = 0; i < 400; ++i)
        limit.learn(false, at(i / 100.0)); // a hundred a second
    limit.learn(true, at(4));
    const double after = limit.fill_rate();
    EXPECT_NEAR(after, 70, 5);
    for (int i = 0; i < 1000; ++i)
        limit.learn(false, at(4 + i / 70.0));
    EXPECT_GT(limit.fill_rate(), 95);
}

} // namespace adaptive_limiter_test
} // namespace countersign::proxy
